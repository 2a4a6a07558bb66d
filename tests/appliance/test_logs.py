from __future__ import annotations

import ast
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.logs import about, log_to

APPLIANCE = Path(__file__).parents[2] / "appliance"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    handlers, level, raises = root.handlers, root.level, logging.raiseExceptions
    yield
    root.handlers, logging.raiseExceptions = handlers, raises
    root.setLevel(level)
    for name in ("appliance", "runtime"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    logging.captureWarnings(False)
    sys.excepthook, threading.excepthook = hooks


pytestmark = pytest.mark.usefixtures("logging_as_before")


def test_a_journal_gets_json() -> None:
    stream = io.StringIO()
    log_to(stream, "intake")
    logging.getLogger("appliance.intake").info("received %s\nat once", "a1", extra=about("received", "a1"))
    line = json.loads(stream.getvalue())
    assert line.pop("time").endswith("+00:00")
    message = "received a1\nat once"
    assert line == {"level": "info", "role": "intake", "event": "received", "job": "a1", "message": message}
    assert stream.getvalue().count("\n") == 1


def test_a_terminal_gets_words() -> None:
    stream = Terminal()
    log_to(stream, "intake")
    logging.getLogger("appliance.intake").info("received %s", "a1", extra=about("received", "a1"))
    assert stream.getvalue().endswith(" intake received a1\n")


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_what_libraries_say_is_not_repeated(stream: io.StringIO) -> None:
    log_to(stream, "worker")
    logging.getLogger("pydicom").warning("Invalid value for VR PN: %r", "CANARY^JOHN")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.warn("CANARY^JOHN has no glyph", stacklevel=1)
    try:
        raise ValueError("CANARY^JOHN")
    except ValueError as error:
        logging.getLogger("appliance").exception("an error", extra=about("step failed"))
        sys.excepthook(type(error), error, error.__traceback__)
    thread = threading.Thread(target=int, args=("CANARY^JOHN",))
    thread.start()
    thread.join()
    said = stream.getvalue()
    assert "CANARY" not in said
    assert "pydicom had something to say, at test_logs:" in said
    assert "py.warnings had something to say" in said
    assert said.count("ended by ValueError at") == 2
    assert len(said.splitlines()) == 5


def test_whatever_is_logged_has_a_code() -> None:
    without = []
    for path in APPLIANCE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and ast.unparse(called.value) in ("log", "_log"):
                assert isinstance(node, ast.Call)
                if not any(keyword.arg == "extra" for keyword in node.keywords):
                    without.append(f"{path.name}:{node.lineno}")
    assert without == []
