"""R19: staged, tried, committed; and whatever is wrong or cuts it off, verified engines are active."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from appliance.audit import Audit, verify
from appliance.chosen_engines import chosen_bundle
from appliance.durable_files import DurableFiles
from appliance.settings import Engines
from appliance.shipped import shipped_bundle
from appliance.slot_state import MOST_TRIES, SHIPPED
from appliance.slots import Slots
from appliance.trial import Bounds, Measured, try_out
from appliance.trust import load_trust
from appliance.updates import Updates
from runtime.bundle import open_bundle
from runtime.engines.loading import Device, Wish
from runtime.errors import AlreadyActive, BundleError, ConfigurationError, EngineError, PublishError
from tests.file_modes import bound_by_modes
from tests.signed_bundles import KEY, OTHER_KEY, TRUST, write_signed, write_trusted, zipped


class PowerCut(BaseException):
    """Nothing cleans up after it."""


def nothing() -> None:
    """Nobody asks for the end."""


def toy_trial(bundle: Path, _check: Callable[[], None]) -> Measured:
    """What the trial's process does, without the process."""
    return try_out(open_bundle(bundle), Wish(Device.CPU), Bounds())


def agreeing(_bundle: Path, _check: Callable[[], None]) -> Measured:
    return Measured("memory", 1, 0.0, 0.0, 0.0)


def updates(root: Path, trial: Callable[..., Measured] = agreeing, files: DurableFiles | None = None) -> Updates:
    slots = Slots(root / "engines", files)
    (root / "engines/slots").mkdir(parents=True, exist_ok=True)
    return Updates(slots, TRUST, trial, Audit(root / "engines/audit.jsonl", lambda: 0.0), shipped_serial=0)


def chosen(root: Path) -> tuple[str, int]:
    """What the service would run."""
    write_trusted(root / "keys", {"first.pub": KEY})
    bundle = chosen_bundle(Engines(folder=root / "engines", trusted_keys=root / "keys"))
    return bundle.manifest.name, bundle.manifest.serial


def slot_names(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "engines/slots").iterdir())


def bring(root: Path, serial: int, *, is_wrong: bool = False) -> Path:
    return zipped(write_signed(root / f"bundle{serial}", serial, is_wrong=is_wrong))


def test_an_update_and_the_way_back(tmp_path: Path) -> None:
    box = updates(tmp_path, toy_trial)
    assert chosen(tmp_path)[0] != "toy"
    assert "toy 2.0 (serial 2) is active: 1 golden cases agree on OpenVINO" in box.install(bring(tmp_path, 2), nothing)
    assert chosen(tmp_path) == ("toy", 2)
    box.install(bring(tmp_path, 3), nothing)
    assert chosen(tmp_path) == ("toy", 3)
    assert "(serial 2) is active again" in box.rollback(shipped_bundle())
    assert chosen(tmp_path) == ("toy", 2)
    box.rollback(shipped_bundle())
    assert chosen(tmp_path) == ("toy", 3)
    box.install(bring(tmp_path, 4), nothing)
    assert slot_names(tmp_path) == sorted(box.slots.state().slots), "two slots, no more"
    assert len(box.slots.state().slots) == 2


def test_each_switch_and_refusal_is_in_the_audit(tmp_path: Path) -> None:
    box = updates(tmp_path, toy_trial)
    box.install(bring(tmp_path, 2), nothing)
    with pytest.raises(EngineError):
        box.install(bring(tmp_path, 3, is_wrong=True), nothing)
    box.rollback(shipped_bundle())
    path = tmp_path / "engines/audit.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    two, refused = lines[0]["engines"], lines[1]["engines"]
    assert [(line["event"], line["engines"], line["instead"]) for line in lines] == [
        ("updated", two, SHIPPED),
        ("engines refused", refused, two),
        ("rolled back", SHIPPED, two),
    ]
    assert (two[:2], refused[:2]) == ("2-", "3-")
    assert verify(path).broken is None


def test_without_the_audit_nothing_is_switched(tmp_path: Path) -> None:
    box = updates(tmp_path)
    (tmp_path / "engines/audit.jsonl").mkdir()
    with pytest.raises(PublishError, match="audit can't be written"):
        box.install(bring(tmp_path, 2), nothing)
    assert box.slots.state().active == SHIPPED


