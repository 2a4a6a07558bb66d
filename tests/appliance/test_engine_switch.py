"""R19: the worker takes the active engines when it starts and between studies; the queue goes on whatever comes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from appliance.chosen_engines import switch_mark
from appliance.intake import METRICS_SECONDS
from appliance.jobs import State
from appliance.lock import holder, is_held
from appliance.metrics import NAME
from appliance.service import RoleName, active_engines, lock_of
from appliance.settings import Settings, Watch
from appliance.shipped import shipped_bundle
from appliance.slot_state import SlotState
from appliance.slots import Slots
from appliance.status import status_lines
from appliance.worker import Worker
from runtime.errors import EngineError
from tests.appliance.box import Box, open_box
from tests.appliance.test_serve import serving, until
from tests.appliance.test_updates import bring, nothing, toy_trial, updates
from tests.memory_service import write_study
from tests.resilience.test_update_kills import box as engine_box
from tests.signed_bundles import KEY, write_trusted


def settings_of(box: Box, root: Path) -> Settings:
    write_trusted(root / "keys", {"first.pub": KEY})
    engines = {"folder": root / "engines", "incoming": root / "incoming", "trusted_keys": root / "keys"}
    analysis = {"device": "cpu"}
    return Settings.model_validate({"folders": box.settings.folders, "analysis": analysis, "engines": engines})


def one_round(box: Box, settings: Settings) -> None:
    """A worker's process: it starts, does what there is to do, and ends where other engines become active."""
    mark = switch_mark(settings.engines)
    with active_engines(settings) as setup:
        worker = Worker(
            "worker",
            setup,
            box.jobs,
            box.spool,
            box.publication,
            is_current=lambda: switch_mark(settings.engines) == mark,
        )
        worker.recover()
        for step in worker.steps(box.stop):
            step()


def digests(box: Box) -> list[str]:
    """Of the engines that made each result."""
    return [str(document["engines"]["manifest_sha256"]) for document in box.documents.values()]


def test_a_wrong_engine_is_refused_and_the_queue_goes_on_with_the_one_before(tmp_path: Path) -> None:
    update = updates(tmp_path, toy_trial)
    update.install(bring(tmp_path, 2), nothing)
    with open_box(tmp_path / "box") as box:
        settings = settings_of(box, tmp_path)
        for number in range(2):
            write_study(box.inbox / f"CT{number}", number)
        box.look(4)
        with pytest.raises(EngineError, match="failed their trial"):
            update.install(bring(tmp_path, 3, is_wrong=True), nothing)
        assert box.documents == {}, "a trial gives no result"
        assert len(box.jobs.of(State.READY)) == 2, "and touches no study"
        one_round(box, settings)
        assert {document["status"] for document in box.documents.values()} == {"completed"}
        assert [digest[:16] for digest in digests(box)] == [update.slots.state().active.partition("-")[2]] * 2


def test_new_engines_take_over_between_two_studies(tmp_path: Path) -> None:
    update = updates(tmp_path, toy_trial)
    update.install(bring(tmp_path, 2), nothing)
    path = bring(tmp_path, 3)
    with open_box(tmp_path / "box") as box:
        settings = settings_of(box, tmp_path)
        for number in range(3):
            write_study(box.inbox / f"CT{number}", number)
        box.look(4)
        mark = switch_mark(settings.engines)
        with active_engines(settings) as setup:
            worker = Worker(
                "worker",
                setup,
                box.jobs,
                box.spool,
                box.publication,
                is_current=lambda: switch_mark(settings.engines) == mark,
            )
            steps = worker.steps(box.stop)
            step = next(steps)
            update.install(path, nothing)  # while the study is analysed
            step()
            assert list(steps) == []
            assert worker.is_worn
        assert len(box.jobs.of(State.READY)) == 2, "none was begun by the old ones"
        one_round(box, settings)
        after = [name.partition("-")[2] for name in (update.slots.state().retained or "", update.slots.state().active)]
        assert sorted(digest[:16] for digest in digests(box)) == sorted([after[0], after[1], after[1]])


