from __future__ import annotations

import fcntl
import json
import os
import pwd
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from appliance.audit import Audit, Event
from appliance.cli import main
from appliance.doctor import MADE, Check, Machine, checks
from appliance.jobs import Jobs
from appliance.settings import AnalysisSettings, Engines, Settings, load_settings
from appliance.slot_state import SHIPPED, SlotState
from appliance.slots import Slots
from appliance.support import write_support_bundle
from runtime.engines.gpu import Gpu
from runtime.engines.loading import Device
from runtime.engines.plans import Plans
from runtime.engines.vendor import TensorRt
from runtime.errors import ConfigurationError, EngineError
from tests.requirements import require_root, require_rtx
from tests.signed_bundles import KEY, write_signed, write_trusted

NOW = MADE + timedelta(days=100)
GPU = Gpu("RTX", "8.6", "580.65.06", "13.0", 12 << 30, False)


def no_gpu() -> Gpu:
    raise EngineError("This machine has no NVIDIA driver.")


def no_tensorrt() -> TensorRt:
    raise ConfigurationError("TensorRT can't be loaded.")


def machine(**changes: object) -> Machine:
    parts = {"now": lambda: NOW, "is_clock_kept": lambda: True, "gpu": no_gpu, "tensorrt": no_tensorrt}
    return Machine(**{**parts, **changes})  # type: ignore[arg-type]  # each test's own


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    for name in ("inbox", "results", "state"):
        (tmp_path / name).mkdir(mode=0o700)
    folders = {name: tmp_path / name for name in ("inbox", "results", "state")}
    for name in ("slots", "keys"):
        (tmp_path / name).mkdir()
    engines = {"folder": tmp_path, "trusted_keys": tmp_path / "keys"}
    with (tmp_path / "state/serve.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Settings.model_validate({"folders": folders, "disk": {"free_percent": 0}, "engines": engines})


def seen(settings: Settings, asked: Machine) -> dict[str, Check]:
    return {check.name: check for check in checks(settings, asked)}


def wrong(settings: Settings, asked: Machine) -> dict[str, str]:
    return {name: check.advice for name, check in seen(settings, asked).items() if check.advice}


def test_a_box_that_is_right(settings: Settings) -> None:
    Jobs(settings.folders.state / "jobs.sqlite").close()
    found = seen(settings, machine())
    assert [str(check) for check in found.values() if check.advice] == []
    names = ["inbox", "results", "state", "rights", "service", "database", "disk", "audit", "updates", "keys", "clock"]
    assert list(found) == ["user", "settings", *names, "engines", "driver"]
    assert str(found["database"]) == "ok    database  whole"
    assert found["driver"].seen.endswith("The CPU is used.")


def test_another_user_than_the_services(settings: Settings) -> None:
    """Root can write where the service can't."""
    owner = settings.folders.state.stat().st_uid
    first = next(checks(settings, machine(user=lambda: owner + 1)))
    assert str(first).startswith("WRONG user      ")
    assert first.advice == f"sudo -u {pwd.getpwuid(owner).pw_name} strokebox doctor ..."


def test_a_user_without_any_rights_sees_what_is_wrong(settings: Settings) -> None:
    require_root()
    Jobs(settings.folders.state / "jobs.sqlite").close()
    os.seteuid(65534)
    try:
        advice = wrong(settings, machine())
    finally:
        os.seteuid(0)
    assert {"settings", "inbox", "results", "state", "service", "database"} <= advice.keys()


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        ({"folders": {"state": "results/state"}}, "folders.state: lies in folders.results; "),
        ({"engines": {"trusted_keys": "inbox"}}, "engines.trusted_keys: lies in folders.inbox; "),
        ({"engines": {"folder": "nowhere"}}, "engines.folder: there is no folder "),
    ],
)
def test_settings_that_the_service_refuses(
    settings: Settings, tmp_path: Path, change: dict[str, dict[str, str]], mistake: str
) -> None:
    (tmp_path / "results/state").mkdir(mode=0o700)
    sections = settings.model_dump(exclude_unset=True)
    for section, keys in change.items():
        sections[section] |= {key: tmp_path / path for key, path in keys.items()}
    found = [check for check in checks(Settings.model_validate(sections), machine()) if check.name == "settings"]
    assert [check.seen.startswith(mistake) and "doesn't start" in check.advice for check in found] == [True]
    config = tmp_path / "strokebox.toml"
    config.write_text(
        "".join(f"[{name}]\n" + "".join(f'{k} = "{v}"\n' for k, v in sections[name].items()) for name in change)
        + ("" if "folders" in change else "[folders]\n" + "".join(f'{k} = "{v}"\n' for k, v in settings.folders))
    )
    with pytest.raises(ConfigurationError, match=mistake):
        load_settings(config)


def test_folders(settings: Settings) -> None:
    settings.folders.results.rmdir()
    settings.folders.state.chmod(0o755)
    assert wrong(settings, machine()) == {
        "results": "Make it, or mount the share.",
        "rights": f"chmod 700 {settings.folders.state}",
    }


def test_where_engines_and_keys_come_from(settings: Settings, tmp_path: Path) -> None:
    """The service starts without them, so this is where it shows."""
    engines = {**settings.engines.model_dump(exclude_unset=True), "incoming": tmp_path / "away"}
    asked = settings.model_copy(update={"engines": Engines.model_validate(engines)})
    (tmp_path / "keys").rmdir()
    assert {name: advice.partition(",")[0] for name, advice in wrong(asked, machine()).items()} == {
        "incoming": "Make it",
        "keys": "Make it",
    }
    (tmp_path / "away").mkdir()
    assert "incoming" not in wrong(asked, machine())


