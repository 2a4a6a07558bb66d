"""What a command with plain sudo leaves to the service: nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.cli import main
from appliance.jobs import Jobs
from appliance.owner import require_owner
from runtime.errors import UsageError
from tests.requirements import require_root
from tests.resilience.test_update_kills import box
from tests.signed_bundles import write_signed

SERVICE = 12345
"""A user that has no name here."""


def test_ones_own_folder_and_one_that_is_not_there(tmp_path: Path) -> None:
    require_owner(tmp_path)
    require_owner(tmp_path / "none")


def test_commands_that_write_are_refused_to_all_but_the_owner(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require_root()
    config = box(tmp_path)
    jobs = Jobs(tmp_path / "state/jobs.sqlite")
    jobs.back_up(tmp_path / "copy")
    jobs.close()
    bundle = write_signed(tmp_path / "toy", 11)
    owned = [tmp_path / "state", tmp_path / "engines"]
    for folder in owned:
        for path in (folder, *folder.iterdir()):
            os.chown(path, SERVICE, SERVICE)
    before = {path for folder in owned for path in folder.rglob("*")}
    for name, *words in (
        ("state", "restore", str(tmp_path / "copy")),
        ("state", "retention"),
        ("engines", "engines", "install", str(bundle)),
        ("engines", "engines", "install", "--incoming"),
        ("engines", "engines", "activate"),
        ("engines", "engines", "rollback"),
    ):
        assert main([*words, "--config", str(config)]) == UsageError.exit_code
        assert f"{tmp_path / name} belongs to the user '#{SERVICE}'" in (said := capsys.readouterr().err)
        assert f"sudo -u '#{SERVICE}'" in said
    assert {path for folder in owned for path in folder.rglob("*")} == before
    assert {path.stat().st_uid for path in before} == {SERVICE}


def test_what_only_looks_leaves_nothing_of_its_own(tmp_path: Path) -> None:
    require_root()
    config = box(tmp_path)
    Jobs(tmp_path / "state/jobs.sqlite").close()
    for path in (tmp_path / "state", *(tmp_path / "state").iterdir()):
        os.chown(path, SERVICE, SERVICE)
    assert main(["status", "--config", str(config)]) == 0
    assert main(["backup", "--config", str(config), str(tmp_path / "copy")]) == 0
    assert {path.stat().st_uid for path in (tmp_path / "state").rglob("*")} == {SERVICE}