def test_the_first_update_can_be_taken_back_to_the_shipped_engines(tmp_path: Path) -> None:
    box = updates(tmp_path)
    box.install(bring(tmp_path, 2), nothing)
    box.rollback(shipped_bundle())
    assert box.slots.state().active == SHIPPED
    assert chosen(tmp_path)[0] == shipped_bundle().manifest.name


def test_older_equal_and_present_serials_are_refused(tmp_path: Path) -> None:
    box = updates(tmp_path)
    for serial in (2, 4):
        box.install(bring(tmp_path, serial), nothing)
    before = box.slots.state()
    other = zipped(write_signed(tmp_path / "other", 4, is_wrong=True))
    for path, reason in (
        (bring(tmp_path, 3), "not newer than serial 4"),
        (bring(tmp_path, 1), "not newer than serial 4"),
        (other, "not newer than serial 4"),
        (tmp_path / "bundle4.zip", "is active already"),
        (tmp_path / "bundle2.zip", "was active before: strokebox engines rollback"),
    ):
        with pytest.raises(BundleError, match=reason):
            box.install(path, nothing)
    box.rollback(shipped_bundle())
    with pytest.raises(BundleError, match="not newer than serial 4"):
        box.install(tmp_path / "bundle3.zip", nothing)
    assert box.slots.state() == before.rolled_back()


def test_engines_that_compute_something_else_are_refused_and_nothing_changes(tmp_path: Path) -> None:
    box = updates(tmp_path, toy_trial)
    box.install(bring(tmp_path, 2), nothing)
    with pytest.raises(EngineError, match=r"serial 3 failed their trial\. The axial engines differ"):
        box.install(bring(tmp_path, 3, is_wrong=True), nothing)
    state = box.slots.state()
    assert chosen(tmp_path) == ("toy", 2)
    assert [one.slot[:2] for one in state.refused] == ["3-"]
    assert slot_names(tmp_path) == [state.active]
    box.install(bring(tmp_path, 4), nothing)
    assert chosen(tmp_path) == ("toy", 4)


def test_engines_without_a_golden_case_are_refused(tmp_path: Path) -> None:
    box = updates(tmp_path, toy_trial)
    with pytest.raises(EngineError, match="no golden case"):
        box.install(write_signed(tmp_path / "bundle", golden=False), nothing)


def test_nobody_else_signed_it(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not signed by a key"):
        updates(tmp_path).install(write_signed(tmp_path / "bundle", key=OTHER_KEY), nothing)
    assert slot_names(tmp_path) == []


def test_slots_are_read_only_and_an_altered_one_is_never_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    box = updates(tmp_path)
    for serial in (2, 3):
        box.install(bring(tmp_path, serial), nothing)
    slot = box.slots.path(box.slots.state().active)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in slot.rglob("*") if path.is_file()}
    assert modes == {0o444}
    assert stat.S_IMODE(slot.stat().st_mode) == 0o555
    model = slot / "models/axial.onnx"
    model.chmod(0o644)
    model.write_bytes(model.read_bytes()[::-1])
    assert chosen(tmp_path) == ("toy", 2)
    assert "was altered" in caplog.text
    box.rollback(shipped_bundle())
    with pytest.raises(BundleError, match="was altered"):
        box.rollback(shipped_bundle())
    assert chosen(tmp_path) == ("toy", 2)


def test_a_file_that_cant_be_read_is_no_reason_to_stand_still(tmp_path: Path) -> None:
    box = updates(tmp_path)
    for serial in (2, 3):
        box.install(bring(tmp_path, serial), nothing)
    assert chosen(tmp_path) == ("toy", 3)
    (box.slots.path(box.slots.state().active) / "models/axial.onnx").chmod(0)
    with bound_by_modes():
        assert chosen(tmp_path) == ("toy", 2)


def test_the_same_bundle_again_mends_engines_that_were_damaged(tmp_path: Path) -> None:
    box = updates(tmp_path, toy_trial)
    path = bring(tmp_path, 2)
    box.install(path, nothing)
    slot = box.slots.path(box.slots.state().active)
    model = next(slot.rglob("*.onnx"))
    for one in (model.parent, model):
        one.chmod(0o700)
    model.write_bytes(b"damaged")
    assert chosen(tmp_path)[0] != "toy"
    assert "is whole again" in box.install(path, nothing)
    assert chosen(tmp_path) == ("toy", 2)
    with pytest.raises(AlreadyActive):
        box.install(path, nothing)


