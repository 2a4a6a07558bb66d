"""One reading child at a time: started, watched, ended when it takes too long; whatever happens to it is an answer."""

from __future__ import annotations

import logging
import math
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from appliance.acceptance import DROP, FILES, flush_folder, load_taken
from appliance.drop import clean_name, drop_name
from appliance.jobkey import job_key
from appliance.logs import about
from appliance.outcome import Reason
from appliance.prepared import Prepared
from appliance.prepared_files import load_prepared
from appliance.program import program_of
from appliance.reader_child import PREPARED
from runtime.codes import Code
from runtime.errors import ConfigurationError
from runtime.progress import Progress, silent

POLL_SECONDS = 0.05
_MOST_SAID = 1 << 16
"""Bytes that are taken at once of what a child says."""
log = logging.getLogger(__name__)

_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "HOME")
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


PROGRAM = program_of("appliance.reader_child")


def read_in_child(
    folder: Path,
    limit_seconds: float,
    check: Callable[[], None],
    program: Sequence[str] = PROGRAM,
) -> Prepared:
    """Read the drop in the spool's `folder`. A child that fails or is too slow makes READER_FAILED.

    `check` is called all the while and may raise: the child is ended then. ConfigurationError where no child can be
    started or has room to work; OSError, ValueError where what was taken over is no longer there as it was.
    """
    if (folder / PREPARED).exists():
        flush_folder(folder)  # the child may have ended before
        return load_prepared(folder / PREPARED)
    for left in folder.iterdir():  # by a child that was killed; an orphan has ended by itself
        if left.name not in (FILES, DROP):
            shutil.rmtree(left)
    start = time.monotonic()
    detail = _read([*program, str(folder)], (), limit_seconds, lambda _: check())
    if (folder / PREPARED).exists():
        return load_prepared(folder / PREPARED)
    check()  # whoever ends the service may end the child at the same time
    taken = load_taken(folder)
    digests = taken.digests(folder)
    key = job_key((), digests, digests)
    return Prepared.unread(clean_name(taken.name), key, Reason(Code.READER_FAILED, detail), time.monotonic() - start)


def read_drop_in_child(
    drop: Path, limit_seconds: float, progress: Progress = silent, program: Sequence[str] = PROGRAM
) -> Prepared:
    """Read a drop where it lies. A child that fails or is too slow makes READER_FAILED; ConfigurationError as above."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="strokebox-") as folder:
        left = Path(folder) / PREPARED
        detail = _read([*program, folder], (str(drop),), limit_seconds, partial(_pass_on, progress))
        if left.exists():
            return load_prepared(left)
    reason = Reason(Code.READER_FAILED, detail)
    return Prepared.unread(drop_name(drop), job_key((), [drop], {}), reason, time.monotonic() - start)


def _read(command: Sequence[str], drop: Sequence[str], limit_seconds: float, listen: Callable[[bytes], None]) -> str:
    """Run a child to its end, and say how it came if it left nothing. `listen` gets what it says, and may raise.

    ConfigurationError where no child can be started or has room to work.
    """
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ} | _ONE_THREAD
    whole = [*command, str(math.ceil(limit_seconds)), str(os.getpid()), *drop]
    deadline = time.monotonic() + limit_seconds
    try:
        started = subprocess.Popen(
            whole, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
        )
    except OSError as error:
        raise ConfigurationError(f"The reading process can't be started: {error.strerror}.") from error
    with started as child:
        assert child.stdout is not None  # noqa: S101  # mypy can't know
        os.set_blocking(child.stdout.fileno(), False)
        try:
            while child.poll() is None and time.monotonic() < deadline:
                listen(child.stdout.read(_MOST_SAID) or b"")
                time.sleep(POLL_SECONDS)
        finally:
            child.kill()
    if child.returncode:
        log.warning("the reading process ended with %d", child.returncode, extra=about("reader ended"))
    if child.returncode == ConfigurationError.exit_code:
        raise ConfigurationError("The reading process found no room to work.")
    return "It took too long." if time.monotonic() >= deadline else "The reading process ended early."


def _pass_on(progress: Progress, said: bytes) -> None:
    """The last whole line that is one of progress; a child that reads what nobody trusts may say anything."""
    lines = re.findall(rb"^(files|images) (\d{1,9}) (\d{1,9})$", said, re.MULTILINE)
    if lines:
        what, done, total = lines[-1]
        progress(what.decode(), int(done), int(total))
