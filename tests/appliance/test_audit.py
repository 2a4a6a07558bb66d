from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from pathlib import Path

import pytest

from appliance.audit import FIRST, Audit, Event, verify
from appliance.cli import main
from runtime.errors import PublishError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def audit(path: Path) -> Audit:
    return Audit(path, lambda: 0.0)


def written(path: Path, count: int) -> list[bytes]:
    for number in range(count):
        audit(path).write(Event.RECEIVED, f"job{number}", bytes=number)
    return path.read_bytes().splitlines(keepends=True)


def test_each_line_has_the_hash_of_the_one_before(path: Path) -> None:
    first, second, third = written(path, 3)
    assert json.loads(first) == {
        "time": "1970-01-01T00:00:00.000+00:00",
        "event": "received",
        "job": "job0",
        "bytes": 0,
        "before": FIRST,
    }
    assert json.loads(second)["before"] == hashlib.sha256(first).hexdigest()
    verdict = verify(path)
    assert (verdict.lines, verdict.torn, verdict.broken) == (3, 0, None)
    assert verdict.last == hashlib.sha256(third).hexdigest()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("number", range(5))
def test_a_changed_line_is_named(path: Path, number: int) -> None:
    lines = written(path, 6)
    lines[number] = lines[number].replace(b"received", b"rejected")
    path.write_bytes(b"".join(lines))
    assert verify(path).broken == (number + 1, number + 2)


def test_any_flipped_byte_but_of_the_last_line_shows(path: Path) -> None:
    lines = written(path, 3)
    content = path.read_bytes()
    for place in range(len(lines[0] + lines[1])):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        broken = verify(path).broken
        assert broken is not None
        assert broken[0] in (1, 2)


def test_a_line_that_was_taken_out_or_put_in_shows(path: Path) -> None:
    one, two, three, four = written(path, 4)
    path.write_bytes(one + three + four)
    assert verify(path).broken == (1, 2)
    path.write_bytes(two + three + four)
    assert verify(path).broken == (1, 1)
    path.write_bytes(one + two + two + three + four)
    assert verify(path).broken == (2, 3)


@pytest.mark.parametrize("left", [1, 40, -2])
def test_a_torn_line_stays_and_the_chain_goes_on(path: Path, left: int) -> None:
    """A power cut leaves a piece of a line that nobody was told of."""
    lines = written(path, 3)
    path.write_bytes(lines[0] + lines[1] + lines[2][:left])
    assert (verify(path).lines, verify(path).torn, verify(path).broken) == (2, 1, None)
    audit(path).write(Event.PUBLISHED, "job9")
    audit(path).write(Event.PUBLISHED, "job10")
    verdict = verify(path)
    assert (verdict.lines, verdict.torn, verdict.broken) == (4, 1, None)
    after = path.read_bytes().replace(lines[2][:left] + b"\n", b"")
    path.write_bytes(after)
    assert verify(path).broken == (2, 3)


def test_zeros_after_a_power_cut(path: Path) -> None:
    written(path, 2)
    with path.open("ab") as file:
        file.write(bytes(300))
    audit(path).write(Event.DELETED, "job")
    assert (verify(path).lines, verify(path).torn, verify(path).broken) == (3, 1, None)


def test_an_empty_audit_is_whole(path: Path) -> None:
    assert verify(path).lines == 0
    assert verify(path).last == FIRST


def test_many_processes_make_one_chain(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=written, args=(path, 25)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert (verify(path).lines, verify(path).broken) == (100, None)


def test_where_it_can_not_be_written_nothing_goes_on(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="audit can't be written: No such file"):
        audit(tmp_path / "nowhere/audit.jsonl").write(Event.RECEIVED, "job")


def test_the_command_names_the_first_broken_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("inbox", "results", "state"):
        (tmp_path / name).mkdir()
    config = tmp_path / "strokebox.toml"
    config.write_text(
        "[folders]\n"
        + "".join(f'{name} = "{tmp_path / name}"\n' for name in ("inbox", "results", "state"))
        + f'[engines]\nfolder = "{tmp_path}"\n'
    )
    path, of_engines = tmp_path / "state/audit.jsonl", tmp_path / "audit.jsonl"
    lines, switches = written(path, 4), written(of_engines, 2)
    assert main(["audit", "verify", "--config", str(config)]) == 0
    assert capsys.readouterr().out == (
        f"studies  4 lines, whole\nlast     {hashlib.sha256(lines[-1]).hexdigest()}\n"
        f"engines  2 lines, whole\nlast     {hashlib.sha256(switches[-1]).hexdigest()}\n"
    )
    of_engines.write_bytes(switches[1])
    assert main(["audit", "verify", "--config", str(config)]) == 3
    assert str(of_engines) in capsys.readouterr().err
    lines[1] = lines[1].replace(b"received", b"rejected")
    path.write_bytes(b"".join(lines))
    os.utime(path)
    assert main(["audit", "verify", "--config", str(config)]) == 3
    assert "line 2 was changed" in capsys.readouterr().err