def test_the_service(settings: Settings) -> None:
    state = settings.folders.state
    assert seen(settings, machine())["service"].seen == "runs"
    (state / "serve.lock").unlink()
    assert seen(settings, machine())["service"].seen == "nothing runs"
    with (state / "worker.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert seen(settings, machine())["service"].seen == "no intake runs"
        assert "Start it" in wrong(settings, machine())["service"]


def test_the_clock(settings: Settings) -> None:
    assert "Set the clock" in wrong(settings, machine(now=lambda: datetime(1970, 1, 1, tzinfo=timezone.utc)))["clock"]
    assert "NTP" in wrong(settings, machine(is_clock_kept=lambda: False))["clock"]


def test_the_disk(settings: Settings) -> None:
    jobs = Jobs(settings.folders.state / "jobs.sqlite")
    jobs.receive("a", "a", 1.0, 1 << 60)
    jobs.close()
    assert "Make room" in wrong(settings, machine())["disk"]


def test_the_database(settings: Settings) -> None:
    (settings.folders.state / "jobs.sqlite").write_bytes(b"SQLite format 3" + bytes(4000))
    assert "Backup" in wrong(settings, machine())["database"]


def test_the_audit(settings: Settings) -> None:
    path = settings.folders.state / "audit.jsonl"
    for _ in range(3):
        Audit(path, lambda: 0.0).write(Event.RECEIVED, "a")
    path.write_bytes(path.read_bytes().replace(b"received", b"rejected", 1))
    assert seen(settings, machine())["audit"].seen == "line 1 was changed"


def test_the_engines(settings: Settings, tmp_path: Path) -> None:
    """Those that are active, not those that came with the software."""
    name = "2-0123456789abcdef"
    slot = write_signed(tmp_path / "slots" / name)
    Slots(tmp_path).save(SlotState(active=name, retained=SHIPPED))
    write_trusted(tmp_path / "keys", {"first.pub": KEY})
    assert seen(settings, machine())["engines"].seen.startswith("toy 2.0, 3 models")
    assert str(seen(settings, machine())["keys"]) == "ok    keys      first.pub"
    (tmp_path / "keys/stray.pub").write_text("no key")
    assert "stray.pub is no public Ed25519 key" in wrong(settings, machine())["keys"]
    assert "engines" not in wrong(settings, machine())
    for path in sorted(slot.rglob("*.onnx")):
        path.write_bytes(b"")
    assert "New engines" in wrong(settings, machine())["engines"]
    (tmp_path / "keys/first.pub").unlink()
    assert "trusts no key" in seen(settings, machine())["engines"].seen


def test_a_gpu_that_is_asked_for(settings: Settings) -> None:
    asked = settings.model_copy(update={"analysis": AnalysisSettings(device=Device.GPU)})
    assert wrong(asked, machine()) == {"driver": "See docs/it.md."}
    assert wrong(asked, machine(gpu=lambda: GPU)) == {"TensorRT": "See docs/it.md."}


def test_plans_and_the_estimate_of_their_memory(settings: Settings, tmp_path: Path) -> None:
    asked = machine(gpu=lambda: GPU, tensorrt=require_rtx, plans=Plans(tmp_path / "plans"))
    found = seen(settings, asked)
    assert found["plans"].seen.startswith("0 of 6 built")
    line = (
        "sudo -u strokebox XDG_CACHE_HOME=/var/cache .*/strokebox engines build --config /etc/strokebox/strokebox.toml"
    )
    assert re.match(f"Run `{line}`", found["plans"].advice)
    assert found["memory"].seen.startswith("Device memory, an estimate: ")
    assert not found["memory"].advice


def test_the_support_bundle_names_nobody(settings: Settings, tmp_path: Path) -> None:
    jobs = Jobs(settings.folders.state / "jobs.sqlite")
    jobs.receive("a1", "CANARY drop", 1.0, 1)
    jobs.read("a1", "key", "CANARY 2026-01-01", "CANARY.1.2")
    jobs.name("a1", "CANARY drop__key")
    jobs.finish("a1", "completed", None, 2.0, 1.0, "IH", {"read": 1.0}, "ab")
    jobs.close()
    Audit(settings.folders.state / "audit.jsonl", lambda: 0.0).write(Event.RECEIVED, "a1", note="CANARY")
    lines = ["CANARY, a line of another program", json.dumps({"event": "read", "job": "a1", "more": "CANARY"}), "[1]"]
    write_support_bundle(tmp_path / "b.zip", settings, ["ok    all"], lambda: lines)
    with zipfile.ZipFile(tmp_path / "b.zip") as zipped:
        parts = {name: zipped.read(name).decode() for name in zipped.namelist()}
    assert not [name for name, text in parts.items() if "CANARY" in text]
    assert json.loads(parts["log.jsonl"]) == {"event": "read", "job": "a1"}
    assert json.loads(parts["jobs.jsonl"])["call"] == "IH"
    assert parts["doctor.txt"] == "ok    all\n"
    assert "numpy" in parts["versions.json"]


def test_the_command(settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "strokebox.toml"
    folders = "".join(f'{name} = "{path}"\n' for name, path in settings.folders)
    config.write_text(f'[folders]\n{folders}[analysis]\ndevice = "cpu"\n[disk]\nfree_percent = 0\n')
    code = main(["doctor", "--config", str(config), "--bundle", str(tmp_path / "b.zip")])
    shown = capsys.readouterr().out
    assert code == (3 if "WRONG" in shown else 0)  # the clock is the machine's
    assert zipfile.is_zipfile(tmp_path / "b.zip")
    settings.folders.inbox.rmdir()
    assert main(["doctor", "--config", str(config)]) == 3
    assert "WRONG inbox" in capsys.readouterr().out
    assert main(["doctor", "--config", str(config), "--bundle", str(tmp_path / "no/b.zip")]) == 6
