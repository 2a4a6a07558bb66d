"""R11: the disk is full, at any moment: nothing half is shown, the notice is, and everything goes on with room."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance import publication, role
from appliance.audit import verify
from appliance.cli import main
from appliance.disk import RESERVE
from appliance.jobs import State
from appliance.notes import PAUSED
from appliance.role import tick
from appliance.settings import Disk
from appliance.status import status_lines
from runtime.engines.base import Ensemble
from runtime.engines.memory import Floats32, MemoryEngine
from runtime.planes import Plane
from tests.appliance.box import NOW, Box, open_box
from tests.memory_service import bright, write_study
from tests.requirements import require_root
from tests.resilience.small_disk import BALLAST, EVERY, PAGE_BYTES, empty, fill, fill_inodes, small_disk


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    write_study(tmp_path_factory.mktemp("made") / "CT", 1)
    return next(tmp_path_factory.getbasetemp().glob("made*/CT"))


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    require_root()
    monkeypatch.setattr(role, "AFTER_FAILURE_SECONDS", 0.0)
    place = tmp_path / "disk"
    place.mkdir()
    with small_disk(place, pages=(64 << 20) // PAGE_BYTES, inodes=5000):
        yield place


@pytest.fixture
def box(disk: Path) -> Iterator[Box]:
    with open_box(disk / "box") as box:
        yield box


def guarded(box: Box) -> None:
    """Give the box the guard that a site has."""
    box.settings = box.settings.model_copy(update={"disk": Disk()})
    box.intake = box.new_intake()


def only_completed(box: Box) -> bool:
    return [document["status"] for document in box.documents.values()] == ["completed"]


def test_the_intake_pauses_and_says_so_and_goes_on_by_itself(
    box: Box, disk: Path, study: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    guarded(box)
    shutil.copytree(study, box.inbox / "CT 1")
    fill(disk, leave=6 << 20)
    box.look(6)
    assert box.jobs.of(*State) == []
    (note,) = box.notes
    assert "left in the inbox until there is room" in note
    assert "needed" in note
    assert any(line.startswith("PAUSED   the disk is almost full") for line in status_lines(box.settings))
    assert caplog.text.count("studies are left in the inbox") == 1
    empty(disk)
    box.settle()
    assert only_completed(box)
    assert box.notes == []
    assert not any(line.startswith("PAUSED") for line in status_lines(box.settings))
    assert caplog.text.count("there is room again") == 1


def test_what_was_taken_before_is_brought_to_its_end_while_it_pauses(box: Box, disk: Path, study: Path) -> None:
    shutil.copytree(study, box.inbox / "CT 1")
    box.look(3)
    guarded(box)
    fill(disk, leave=6 << 20)
    box.worker.recover()
    publication_bytes, publication.RESULT_BYTES = publication.RESULT_BYTES, 1 << 20
    try:
        tick(box.worker, box.stop)
    finally:
        publication.RESULT_BYTES = publication_bytes
    assert only_completed(box)


def test_a_drop_that_is_too_large_holds_up_no_other(box: Box, disk: Path, study: Path) -> None:
    (box.inbox / "large").mkdir()
    (box.inbox / "large/large").write_bytes(bytes(28 << 20))
    box.look(4)
    shutil.copytree(study, box.inbox / "CT 1")
    box.settle()
    assert only_completed(box)
    assert [path.name for path in box.inbox.iterdir()] == ["large"]
    assert "58.7 MB needed" in box.notes[0]


def test_twice_the_largest_study_must_fit(box: Box, disk: Path, study: Path) -> None:
    shutil.copytree(study, box.inbox / "CT 1")
    with (box.inbox / "CT 1/large").open("wb") as file:
        file.write(bytes(28 << 20))
    box.look(6)
    assert box.jobs.of(*State) == []
    assert "59.9 MB needed" in box.notes[0]  # 58.7 for the large file, and the study
    (box.inbox / "CT 1/large").unlink()
    box.settle()
    assert only_completed(box)


@pytest.mark.parametrize("take", [fill, fill_inodes])
def test_the_notice_is_written_on_a_disk_without_any_room(
    box: Box, disk: Path, study: Path, take: Callable[[Path], None]
) -> None:
    guarded(box)
    box.look()
    assert (box.state / RESERVE).exists()
    take(disk)
    box.look(2)
    assert (box.results / PAUSED).read_text().startswith("The disk is almost full")
    assert not (box.state / RESERVE).exists()
    empty(disk)
    box.look()
    assert (box.state / RESERVE).exists()
    assert not (box.results / PAUSED).exists()


@pytest.mark.slow
@pytest.mark.parametrize("take", [fill, fill_inodes])
def test_no_room_at_any_write_of_the_intake(
    box: Box, disk: Path, study: Path, take: Callable[[Path, int], None]
) -> None:
    """Bytes in steps of a quarter of a MiB, inodes in steps of 6."""
    for done, step in enumerate(range(0, 16, EVERY), start=1):
        drop = f"CT {step}"
        shutil.rmtree(disk / "made", ignore_errors=True)
        write_study(disk / "made", step)
        (disk / "made").rename(box.inbox / drop)
        take(disk, step << 18 if take is fill else 6 * step)
        box.look(5)
        assert all(document["status"] == "completed" for document in box.documents.values())
        empty(disk)
        box.settle()
        assert len(box.documents) == done
        assert {document["status"] for document in box.documents.values()} == {"completed"}
        assert not list((box.state / "spool").iterdir())
        assert not [path for path in box.results.glob(".*") if path.name != RESERVE]


@pytest.mark.slow
@pytest.mark.parametrize("take", [fill, fill_inodes])
def test_no_room_at_any_write_of_a_result(box: Box, disk: Path, study: Path, take: Callable[[Path, int], None]) -> None:
    """The disk fills up while a study is analysed: bytes in steps of 8 KiB, inodes one by one."""
    leave = 0

    def predict(images: Floats32) -> Floats32:
        if not (disk / BALLAST).exists() and not (disk / f"{BALLAST}s").exists():
            take(disk, leave)
        return bright(images)

    engines = Ensemble({plane: (MemoryEngine(predict, entered=True),) for plane in Plane})
    for done, step in enumerate(range(0, 16, EVERY), start=1):
        leave = step << 13 if take is fill else step
        write_study(box.inbox / f"CT {step}", step)
        box.look(4)
        worker = box.new_worker(replace(box.setup, ensemble=engines))
        tick(worker, box.stop)
        assert len(box.documents) in (done - 1, done)  # and each is whole
        empty(disk)
        box.settle()
        assert len(box.documents) == done
        assert {document["status"] for document in box.documents.values()} == {"completed"}
        assert not [path for path in box.results.glob(".*") if path.name != RESERVE]


def test_retention_makes_room_on_a_disk_without_any(box: Box, disk: Path, study: Path) -> None:
    config = disk / "strokebox.toml"
    folders = "".join(f'{name} = "{path}"\n' for name, path in box.settings.folders)
    config.write_text(f"[folders]\n{folders}[retention]\nresults_days = 31\n")
    shutil.copytree(study, box.inbox / "CT 1")
    box.settle()
    (result,) = (path for path in box.results.iterdir() if not path.name.startswith("."))
    os.utime(result, (NOW.timestamp(),) * 2)
    assert main(["retention", "--config", str(config)]) == 0  # the first of a week
    assert result.exists()
    fill(disk)
    assert main(["retention", "--config", str(config)]) == 0
    assert not result.exists()
    assert verify(box.state / "audit.jsonl").broken is None
    assert '"event": "deleted"' in (box.state / "audit.jsonl").read_text().splitlines()[-1]
