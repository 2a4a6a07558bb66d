from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from appliance.drop import Limits
from appliance.inbox import LOOSE, Drops, is_temporary, scan
from runtime.codes import Code


def filled(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode())
    return root


def look(root: Path, limits: Limits = Limits()) -> Drops:  # noqa: B008  # frozen
    return scan(root, limits)


def test_folders_zips_and_loose_files(tmp_path: Path) -> None:
    drops = look(filled(tmp_path, "CT 1/a", "CT 1/deep/er/b", "two.ZIP", "x.dcm", "y.dcm", ".hidden", ".trash/z"))
    assert {name: [entry.path for entry in drop.entries] for name, drop in drops.items()} == {
        "CT 1": ["CT 1/a", "CT 1/deep/er/b"],
        "two.ZIP": ["two.ZIP"],
        LOOSE: ["x.dcm", "y.dcm"],
    }
    assert drops["CT 1"].folders == ("CT 1", "CT 1/deep", "CT 1/deep/er")
    assert all(drop.refusal is None and not drop.is_temporary for drop in drops.values())


def test_any_change_changes_the_fingerprint(tmp_path: Path) -> None:
    before = look(filled(tmp_path, "ct/a", "ct/b"))["ct"]
    assert look(tmp_path)["ct"] == before
    os.utime(tmp_path / "ct/a", ns=(1, 1))
    touched = look(tmp_path)["ct"]
    (tmp_path / "ct/b").unlink()
    assert len({before, touched, look(tmp_path)["ct"]}) == 3


@pytest.mark.parametrize(
    "name",
    ["IM1.part", "im.TMP", "a.filepart", "b.crdownload", ".~lock.a#", "~$a.doc", ".IM1.aB3dE9", ".syncthing.IM1.tmp"],
)
def test_names_of_copies_in_progress(tmp_path: Path, name: str) -> None:
    assert is_temporary(name)
    assert look(filled(tmp_path, "ct/a", f"ct/{name}"))["ct"].is_temporary
    beside = look(filled(tmp_path / "other", f"{name}/a", "x"))
    assert beside[LOOSE if name.startswith(".") else name].is_temporary


@pytest.mark.parametrize("name", ["IM1", "IM1.dcm", "I.123456", ".DS_Store", "Thumbs.db", "._1.2.840.123456"])
def test_ordinary_names(name: str) -> None:
    assert not is_temporary(name)


def test_the_marker(tmp_path: Path) -> None:
    assert look(filled(tmp_path, "ct/a", "ct/.complete"))["ct"].is_complete


def test_links_and_special_files_are_refused_and_never_followed(tmp_path: Path) -> None:
    inbox = filled(tmp_path / "inbox", "link/a", "fifo/a", "folder/a", "fine/a")
    filled(tmp_path / "secret", "b")
    (inbox / "link/b").symlink_to(tmp_path / "secret/b")
    (inbox / "folder/b").symlink_to(tmp_path / "secret")
    os.mkfifo(inbox / "fifo/b")
    drops = look(inbox)
    assert {name for name, drop in drops.items() if drop.refusal is Code.UNSAFE_FILES} == {"link", "fifo", "folder"}
    assert not any("secret" in entry.path for drop in drops.values() for entry in drop.entries)
    (inbox / "root").symlink_to(tmp_path / "secret")
    assert look(inbox)[LOOSE].refusal is Code.UNSAFE_FILES


def test_names_with_line_ends_are_refused(tmp_path: Path) -> None:
    assert look(filled(tmp_path, "ct/a\nb"))["ct"].refusal is Code.UNSAFE_FILES


def test_too_many_and_too_deep(tmp_path: Path) -> None:
    limits = Limits(files=3, depth=3)
    drops = look(filled(tmp_path, *(f"many/{number}" for number in range(4)), "deep/1/2/3/a", "fine/1/2/a"), limits)
    assert [name for name, drop in drops.items() if drop.refusal is Code.TOO_LARGE] == ["deep", "many"]


def test_an_inbox_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        look(tmp_path / "nowhere")


def test_hidden_names_and_what_windows_leaves_are_no_drops_in_the_root(tmp_path: Path) -> None:
    filled(tmp_path, ".~tmp~/a", ".IM1.aB3dE9", "Thumbs.db", "desktop.ini")
    assert look(tmp_path) == {}


def test_a_folder_that_is_named_like_the_drop_of_loose_files(tmp_path: Path) -> None:
    drops = look(filled(tmp_path, f"{LOOSE}/a", "b"))
    assert {name: [entry.path for entry in drop.entries] for name, drop in drops.items()} == {
        LOOSE: [f"{LOOSE}/a"],
        f"{LOOSE}_": ["b"],
    }
    assert all(drop.name == name for name, drop in drops.items())


def test_too_many_bytes(tmp_path: Path) -> None:
    drops = look(filled(tmp_path, "large/1234", "large/5", "fine/1234", "a longer name.zip"), Limits(unpacked_bytes=14))
    assert {name for name, drop in drops.items() if drop.refusal is Code.TOO_LARGE} == {"large", "a longer name.zip"}


@pytest.mark.parametrize(("number", "refusal"), [(errno.EIO, Code.UNREADABLE), (errno.ENOENT, None)])
def test_what_can_not_be_looked_at_is_not_what_has_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, refusal: Code | None
) -> None:
    filled(tmp_path, "ct/a", "ct/b", "fine/a", "c.zip")
    real = os.stat

    def failing(path: str, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        if path in ("b", "c.zip"):
            raise OSError(number, "")
        return real(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)

    monkeypatch.setattr("os.stat", failing)
    drops = look(tmp_path)
    assert drops["ct"].refusal is refusal
    assert drops["fine"].refusal is None
    assert ("c.zip" in drops) == (refusal is not None)


def test_a_refused_folder_differs_from_the_next_of_its_name(tmp_path: Path) -> None:
    limits = Limits(depth=1)
    before = look(filled(tmp_path, "DICOM/1/2/a"), limits)["DICOM"]
    (tmp_path / "DICOM").rename(tmp_path / ".old")
    after = look(filled(tmp_path, "DICOM/1/2/a"), limits)["DICOM"]
    assert before.refusal is after.refusal is Code.TOO_LARGE
    assert before != after
