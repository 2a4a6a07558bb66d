from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.cli import main
from runtime import errors
from runtime.errors import StrokeboxError, exit_codes

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("words", [["--help"], ["analyse", "--help"]])
def test_help_says_what_every_exit_code_means(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(words)
    listed = capsys.readouterr().out.partition("exit codes:\n")[2].splitlines()
    assert [line.split(maxsplit=1) for line in listed] == [[str(code), said] for code, said in exit_codes().items()]


def test_every_error_has_its_exit_code_in_the_list() -> None:
    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, StrokeboxError)]
    assert {one.exit_code for one in classes} == set(exit_codes()) - {0, errors.INTERRUPTED, errors.CUT_OFF}


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_it_is_silent_where_nobody_reads_what_it_prints(tmp_path: Path, unbuffered: str) -> None:
    folders = "".join(f'{name} = "{tmp_path}/{name}"\n' for name in ("inbox", "results", "state"))
    (tmp_path / "strokebox.toml").write_text(f"[folders]\n{folders}")
    read_end, write_end = os.pipe()
    os.close(read_end)
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    command = [sys.executable, "-m", "appliance", "status", "--config", str(tmp_path / "strokebox.toml")]
    done = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, cwd=ROOT, env=environment)
    os.close(write_end)
    assert (done.returncode, done.stderr) == (errors.CUT_OFF, b"")
