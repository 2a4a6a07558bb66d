"""What happens to drops: taken over, read, analysed, published once; whatever interrupts it."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance import acceptance
from appliance.acceptance import load_taken
from appliance.case import Setup
from appliance.intake import ATTEMPTS as READINGS
from appliance.intake import INTERRUPTIONS
from appliance.jobs import State
from appliance.outcome import Outcome, Reason
from appliance.prepared import Prepared
from appliance.reader_child import PREPARED
from appliance.report_pdf import render_report
from appliance.role import tick
from appliance.worker import ATTEMPTS
from runtime.codes import Code, Flag
from runtime.engines.base import Ensemble
from runtime.engines.memory import Floats32, MemoryEngine
from runtime.errors import ConfigurationError, EngineError, PublishError
from runtime.planes import Plane
from tests.appliance.box import ROUNDS, Box, open_box, parse
from tests.memory_service import bright, memory_engines, write_study


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_study(folder / "CT", 1)
    return folder / "CT"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with open_box(tmp_path / "box") as box:
        yield box


def only(box: Box) -> tuple[str, dict[str, object]]:
    ((name, document),) = box.documents.items()
    return name, document


def test_a_folder_becomes_one_result(box: Box, study: Path) -> None:
    shutil.copytree(study, box.inbox / "CT 1/deep")
    (box.inbox / "CT 1/viewer.exe").write_bytes(b"MZ")
    box.settle()
    name, document = only(box)
    assert name.startswith("CT 1__")
    assert document["status"] == "completed"
    assert document["finding"]["class"] == "IH"  # type: ignore[index]  # a finding is a dictionary
    assert list(box.inbox.iterdir()) == []
    assert list((box.state / "spool").iterdir()) == []
    assert box.notes == []


def test_a_zip_and_loose_files(box: Box, study: Path, tmp_path: Path) -> None:
    write_study(tmp_path / "other", 2)
    with zipfile.ZipFile(box.inbox / "export.zip", "w") as zipped:
        for path in study.iterdir():
            zipped.write(path, f"a/{path.name}")
    for path in (tmp_path / "other").iterdir():
        shutil.copy(path, box.inbox)
    box.settle()
    assert sorted(name.split("__")[0] for name in box.documents) == ["export", "loose files"]
    assert {document["status"] for document in box.documents.values()} == {"completed"}


def test_a_zip_in_a_folder_with_litter(box: Box, study: Path) -> None:
    (box.inbox / "CT 1").mkdir()
    with zipfile.ZipFile(box.inbox / "CT 1/export.zip", "w") as zipped:
        for path in study.iterdir():
            zipped.write(path, path.name)
    (box.inbox / "CT 1/Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(2000))
    (box.inbox / "CT 1/readme.txt").write_bytes(b"Please start the viewer.")
    box.settle()
    assert only(box)[1]["status"] == "completed"


def test_nothing_starts_while_it_is_copied(box: Box, study: Path) -> None:
    (box.inbox / "slow").mkdir()
    for path in sorted(study.iterdir()):
        shutil.copy(path, box.inbox / "slow")
        box.look(apart=1.0)
        assert box.jobs.of(*State) == []
    box.settle()
    assert only(box)[1]["status"] == "completed"


def test_the_same_study_again_names_the_first_result(box: Box, study: Path) -> None:
    shutil.copytree(study, box.inbox / "first")
    box.settle()
    shutil.copytree(study, box.inbox / "second")
    for number, path in enumerate(sorted((box.inbox / "second").iterdir())):
        path.rename(path.with_name(f"other{number}"))
    box.settle()
    name, _ = only(box)
    (note,) = box.notes
    assert "'first'" in note
    assert name in note
    assert list(box.inbox.iterdir()) == []


def test_the_same_study_again_after_its_result_was_removed(box: Box, study: Path) -> None:
    shutil.copytree(study, box.inbox / "first")
    box.settle()
    shutil.rmtree(box.results / only(box)[0])
    shutil.copytree(study, box.inbox / "first")
    box.settle()
    name, document = only(box)
    assert name.endswith("_2")
    assert document["status"] == "completed"
    shutil.copytree(study, box.inbox / "third")
    box.settle()
    assert only(box)[0] == name
    assert name in box.notes[0]


def test_late_slices_give_a_second_result_that_names_the_first(box: Box, study: Path) -> None:
    late = sorted(study.iterdir())[-3:]
    shutil.copytree(study, box.inbox / "CT", ignore=lambda *_: [path.name for path in late])
    box.settle()
    first, before = only(box)
    shutil.copytree(study, box.inbox / "CT")
    box.settle()
    assert box.documents[first] == before
    (second,) = set(box.documents) - {first}
    document = box.documents[second]
    assert (document["job"]["revision"], document["job"]["earlier"]) == (2, first)
    (flag,) = [flag for flag in document["flags"] if flag["code"] == "EARLIER_RESULT"]
    assert first in flag["message"]
    assert "EARLIER_CALL" in {flag["code"] for flag in document["flags"]}


def test_after_a_stroke_was_called_a_negative_call_does_not_stand(box: Box, study: Path) -> None:
    def nothing(images: Floats32) -> Floats32:
        return np.zeros((len(images), 2, *images.shape[2:]), dtype=np.float32)

    late = sorted(study.iterdir())[-3:]
    shutil.copytree(study, box.inbox / "CT", ignore=lambda *_: [path.name for path in late])
    box.settle()
    first, before = only(box)
    assert before["finding"]["class"] == "IH"  # type: ignore[index]  # a finding is a dictionary
    engines = Ensemble({plane: (MemoryEngine(nothing, entered=True),) for plane in Plane})
    box.worker = box.new_worker(replace(box.setup, ensemble=engines))
    shutil.copytree(study, box.inbox / "CT")
    box.settle()
    (second,) = set(box.documents) - {first}
    assert box.documents[second]["finding"]["class"] == "inconclusive"


def test_late_slices_alone_are_a_second_result_too(box: Box, study: Path) -> None:
    late = [path.name for path in sorted(study.iterdir())[-3:]]
    shutil.copytree(study, box.inbox / "CT", ignore=lambda *_: late)
    box.settle()
    first, _ = only(box)
    shutil.copytree(study, box.inbox / "late", ignore=lambda _, names: [name for name in names if name not in late])
    box.settle()
    (second,) = set(box.documents) - {first}
    document = box.documents[second]
    assert document["status"] == "rejected"
    assert (document["job"]["revision"], document["job"]["earlier"]) == (2, first)
    assert "EARLIER_RESULT" not in {flag["code"] for flag in document["flags"]}


def test_received_is_said_at_once(box: Box, study: Path) -> None:
    shutil.copytree(study, box.inbox / "CT 1")
    box.look(3)
    assert "Position 1" in box.notes[0]
    tick(box.worker, box.stop)
    box.look()
    assert box.notes == []


def test_a_rejected_study_has_its_folder_without_a_worker(box: Box, tmp_path: Path) -> None:
    (box.inbox / "letters").mkdir()
    (box.inbox / "letters/a.pdf").write_bytes(b"%PDF-1.7 a letter")
    box.look(4)
    _, document = only(box)
    assert document["status"] == "rejected"
    assert document["reason"]["code"] == "NOT_DICOM"  # type: ignore[index]  # a reason is a dictionary
    assert list(box.inbox.iterdir()) == []


def test_two_broken_zips_are_two_studies(box: Box) -> None:
    for name in ("first", "second"):
        (box.inbox / f"{name}.zip").write_bytes(b"PK\x03\x04" + name.encode())
    box.look(4)
    assert sorted(name.split("__")[0] for name in box.documents) == ["first", "second"]
    reasons = [document["reason"]["code"] for document in box.documents.values()]
    assert reasons == ["BAD_ARCHIVE", "BAD_ARCHIVE"]
    assert box.notes == []


def test_a_refused_drop_is_left_and_named_once(box: Box, study: Path) -> None:
    shutil.copytree(study, box.inbox / "linked")
    (box.inbox / "linked/link").symlink_to("/etc/hostname")
    for _ in range(2):
        box.settle()
        box.intake = box.new_intake()
        box.intake.recover()
    _, document = only(box)
    assert document["reason"]["code"] == "UNSAFE_FILES"  # type: ignore[index]  # a reason is a dictionary
    assert (box.inbox / "linked/link").is_symlink()
    assert len(list((box.inbox / "linked").iterdir())) == len(list(study.iterdir())) + 1


def test_a_copy_that_never_ends_says_so(box: Box, study: Path) -> None:
    shutil.copytree(study, box.inbox / "CT 1")
    (box.inbox / "CT 1/IM.part").write_bytes(b"begun")
    box.look(30)
    tick(box.worker, box.stop)
    first, document = only(box)
    assert "PARTIAL" in {flag["code"] for flag in document["flags"]}  # type: ignore[attr-defined]  # flags are a list
    shutil.copytree(study, box.inbox / "CT 1 again")
    box.settle()
    (second,) = set(box.documents) - {first}
    assert "PARTIAL" not in {flag["code"] for flag in box.documents[second]["flags"]}


def test_a_file_that_is_still_being_written_waits(box: Box, study: Path) -> None:
    shutil.copytree(study, box.inbox / "CT 1")
    with (box.inbox / "CT 1/IM000001").open("r+b"):
        box.look(6)
        assert box.jobs.of(*State) == []
    box.settle()
    assert only(box)[1]["status"] == "completed"


def test_somebody_who_opens_a_file_while_it_is_copied_does_no_harm(
    box: Box, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(study, box.inbox / "CT 1")
    first = sorted(path.name for path in study.iterdir())[0]
    real = acceptance._block
    refused = []

    def opening(descriptor: int) -> bytes:
        try:
            os.close(os.open(box.inbox / "CT 1" / first, os.O_WRONLY | os.O_NONBLOCK))
        except BlockingIOError as error:
            refused.append(error)
        return real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(acceptance, "_block", opening)
        box.look(3)
    assert refused  # the lease was held, and SIGIO came
    box.settle()
    assert only(box)[1]["status"] == "completed"
    assert list(box.inbox.iterdir()) == []


def test_names_that_are_not_utf_8(box: Box, study: Path) -> None:
    folder = box.inbox / os.fsdecode(b"CT_\xff 50%")
    shutil.copytree(study, folder)
    (folder / "IM000001").rename(folder / os.fsdecode(b"IM_\xfe"))
    box.look(3)
    assert "CT_\ufffd 50%" in next(box.results.glob("*.note.txt")).name
    box.settle()
    name, document = only(box)
    assert name.startswith("CT_\ufffd 50%__")
    assert document["status"] == "completed"
    assert list(box.inbox.iterdir()) == []


def test_names_that_are_not_utf_8_can_be_refused(box: Box) -> None:
    folder = box.inbox / os.fsdecode(b"CT_\xff")
    folder.mkdir()
    os.mkfifo(folder / "fifo")
    box.settle()
    assert only(box)[0].startswith("CT_\ufffd__")


def test_a_file_that_is_kept_open_for_good_is_taken_when_patience_ends(box: Box, study: Path) -> None:
    shutil.copytree(study, box.inbox / "CT 1")
    with (box.inbox / "CT 1/IM000001").open("r+b"):
        box.look(30)
    tick(box.worker, box.stop)
    flags = only(box)[1]["flags"]
    assert "PARTIAL" in {flag["code"] for flag in flags}  # type: ignore[attr-defined]  # flags are a list
    assert list(box.inbox.iterdir()) == []


def test_a_file_that_never_stops_growing_is_left_out_when_patience_ends(
    box: Box, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(study, box.inbox / "CT 1")
    shutil.copytree(study, box.inbox / "CT 2", ignore=lambda *_: [path.name for path in list(study.iterdir())[1:]])
    growing = [box.inbox / "CT 1/IM000001", *(box.inbox / "CT 2").iterdir()]
    real = acceptance._block

    def grow(descriptor: int) -> bytes:
        for path in growing:
            with path.open("ab") as file:
                file.write(b"more")
        return real(descriptor)

    monkeypatch.setattr(acceptance, "_lease", lambda _: None)
    monkeypatch.setattr(acceptance, "_block", grow)
    box.look(6, apart=50.0)
    tick(box.worker, box.stop)
    by_drop = {name.split("__")[0]: document for name, document in box.documents.items()}
    assert "PARTIAL" in {flag["code"] for flag in by_drop["CT 1"]["flags"]}
    assert by_drop["CT 2"]["reason"]["code"] == "UNREADABLE"
    assert all(path.exists() for path in growing)
    assert len(list((box.inbox / "CT 1").iterdir())) == 1


def test_the_next_refused_drop_of_the_same_name_is_named_too(box: Box) -> None:
    for _ in range(2):
        (box.inbox / "DICOM" / "/".join("123456789")).mkdir(parents=True)
        (box.inbox / "DICOM/1/IM1").write_bytes(b"deep")
        box.look(8)
        (box.inbox / "DICOM").rename(box.state / f"moved {len(box.documents)}")
        box.look()
    assert [document["reason"]["code"] for document in box.documents.values()] == ["TOO_LARGE", "TOO_LARGE"]


def test_files_that_can_be_read_but_not_removed_are_taken_once(
    box: Box, study: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    unlink, rmdir = os.unlink, os.rmdir

    def failing(real: Callable[..., None]) -> Callable[..., None]:
        def called(*path: Any, dir_fd: int | None = None) -> None:
            if dir_fd is not None and Path(f"/proc/self/fd/{dir_fd}").readlink().is_relative_to(box.inbox):
                raise OSError(errno.EROFS, "Read-only file system")
            real(*path, dir_fd=dir_fd)

        return called

    caplog.set_level("INFO")
    shutil.copytree(study, box.inbox / "CT 1")
    with monkeypatch.context() as patch:
        patch.setattr("os.unlink", failing(unlink))
        patch.setattr("os.rmdir", failing(rmdir))
        box.look(7, apart=11.0)
        box.intake = box.new_intake()
        box.intake.recover()
        box.look(7, apart=11.0)
        assert len(box.jobs.of(*State)) == 1
    assert caplog.text.count("not removed from the inbox: ") == 2  # once a start
    assert "CT 1" not in caplog.text
    box.settle()
    assert only(box)[1]["status"] == "completed"
    assert list(box.inbox.iterdir()) == []
    assert box.jobs.uncleared() == []


def test_an_empty_folder_that_could_not_be_removed_is_removed_later(
    box: Box, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    shutil.copytree(study, box.inbox / "CT 1")
    with monkeypatch.context() as patch:
        patch.setattr("os.rmdir", failing)
        box.look(4)
        assert [*box.inbox.iterdir()] == [box.inbox / "CT 1"]
    box.look()
    assert [*box.inbox.iterdir()] == []
    assert box.jobs.uncleared() == []


def test_an_inbox_that_is_away_does_not_end_the_recovery(
    box: Box, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(study, box.inbox / "CT 1")
    with monkeypatch.context() as patch:
        patch.setattr("appliance.intake.clear", crash)
        with pytest.raises(Crash):
            box.look(3)
    box.inbox.rename(box.state / "away")
    box.intake = box.new_intake()
    box.intake.recover()
    (box.state / "away").rename(box.inbox)
    box.look(4)
    assert list(box.inbox.iterdir()) == []
    assert len(box.jobs.of(*State)) == 1


class Crash(BaseException):
    """What kill -9 is to a process; in these tests, at a chosen place."""


def crash(*_: object, **__: object) -> None:
    raise Crash


def test_a_drop_is_not_taken_twice_when_its_removal_was_interrupted(
    box: Box, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(study, box.inbox / "CT 1")
    with monkeypatch.context() as patch:
        patch.setattr("appliance.intake.clear", crash)
        with pytest.raises(Crash):
            box.look(3)
    box.intake = box.new_intake()
    box.intake.recover()
    assert list(box.inbox.iterdir()) == []
    box.settle()
    assert only(box)[1]["status"] == "completed"
    assert box.notes == []


def test_a_drop_that_was_half_copied_is_copied_again(box: Box, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(study, box.inbox / "CT 1")
    with monkeypatch.context() as patch:
        patch.setattr("appliance.acceptance.flush_folder", crash)
        patch.setattr("appliance.spool.Spool.remove", lambda *_: None)
        with pytest.raises(Crash):
            box.look(3)
    assert len(list((box.state / "spool").iterdir())) == 1
    (box.state / "spool/0123456789abcdef/files").mkdir(parents=True)
    box.intake = box.new_intake()
    box.intake.recover()
    assert list((box.state / "spool").iterdir()) == []
    box.settle()
    assert only(box)[1]["status"] == "completed"


def test_a_drop_that_was_copied_and_not_yet_received_is_not_copied_again(
    box: Box, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(study, box.inbox / "CT 1")
    with monkeypatch.context() as patch:
        patch.setattr("appliance.intake.flush_folder", crash)
        patch.setattr("appliance.spool.Spool.remove", lambda *_: None)
        with pytest.raises(Crash):
            box.look(3)
    box.intake = box.new_intake()
    box.intake.recover()
    assert list(box.inbox.iterdir()) == []
    box.settle()
    assert only(box)[1]["status"] == "completed"
    assert len(box.jobs.of(*State)) == 1


def test_what_goes_from_the_spool_is_never_half_a_study_there(
    box: Box, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(study, box.inbox / "CT 1")
    with monkeypatch.context() as patch:
        patch.setattr("appliance.intake.flush_folder", crash)
        patch.setattr("appliance.spool.shutil.rmtree", lambda *_, **__: None)
        with pytest.raises(Crash):
            box.look(3)
    assert box.spool.names() == []
    box.intake = box.new_intake()
    box.intake.recover()
    assert box.jobs.of(*State) == []
    box.settle()
    assert only(box)[1]["status"] == "completed"


def test_a_study_that_lost_files_in_the_spool_is_said_and_not_analysed(box: Box, study: Path) -> None:
    def losing(folder: Path, seconds: float, check: Callable[[], None]) -> Prepared:
        (folder / "files/000000").unlink(missing_ok=True)
        return parse(folder, seconds, check)

    shutil.copytree(study, box.inbox / "CT 1")
    box.intake = box.new_intake(losing)
    box.look(8)
    _, document = only(box)
    assert document["reason"]["code"] == "READER_FAILED"  # type: ignore[index]  # a reason is a dictionary


def test_a_result_that_was_visible_already_is_not_made_again(
    box: Box, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(study, box.inbox / "CT 1")
    box.look(4)
    with monkeypatch.context() as patch:
        patch.setattr("appliance.jobs.Jobs.finish", crash)
        with pytest.raises(Crash):
            tick(box.worker, box.stop)
    before = (box.results / only(box)[0] / "result.json").stat().st_mtime_ns
    box.worker = box.new_worker()
    box.worker.recover()
    tick(box.worker, box.stop)
    (job,) = box.jobs.of(State.DONE)
    assert (job.outcome, job.folder) == ("completed", only(box)[0])
    assert (box.results / only(box)[0] / "result.json").stat().st_mtime_ns == before
    assert list((box.state / "spool").iterdir()) == []


def test_a_study_that_ends_its_worker_three_times_is_published_as_not_analysed(
    box: Box, study: Path, tmp_path: Path
) -> None:
    def fatal(images: Floats32) -> Floats32:
        raise Crash

    shutil.copytree(study, box.inbox / "fatal")
    box.look(4)
    engines = Ensemble({plane: (MemoryEngine(fatal, entered=True),) for plane in Plane})
    for _ in range(3):
        worker = box.new_worker(replace(box.setup, ensemble=engines))
        worker.recover()
        with pytest.raises(Crash):
            tick(worker, box.stop)
    write_study(tmp_path / "next", 2)
    shutil.copytree(tmp_path / "next", box.inbox / "next")
    box.settle()
    by_drop = {name.split("__")[0]: document for name, document in box.documents.items()}
    assert by_drop["fatal"]["status"] == "failed"
    assert by_drop["fatal"]["reason"]["code"] == "ANALYSIS_ABORTED"
    assert by_drop["fatal"]["patient"]["name"] == "Canary^Number1"
    assert by_drop["next"]["status"] == "completed"


def test_failing_engines_are_tried_again_with_new_ones(box: Box, study: Path) -> None:
    def broken(images: Floats32) -> Floats32:
        raise EngineError("the device is gone")

    shutil.copytree(study, box.inbox / "CT 1")
    box.look(4)
    engines = Ensemble({plane: (MemoryEngine(broken, entered=True),) for plane in Plane})
    with pytest.raises(EngineError):
        tick(box.new_worker(replace(box.setup, ensemble=engines)), box.stop)
    assert box.documents == {}
    box.settle()
    assert only(box)[1]["status"] == "completed"


@pytest.mark.parametrize("ending", [EngineError("CUDA says: an illegal memory access was encountered."), Crash()])
def test_a_study_that_ended_its_worker_on_the_gpu_is_analysed_on_the_cpu(
    box: Box, study: Path, tmp_path: Path, ending: BaseException
) -> None:
    broken: list[BaseException] = [ending]

    def on_gpu(images: Floats32) -> Floats32:
        if broken:
            raise broken[0]
        return bright(images)

    @contextmanager
    def spare() -> Iterator[Setup]:
        with memory_engines() as setup:
            yield replace(setup, engine_flags=(Flag(Code.CPU_FALLBACK),))

    ensemble = Ensemble({plane: (MemoryEngine(on_gpu, entered=True),) for plane in Plane})
    setup = replace(box.setup, ensemble=ensemble, spare=spare)
    shutil.copytree(study, box.inbox / "first")
    box.look(4)
    with pytest.raises(type(ending)):
        tick(box.new_worker(setup), box.stop)
    assert box.documents == {}
    worker = box.new_worker(setup)
    worker.recover()
    tick(worker, box.stop)
    broken.clear()
    write_study(tmp_path / "next", 2)
    shutil.copytree(tmp_path / "next", box.inbox / "next")
    box.look(4)
    tick(worker, box.stop)
    flags = {name.split("__")[0]: {flag["code"] for flag in one["flags"]} for name, one in box.documents.items()}
    assert "CPU_FALLBACK" in flags["first"]
    assert "CPU_FALLBACK" not in flags["next"]
    assert {one["finding"]["class"] for one in box.documents.values()} == {"IH"}


def test_a_study_whose_files_are_lost_does_not_hold_up_the_next(
    box: Box, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.role.AFTER_FAILURE_SECONDS", 0.0)
    shutil.copytree(study, box.inbox / "lost")
    write_study(tmp_path / "next", 2)
    shutil.copytree(tmp_path / "next", box.inbox / "next")
    box.look(4)
    (lost,) = (job for job in box.jobs.of(State.READY) if job.drop_name == "lost")
    shutil.rmtree(box.state / "spool" / lost.id / PREPARED)
    box.settle()
    by_drop = {name.split("__")[0]: document["status"] for name, document in box.documents.items()}
    assert by_drop == {"lost": "failed", "next": "completed"}


def test_received_is_said_before_anything_is_read(box: Box, study: Path) -> None:
    noted = []

    def slow(folder: Path, seconds: float, check: Callable[[], None]) -> Prepared:
        noted.append(len(box.notes))
        return parse(folder, seconds, check)

    box.intake = box.new_intake(slow)
    for name in ("CT 1", "CT 2"):
        shutil.copytree(study, box.inbox / name)
    box.look(3)
    assert noted == [2, 2]


def test_what_arrives_while_others_are_read_does_not_wait_for_all_of_them(box: Box, study: Path) -> None:
    names = sorted(path.name for path in study.iterdir())
    order: list[str] = []

    def slow(folder: Path, seconds: float, check: Callable[[], None]) -> Prepared:
        if not order:
            shutil.copytree(study, box.inbox / "urgent", ignore=lambda *_: names[-9:])
        box.seconds += 60.0
        prepared = parse(folder, seconds, check)
        order.append(prepared.drop)
        return prepared

    box.intake = box.new_intake(slow)
    for number in range(5):
        shutil.copytree(study, box.inbox / f"bulk {number}", ignore=lambda *_, number=number: names[: number + 1])
    box.look(3)
    assert len(order) == 6
    assert order.index("urgent") == 3  # three looks, one after each reading


def test_a_drop_that_can_not_be_read_now_does_not_hold_up_the_others(
    box: Box, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path, seconds: float, check: Callable[[], None]) -> Prepared:
        if load_taken(folder).name == "stuck":
            raise ConfigurationError("The disk is full.")
        return parse(folder, seconds, check)

    monkeypatch.setattr("appliance.role.AFTER_FAILURE_SECONDS", 0.0)
    box.intake = box.new_intake(full)
    shutil.copytree(study, box.inbox / "fine")
    shutil.copytree(study, box.inbox / "stuck")
    box.look(3)
    assert {job.drop_name: job.state for job in box.jobs.of(*State)} == {"stuck": State.RECEIVED, "fine": State.READY}


def test_results_that_are_away_do_not_end_the_recovery(box: Box, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.role.AFTER_FAILURE_SECONDS", 0.0)
    a_letter(box.inbox)
    with monkeypatch.context() as patch:
        patch.setattr("appliance.jobs.Jobs.finish", crash)
        with pytest.raises(Crash):
            box.look(4)
    box.intake = box.new_intake()
    with monkeypatch.context() as patch:
        patch.setattr("os.stat", failing_below(box.results, errno.ESTALE))
        box.intake.recover()
    box.look(2)
    assert only(box)[1]["status"] == "rejected"


@pytest.mark.parametrize("loss", ["drop.json", "defect"])
def test_a_drop_that_can_not_be_read_at_all_comes_to_an_end(
    box: Box, study: Path, monkeypatch: pytest.MonkeyPatch, loss: str
) -> None:
    def dies(folder: Path, _seconds: float, _check: Callable[[], None]) -> Prepared:
        if loss == "defect":
            raise KeyError("a code of another version")
        (folder / loss).unlink(missing_ok=True)
        return parse(folder, 0.0, lambda: None)

    monkeypatch.setattr("appliance.role.AFTER_FAILURE_SECONDS", 0.0)
    box.intake = box.new_intake(dies)
    shutil.copytree(study, box.inbox / "CT 1")
    box.look(12)
    _, document = only(box)
    assert (document["status"], document["reason"]["code"]) == ("failed", "READER_FAILED")  # type: ignore[index]


def test_what_is_not_the_drop_s_fault_counts_as_no_attempt(
    box: Box, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Prepared:
        raise ConfigurationError("The disk is full.")

    monkeypatch.setattr("appliance.role.AFTER_FAILURE_SECONDS", 0.0)
    box.intake = box.new_intake(full)
    shutil.copytree(study, box.inbox / "CT 1")
    box.look(12)
    assert [job.state for job in box.jobs.of(*State)] == [State.RECEIVED]
    box.intake = box.new_intake()
    box.settle()
    assert only(box)[1]["status"] == "completed"


def a_linked_drop(inbox: Path) -> None:
    (inbox / "linked").mkdir()
    (inbox / "linked/link").symlink_to("/etc/hostname")


def a_letter(inbox: Path) -> None:
    (inbox / "letters").mkdir()
    (inbox / "letters/a.pdf").write_bytes(b"%PDF-1.7 a letter")


def without(box: Box) -> None:
    box.results.rmdir()


def as_a_file(box: Box) -> None:
    box.results.rmdir()
    box.results.write_bytes(b"a share that is away")


@pytest.mark.parametrize("away", [without, as_a_file])
@pytest.mark.parametrize(("make", "status"), [(None, "completed"), (a_linked_drop, "rejected"), (a_letter, "rejected")])
def test_without_the_results_folder_for_a_while(
    box: Box,
    study: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Path], None] | None,
    status: str,
    away: Callable[[Box], None],
) -> None:
    monkeypatch.setattr("appliance.role.AFTER_FAILURE_SECONDS", 0.0)
    if make is None:
        shutil.copytree(study, box.inbox / "CT 1")
    else:
        make(box.inbox)
    away(box)
    box.settle()
    box.settle()
    assert box.jobs.latest(1) == []
    if away is without:
        assert not box.results.exists()  # nobody makes it: it is the place of a share
    else:
        box.results.unlink()
    box.results.mkdir()
    box.settle()
    box.settle()
    assert only(box)[1]["status"] == status
    assert [path.name for path in box.results.iterdir()] == [only(box)[0]]
    assert list((box.state / "spool").iterdir()) == []


def test_nothing_is_analysed_that_could_not_be_published(
    box: Box, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.role.AFTER_FAILURE_SECONDS", 0.0)
    calls = 0

    def counted(images: Floats32) -> Floats32:
        nonlocal calls
        calls += 1
        return np.zeros((len(images), 2, *images.shape[2:]), dtype=np.float32)

    engines = Ensemble({plane: (MemoryEngine(counted, entered=True),) for plane in Plane})
    box.worker = box.new_worker(replace(box.setup, ensemble=engines))
    shutil.copytree(study, box.inbox / "CT 1")
    box.look(4)
    box.results.rename(box.state / "away")
    for _ in range(3):
        tick(box.worker, box.stop)
    assert calls == 0
    assert [(job.state, job.attempts) for job in box.jobs.of(*State)] == [(State.READY, 0)]
    (box.state / "away").rename(box.results)
    box.settle()
    assert only(box)[1]["status"] == "completed"


def failing_below(folder: Path, number: int) -> Callable[..., os.stat_result]:
    """`os.stat` as it is for a share that errors."""
    real = os.stat

    def stat(path: Any, **named: Any) -> os.stat_result:
        if str(path).startswith(str(folder)):
            raise OSError(number, os.strerror(number))
        return real(path, **named)

    return stat


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.EACCES, errno.ENOTCONN])
def test_a_results_folder_that_errors_counts_as_no_attempt(
    box: Box, study: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr("appliance.role.AFTER_FAILURE_SECONDS", 0.0)
    shutil.copytree(study, box.inbox / "CT 1")
    box.look(4)
    (job,) = box.jobs.of(State.READY)
    box.jobs.name(job.id, "CT 1__12345678")  # as if a worker had ended when it was about to publish
    with monkeypatch.context() as patch:
        patch.setattr("os.stat", failing_below(box.results, number))
        for _ in range(2 * ROUNDS):
            tick(box.worker, box.stop)
    box.settle()
    assert only(box)[1]["status"] == "completed"


def test_whether_a_result_is_visible_is_not_guessed_where_the_folder_is_away(box: Box, study: Path) -> None:
    shutil.copytree(study, box.inbox / "CT 1")
    box.settle()
    (job,) = box.jobs.of(State.DONE)
    assert box.publication.is_visible(job)
    box.results.rename(box.state / "away")
    with pytest.raises(PublishError):
        box.publication.is_visible(job)


def test_a_busy_database_counts_as_no_attempt(box: Box, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.role.AFTER_FAILURE_SECONDS", 0.0)

    def busy(*_: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    shutil.copytree(study, box.inbox / "CT 1")
    box.look(4)
    with monkeypatch.context() as patch:
        patch.setattr("appliance.jobs.Jobs.name", busy)
        for _ in range(2 * ROUNDS):
            tick(box.worker, box.stop)
    box.settle()
    assert only(box)[1]["status"] == "completed"


@pytest.mark.parametrize(("make", "status"), [(None, "failed"), (a_letter, "rejected")])
def test_a_report_that_can_not_be_rendered_comes_out_with_the_name_of_the_drop(
    box: Box, study: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None] | None, status: str
) -> None:
    monkeypatch.setattr("appliance.role.AFTER_FAILURE_SECONDS", 0.0)
    rendered = 0

    def fussy(outcome: Outcome) -> bytes:
        nonlocal rendered
        rendered += 1
        if outcome.study or rendered < ATTEMPTS:
            raise ValueError("no such glyph")
        return render_report(outcome)

    monkeypatch.setattr("appliance.publication.render_report", fussy)
    if make is None:
        shutil.copytree(study, box.inbox / "odd")
    else:
        make(box.inbox)
    box.settle()
    _, document = only(box)
    assert (document["status"], document["patient"]) == (status, None)
    assert document["job"]["drop"] == ("letters" if make else "odd")  # type: ignore[index]  # it is a dictionary


class Killed(BaseException):
    """kill -9: nothing after it is done."""


def kill_while_reading(box: Box, times: int) -> list[str]:
    """Intakes one after another, each killed in its first reading; which jobs that was. The last lives."""
    read: list[str] = []

    def killed(folder: Path, _seconds: float, _check: Callable[[], None]) -> Prepared:
        read.append(folder.name)
        raise Killed

    for _ in range(times):
        box.intake = box.new_intake(killed)
        with pytest.raises(Killed):
            box.look(4)
    box.intake = box.new_intake()
    return read


@pytest.mark.parametrize(("kills", "status"), [(2, "completed"), (3, "failed")])
@pytest.mark.parametrize("interruptions", [0, READINGS])
def test_a_reader_that_is_killed_is_started_again(
    box: Box, study: Path, kills: int, status: str, interruptions: int
) -> None:
    left = kills

    def killed(folder: Path, seconds: float, check: Callable[[], None]) -> Prepared:
        nonlocal left
        left -= 1
        if left >= 0:
            return Prepared.unread("CT 1", "0" * 64, Reason(Code.READER_FAILED))
        return parse(folder, seconds, check)

    shutil.copytree(study, box.inbox / "CT 1")
    kill_while_reading(box, interruptions)
    box.intake = box.new_intake(killed)
    box.look(3)
    box.settle()
    assert only(box)[1]["status"] == status
    box.intake.recover()
    assert len(list((box.state / "spool").iterdir())) == (status == "failed")  # evidence


@pytest.mark.parametrize(
    ("kills", "status"), [(READINGS + INTERRUPTIONS, "completed"), (READINGS + INTERRUPTIONS + 1, "failed")]
)
def test_what_was_read_when_the_intake_was_killed_is_read_again(box: Box, study: Path, kills: int, status: str) -> None:
    """And where that never ends, there is a result with the drop's name."""
    shutil.copytree(study, box.inbox / "CT 1")
    kill_while_reading(box, kills)
    box.settle()
    _, document = only(box)
    assert (document["status"], document["job"]["drop"]) == (status, "CT 1")  # type: ignore[index]  # it is a dictionary


