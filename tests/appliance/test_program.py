from __future__ import annotations

import os
import subprocess
from pathlib import Path

from appliance.program import program_of

ROOT = Path(__file__).parents[2]


def test_nothing_in_the_working_folder_is_run(tmp_path: Path) -> None:
    (tmp_path / "runpy.py").write_text("print('not ours')\n")
    (tmp_path / "appliance").mkdir()
    (tmp_path / "appliance/__init__.py").write_text("print('not ours')\n")
    command = [*program_of("appliance"), "--version"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("strokebox ")


def test_no_process_of_ours_is_started_in_another_way() -> None:
    named = [path.name for path in (ROOT / "appliance").glob("*.py") if "sys.executable, " in path.read_text()]
    assert named == ["program.py"]