def test_a_bad_key_beside_a_good_one_changes_no_engines(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    box = updates(tmp_path)
    box.install(bring(tmp_path, 2), nothing)
    chosen(tmp_path)
    (tmp_path / "keys/stray.pub").write_text("ssh-rsa AAAA")
    assert chosen(tmp_path) == ("toy", 2)
    (event,) = {getattr(record, "event", "") for record in caplog.records if "stray.pub" in record.getMessage()}
    assert event == "key ignored"
    assert any(
        line.startswith("ignored   ")
        for line in replace(box, trust=load_trust(tmp_path / "keys")).listing(shipped_bundle())
    )


def test_a_key_that_is_no_longer_trusted(tmp_path: Path) -> None:
    updates(tmp_path).install(bring(tmp_path, 2), nothing)
    write_trusted(tmp_path / "others", {"second.pub": OTHER_KEY})
    bundle = chosen_bundle(Engines(folder=tmp_path / "engines", trusted_keys=tmp_path / "others"))
    assert bundle.manifest_sha256 == shipped_bundle().manifest_sha256


def test_a_damaged_state_is_said_and_the_shipped_engines_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    box = updates(tmp_path)
    box.install(bring(tmp_path, 2), nothing)
    (tmp_path / "engines/engines.json").write_bytes(b"\0\0")
    assert chosen(tmp_path)[0] == shipped_bundle().manifest.name
    assert "run, not the active engines" in caplog.text
    with pytest.raises(ConfigurationError, match="Remove it"):
        box.stage(bring(tmp_path, 3))


def test_a_trial_that_is_cut_off_twice_is_not_begun_again(tmp_path: Path) -> None:
    def cut(_bundle: Path, _check: Callable[[], None]) -> Measured:
        raise PowerCut

    box, path = updates(tmp_path, cut), bring(tmp_path, 2)
    for tries in range(1, MOST_TRIES + 1):
        with pytest.raises(PowerCut):
            box.install(path, nothing)
        candidate = box.slots.state().candidate
        assert candidate is not None
        assert candidate.tries == tries
        assert chosen(tmp_path)[0] != "toy"
    with pytest.raises(EngineError, match="cut off 2 times"):
        box.install(path, nothing)
    assert box.slots.state().candidate is None
    assert chosen(tmp_path)[0] != "toy"


def test_a_power_cut_at_every_step_leaves_verified_engines_and_the_next_try_ends_well(tmp_path: Path) -> None:
    """Of an update over another one, which also removes a slot, and of a rollback."""
    paths = [bring(tmp_path, serial) for serial in (2, 3, 4)]

    def cutting(at: int) -> DurableFiles:
        left = count(at, -1)

        def step(_what: str) -> None:
            if next(left) == 0:
                raise PowerCut

        return DurableFiles(step)

    for cut in count():
        root = tmp_path / f"box{cut}"
        box = updates(root)
        for path in paths[:2]:
            box.install(path, nothing)
        try:
            updates(root, files=cutting(cut)).install(paths[2], nothing)
            break
        except PowerCut:
            assert chosen(root)[1] in (3, 4)
        if chosen(root)[1] != 4:
            updates(root).install(paths[2], nothing)
        assert chosen(root) == ("toy", 4)
        with pytest.raises(PowerCut):
            updates(root, files=cutting(cut % 5)).rollback(shipped_bundle())
        assert chosen(root)[1] in (3, 4)
    assert cut > 30, "steps of one update"


def test_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.slots.SPARE_BYTES", 1 << 60)
    with pytest.raises(BundleError, match=r"no room for toy .*: free \d+ MiB"):
        updates(tmp_path).install(bring(tmp_path, 2), nothing)


def test_staging_alone_then_the_trial(tmp_path: Path) -> None:
    box = updates(tmp_path)
    with pytest.raises(BundleError, match="install a bundle first"):
        box.activate(nothing)
    assert "strokebox engines activate" in box.stage(bring(tmp_path, 2))
    assert [line.split()[0] for line in box.listing(shipped_bundle())] == ["active", "staged", "keys"]
    box.activate(nothing)
    assert chosen(tmp_path) == ("toy", 2)
    assert [line.split()[0] for line in box.listing(shipped_bundle())] == ["active", "retained", "keys"]