def test_without_any_installed_the_shipped_engines_are_run(tmp_path: Path) -> None:
    with open_box(tmp_path / "box") as box:
        settings = settings_of(box, tmp_path)
        with active_engines(settings) as setup:
            assert setup.provenance.manifest_sha256 == shipped_bundle().manifest_sha256


def test_while_others_than_the_active_engines_run_status_and_metrics_say_so(tmp_path: Path) -> None:
    update = updates(tmp_path)
    update.install(bring(tmp_path, 2), nothing)
    with open_box(tmp_path / "box") as box:
        settings = settings_of(box, tmp_path).model_copy(update={"watch": Watch(metrics=tmp_path)})
        box.settings = settings
        box.intake = box.new_intake()

        def said() -> tuple[str, str]:
            box.look(apart=METRICS_SECONDS)
            (gauge,) = re.findall(r"^strokebox_engines_fallback (.*)$", (tmp_path / NAME).read_text(), re.MULTILINE)
            return gauge, "\n".join(line for line in status_lines(settings) if line.lower().startswith("engines"))

        with active_engines(settings):
            assert said() == ("0.0", "engines  toy 2.0, 3 models")
        (tmp_path / "keys/first.pub").rename(tmp_path / "first.pub")
        with active_engines(settings):
            gauge, line = said()
            assert gauge == "1.0"
            assert re.search(r"models, NOT THE ACTIVE ONES: 2-[0-9a-f]+: This box trusts no key", line)
            (tmp_path / "first.pub").rename(tmp_path / "keys/first.pub")
            gauge, line = said()
            assert gauge == "1.0"
            assert "ENGINES  the worker still runs others; restart it" in line
        with active_engines(settings):
            assert said() == ("0.0", "engines  toy 2.0, 3 models")


def test_a_bundle_put_into_a_slot_without_a_signature_is_not_run(tmp_path: Path) -> None:
    update = updates(tmp_path)
    update.install(bring(tmp_path, 2), nothing)
    slot = update.slots.path(update.slots.state().active)
    shutil.copytree(slot, tmp_path / "copy")
    (tmp_path / "copy").chmod(0o755)
    (tmp_path / "copy/manifest.sig").unlink()
    slot.chmod(0o755)
    slot.rename(tmp_path / "away")
    shutil.copytree(tmp_path / "copy", slot)
    with open_box(tmp_path / "box") as box, active_engines(settings_of(box, tmp_path)) as setup:
        assert setup.provenance.manifest_sha256 == shipped_bundle().manifest_sha256


def test_the_service_starts_its_worker_anew_and_loses_no_study(tmp_path: Path) -> None:
    """As processes, with engines in memory: only what is active changes."""
    config = engine_box(tmp_path)
    config.write_text(f"{config.read_text()}[intake]\nquiet_seconds = 0.3\nscan_seconds = 0.2\n")
    results, lock = tmp_path / "results", lock_of(RoleName.WORKER, tmp_path / "state")
    write_study(tmp_path / "made/CT", 1)
    with serving(config, "--pause", "0.01") as service:
        until(lambda: is_held(lock))
        first = holder(lock)
        for number in range(2):
            shutil.copytree(tmp_path / "made/CT", tmp_path / f"inbox/CT{number}")
            write_study(tmp_path / f"made{number}", number + 2)
            shutil.copytree(tmp_path / f"made{number}", tmp_path / f"inbox/CT{number + 2}")
        Slots(tmp_path / "engines").save(SlotState(active=f"11-{11:016x}"))
        until(lambda: is_held(lock) and holder(lock) != first)
        until(lambda: len(list(results.glob("*/result.json"))) == 3)
        service.terminate()
        assert service.wait(30) == 0
    assert "other engines are active" in (tmp_path / "log").read_text()
