"""What IT drops is installed or refused once, moved aside, and told of in a note."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from appliance.incoming import MOST_LOOKS, QUIET_SECONDS, Answer, Incoming
from appliance.trial import Measured
from runtime.errors import ConfigurationError, EngineError
from tests.appliance.test_updates import bring, chosen, nothing, toy_trial, updates
from tests.signed_bundles import OTHER_KEY, write_signed, zipped

NOW = datetime(2026, 1, 1, 13, 0, tzinfo=timezone.utc)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "incoming").mkdir()
    return tmp_path / "incoming"


def processed(folder: Path, pause: Callable[[], None] = nothing) -> list[Answer]:
    return list(Incoming(folder, updates(folder.parent, toy_trial), pause, lambda: NOW).process(nothing))


def left(folder: Path) -> Iterator[str]:
    return (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if not path.is_dir())


def test_a_bundle_is_installed_and_moved_aside_with_a_note(tmp_path: Path, folder: Path) -> None:
    shutil.copy(bring(tmp_path, 2), folder / "engines 2.zip")
    (answer,) = processed(folder)
    assert answer.exit_code == 0
    assert chosen(tmp_path) == ("toy", 2)
    assert list(left(folder)) == ["accepted/engines 2.zip", "accepted/engines 2.zip.txt"]
    note = (folder / "accepted/engines 2.zip.txt").read_text().splitlines()
    assert note[0] == "engines 2.zip, 2026-01-01 13:00: accepted"
    assert note[1] == answer.sentence
    assert note[2].startswith("What to do: nothing.")
    assert processed(folder) == []


def test_what_is_active_already_may_be_deleted(tmp_path: Path, folder: Path) -> None:
    brought = bring(tmp_path, 2)
    for name in ("first.zip", "again.zip"):
        shutil.copy(brought, folder / name)
        (answer,) = processed(folder)
        assert answer.exit_code == 0
    note = (folder / "accepted/again.zip.txt").read_text().splitlines()
    assert note[1] == "toy 2.0 (serial 2) is active already."
    assert note[2].startswith("What to do: nothing. This copy may be deleted")
    assert chosen(tmp_path) == ("toy", 2)


def test_what_is_refused(tmp_path: Path, folder: Path) -> None:
    shutil.copy(bring(tmp_path, 2, is_wrong=True), folder / "wrong.zip")
    shutil.copy(zipped(write_signed(tmp_path / "other", key=OTHER_KEY)), folder / "other.zip")
    (folder / "half.zip").write_bytes((folder / "other.zip").read_bytes()[:500])
    (folder / "letter.pdf").write_bytes(b"%PDF")
    (folder / "link.zip").symlink_to(folder / "other.zip")
    answers = {answer.name: answer for answer in processed(folder)}
    assert answers["wrong.zip"].exit_code == EngineError.exit_code
    for name, reason in (
        ("wrong.zip", "differ from the reference"),
        ("other.zip", "not signed by a key that this box trusts"),
        ("half.zip", "no zip, or not whole"),
        ("letter.pdf", "is no .zip"),
        ("link.zip", "is a link"),
    ):
        assert reason in answers[name].sentence
        note = (folder / f"refused/{name}.txt").read_text()
        assert answers[name].sentence in note
        assert "drop the bundle again" in note
        assert (folder / f"refused/{name}").is_symlink() or (folder / f"refused/{name}").is_file()
    assert chosen(tmp_path)[0] != "toy"


def test_of_several_the_newest_is_installed_and_no_other_is_tried(tmp_path: Path, folder: Path) -> None:
    for serial in (2, 10, 3):
        shutil.copy(bring(tmp_path, serial), folder)
    assert [(answer.name, answer.exit_code) for answer in processed(folder)] == [
        ("bundle10.zip", 0),
        ("bundle3.zip", 3),
        ("bundle2.zip", 3),
    ]
    assert chosen(tmp_path) == ("toy", 10)


def test_what_is_still_copied_and_what_is_no_file_stay(tmp_path: Path, folder: Path) -> None:
    whole = bring(tmp_path, 2).read_bytes()
    (folder / "slow.zip").write_bytes(whole[:100])
    (folder / ".hidden.zip").write_bytes(whole)
    (folder / "new.zip.part").write_bytes(whole)
    (folder / "notes.txt").write_text("mine")
    (folder / "unpacked").mkdir()

    def pause() -> None:
        with (folder / "slow.zip").open("ab") as file:
            file.write(whole[100:200])

    before = list(left(folder))
    (answer,) = processed(folder, pause)
    assert answer.sentence == "It is still being copied and was left alone."
    assert list(left(folder)) == before
    (folder / "slow.zip").write_bytes(whole)
    assert [answer.exit_code for answer in processed(folder)] == [0]


def test_a_copy_that_ends_while_it_is_looked_at_is_installed_by_the_same_run(tmp_path: Path, folder: Path) -> None:
    """Nothing would wake the next one."""
    whole = bring(tmp_path, 2).read_bytes()
    parts = iter([whole[:100], whole[100:1000], whole[1000:]])
    (folder / "slow.zip").touch()

    def pause() -> None:
        with (folder / "slow.zip").open("ab") as file:
            file.write(next(parts, b""))

    assert [answer.exit_code for answer in processed(folder, pause)] == [0]
    assert chosen(tmp_path) == ("toy", 2)


def test_what_comes_while_others_are_tried_is_installed_by_the_same_run(tmp_path: Path, folder: Path) -> None:
    later = [bring(tmp_path, 3)]
    shutil.copy(bring(tmp_path, 2), folder)

    def trial(bundle: Path, check: Callable[[], None]) -> Measured:
        while later:
            shutil.copy(later.pop(), folder)
        return toy_trial(bundle, check)

    answers = Incoming(folder, updates(tmp_path, trial), nothing, lambda: NOW).process(nothing)
    assert [(answer.name, answer.exit_code) for answer in answers] == [("bundle2.zip", 0), ("bundle3.zip", 0)]
    assert chosen(tmp_path) == ("toy", 3)


def test_a_file_that_never_stops_changing_holds_up_nothing_for_ever(tmp_path: Path, folder: Path) -> None:
    (folder / "endless.zip").touch()
    shutil.copy(bring(tmp_path, 2), folder)
    pauses = list[None]()

    def pause() -> None:
        pauses.append(None)
        with (folder / "endless.zip").open("ab") as file:
            file.write(b"x")

    answers = {answer.name: answer for answer in processed(folder, pause)}
    assert "still being copied" in answers["endless.zip"].sentence
    assert chosen(tmp_path) == ("toy", 2)
    assert len(pauses) == MOST_LOOKS
    assert MOST_LOOKS * QUIET_SECONDS == 300


def test_the_same_name_twice_keeps_both(folder: Path) -> None:
    for number in range(2):
        (folder / "x.zip").write_text(f"{number}")
        processed(folder)
    assert list(left(folder)) == ["refused/x.zip", "refused/x.zip.txt", "refused/x_2.zip", "refused/x_2.zip.txt"]


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere can't be used: No such file"):
        processed(tmp_path / "nowhere")


def test_what_could_not_be_moved_aside_is_not_tried_again_and_again(tmp_path: Path, folder: Path) -> None:
    (folder / "refused").write_bytes(b"")  # no folder can be made, as on a share that may only be read
    shutil.copy(bring(tmp_path, 2), folder / "engines.zip")
    with pytest.raises(ConfigurationError, match="can't be used"):
        processed(folder)
    assert chosen(tmp_path)[0] != "toy"
