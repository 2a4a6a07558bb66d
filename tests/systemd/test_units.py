"""The units: correct for systemd, closed as far as their work lets them be, and in step with the code."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from appliance.cli import main
from appliance.service import SILENT_SECONDS, RoleName
from appliance.supervisor import END_SECONDS
from appliance.trial_process import LONGEST_SECONDS
from tests.requirements import require_root
from tests.systemd.units import FOLDER, SERVICES, UNITS, in_root, value, values

EXPOSURE = {
    "strokebox-intake.service": 0.5,
    "strokebox-retention.service": 0.5,
    "strokebox-worker.service": 0.8,
    "strokebox-engines.service": 0.8,
}
"""The most that `systemd-analyze security` may say; the last two have GPUs."""
ROLES = {role: f"strokebox-{role.value}.service" for role in RoleName}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of units, with the paths of this checkout."""
    require_root()
    root = tmp_path_factory.mktemp("root")
    done = in_root("install.sh", root)
    assert done.returncode == 0, done.stderr
    return root / "etc/systemd/system"


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", "--no-pager", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_systemd_finds_nothing_wrong(installed: Path) -> None:
    paths = [str(installed / unit) for unit in UNITS]
    done = analyze("verify", "--man=no", "--recursive-errors=one", *paths)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("unit", SERVICES)
def test_exposure(unit: str) -> None:
    done = analyze("security", "--offline=true", f"--threshold={round(10 * EXPOSURE[unit])}", str(FOLDER / unit))
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert level, done.stdout + done.stderr
    assert float(level[1]) <= EXPOSURE[unit]


@pytest.mark.parametrize("unit", SERVICES)
def test_no_unit_has_the_network_or_more_rights_than_its_user(unit: str) -> None:
    assert value(unit, "PrivateNetwork") == "yes"
    assert value(unit, "User") in ("strokebox", "strokebox-engines")
    assert values(unit, "CapabilityBoundingSet") == values(unit, "AmbientCapabilities") == [""]


def test_what_parses_untrusted_files_has_no_gpu_and_makes_no_code() -> None:
    assert value(ROLES[RoleName.INTAKE], "MemoryDenyWriteExecute") == "yes"
    assert value(ROLES[RoleName.INTAKE], "PrivateDevices") == "yes"
    assert values(ROLES[RoleName.INTAKE], "DeviceAllow") == []


def test_the_worker_sees_engines_read_only_and_updates_see_no_study() -> None:
    assert value("strokebox-engines.service", "User") == "strokebox-engines"
    assert value("strokebox-worker.service", "User") == "strokebox"
    assert "engines" not in " ".join(values("strokebox-worker.service", "ReadWritePaths"))
    assert value("strokebox-engines.service", "InaccessiblePaths") == "-/srv/strokebox -/var/lib/strokebox"


@pytest.mark.parametrize("role", RoleName)
def test_a_role_is_replaced_whatever_happens(role: RoleName) -> None:
    unit = ROLES[role]
    said = {key: value(unit, key) for key in ("Type", "Restart", "StartLimitIntervalSec", "OOMPolicy", "NotifyAccess")}
    assert said == {
        "Type": "notify",
        "Restart": "always",
        "StartLimitIntervalSec": "0",
        "OOMPolicy": "continue",
        "NotifyAccess": "main",
    }
    assert float(value(unit, "WatchdogSec")) == SILENT_SECONDS[role]
    assert value(unit, "WatchdogSignal") == "SIGKILL"  # no core file with a patient in it
    assert value(unit, "LimitCORE") == "0"
    assert float(value(unit, "TimeoutStopSec")) > END_SECONDS


def test_a_hung_worker_is_back_within_a_minute() -> None:
    """Its start, once engines are compiled, takes some seconds."""
    unit = ROLES[RoleName.WORKER]
    assert float(value(unit, "WatchdogSec")) + float(value(unit, "RestartSec")) <= 50


@pytest.mark.parametrize("role", RoleName)
def test_roles_are_started_with_words_that_the_command_line_knows(role: RoleName, tmp_path: Path) -> None:
    program, *words = value(ROLES[role], "ExecStart").split()
    assert program == "/opt/strokebox/.venv/bin/strokebox"
    config = tmp_path / "strokebox.toml"  # there is none: the words were understood when that is missed
    assert main([str(config) if word.endswith(".toml") else word for word in words]) == 3


def test_timers_and_a_path_start_what_is_there() -> None:
    assert value("strokebox-engines.path", "Unit") in SERVICES
    assert value("strokebox-engines.timer", "Unit") == value("strokebox-engines.path", "Unit")
    assert (FOLDER / "strokebox-retention.timer").with_suffix(".service").name in SERVICES
    assert value("strokebox-engines.path", "PathChanged").startswith("/var/lib/strokebox-engines/")


def test_engines_that_no_event_told_of_are_looked_for_soon() -> None:
    """A path unit watches nothing while its service runs, and a share sends no events at all."""
    assert value("strokebox-engines.timer", "OnActiveSec") == "1min"
    assert value("strokebox-engines.timer", "OnUnitInactiveSec") == "5min"
    assert value("strokebox-engines.timer", "WantedBy") == "strokebox.target"


def test_the_guide_says_how_the_intake_gets_to_write_metrics(installed: Path) -> None:
    """Its unit can't by itself: ProtectSystem=strict."""
    guide = (FOLDER.parent / "docs/it.md").read_text(encoding="utf-8")
    (folder,) = re.findall(r'`metrics = "(.+?)"`', guide)
    drop_in = f"[Service]\nReadWritePaths=-{folder}\n"
    assert drop_in in guide
    assert f"setfacl -m u:{value('strokebox-intake.service', 'User')}:rwx {folder}\n" in guide
    unit = installed / "strokebox-intake.service"
    unit.with_name(f"{unit.name}.d").mkdir()
    (unit.with_name(f"{unit.name}.d") / "override.conf").write_text(drop_in)
    done = analyze("verify", "--man=no", "--recursive-errors=one", str(unit))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_nobody_waits_for_a_worker_or_an_update_to_get_ready() -> None:
    """The target would be up only after an hour of plans, or four of a trial, and install.sh hang as long."""
    assert values("strokebox-engines.service", "WantedBy") == []
    script = (FOLDER / "install.sh").read_text()
    assert "strokebox-engines.service \\\n" not in script.partition("systemctl enable")[2]
    started = re.findall(r"systemctl (?:re)?start .*strokebox\.target", script)
    assert len(started) == 2
    assert all("--no-block" in line for line in started)
    assert "journalctl -f" in script


def test_an_update_may_take_as_long_as_its_trials() -> None:
    """Each has its deadline; a run with several would be cut off, and engines that are cut off twice are refused."""
    assert LONGEST_SECONDS == 4 * 3600
    assert value("strokebox-engines.service", "TimeoutStartSec") == "infinity"


@pytest.mark.parametrize("unit", [unit for unit in UNITS if "WantedBy=strokebox.target" in (FOLDER / unit).read_text()])
def test_what_starts_with_the_target_is_enabled_by_the_installer(unit: str) -> None:
    assert unit in (FOLDER / "install.sh").read_text()
    assert unit in (FOLDER / "uninstall.sh").read_text()