def test_what_was_read_when_the_intake_was_killed_again_and_again_is_read_last(box: Box, study: Path) -> None:
    shutil.copytree(study, box.inbox / "CT 1")
    a_letter(box.inbox)
    *first, last = kill_while_reading(box, READINGS + 1)
    assert set(first) != {last}
    assert len(set(first)) == 1


@pytest.mark.parametrize("broken", ["folder", "file"])
def test_a_drop_that_can_not_be_read_is_named_once_and_the_others_go_on(
    box: Box, study: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    shutil.copytree(study, box.inbox / "broken")
    shutil.copytree(study, box.inbox / "fine")
    real = os.open

    def failing(path: str, flags: int, *rest: int, dir_fd: int | None = None) -> int:
        descriptor = real(path, flags, *rest, dir_fd=dir_fd)
        where = Path(f"/proc/self/fd/{descriptor}").readlink()
        if str(where).endswith("inbox/broken" if broken == "folder" else "inbox/broken/IM000007"):
            os.close(descriptor)
            raise OSError(5, "Input/output error")
        return descriptor

    with monkeypatch.context() as patch:
        patch.setattr("os.open", failing)
        for _ in range(2):
            box.settle()
    by_drop = {name.split("__")[0]: document for name, document in box.documents.items()}
    assert by_drop.keys() == {"broken", "fine"}
    assert by_drop["fine"]["status"] == "completed"
    assert by_drop["broken"]["reason"]["code"] == "UNREADABLE"
    assert len(list((box.inbox / "broken").iterdir())) == len(list(study.iterdir()))
    box.settle()
    assert "'fine'" in box.notes[0]  # it could be read at last, and is the same study
