from __future__ import annotations

import os
import resource
import zipfile
from pathlib import Path

import numpy as np
import pytest

from appliance.drop import Limits, clean_name, drop_name, open_drop
from runtime.codes import Code
from runtime.errors import ConfigurationError, StudyRejected, UsageError

SMALL = Limits(files=5, depth=3, unpacked_bytes=1000)


def rejection(path: Path, scratch: Path) -> Code:
    with pytest.raises(StudyRejected) as caught:
        open_drop(path, scratch, SMALL)
    return caught.value.code


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    (tmp_path / "drop").mkdir()
    return tmp_path / "drop"


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


def archive(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in entries.items():
            zipped.writestr(name, content)
    return path


def test_nested_files_are_found_whatever_their_names(drop: Path, scratch: Path) -> None:
    (drop / "a/b").mkdir(parents=True)
    (drop / "a/b/IM000001").write_bytes(b"1")
    (drop / "new\nline.exe").write_bytes(b"2")
    assert [path.read_bytes() for path in open_drop(drop, scratch, SMALL)] == [b"1", b"2"]
    assert open_drop(drop / "a/b/IM000001", scratch, SMALL) == [drop / "a/b/IM000001"]


def test_a_zip_is_unpacked_under_our_own_names(drop: Path, scratch: Path) -> None:
    path = archive(drop / "x.zip", {"../../evil": b"1", "/abs": b"2", "same/": b"", "same/file": b"3"})
    files = open_drop(path, scratch, SMALL)
    assert [file.read_bytes() for file in files] == [b"1", b"2", b"3"]
    assert {file.parent for file in files} == {scratch}


def test_links_and_special_files_are_refused(drop: Path, scratch: Path) -> None:
    (drop / "link").symlink_to("/etc/hostname")
    assert rejection(drop, scratch) is Code.UNSAFE_FILES
    (drop / "link").unlink()
    os.mkfifo(drop / "pipe")
    assert rejection(drop, scratch) is Code.UNSAFE_FILES


def test_a_link_in_a_zip_is_refused(drop: Path, scratch: Path) -> None:
    entry = zipfile.ZipInfo("link")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(drop / "x.zip", "w") as zipped:
        zipped.writestr(entry, "/etc/hostname")
    assert rejection(drop / "x.zip", scratch) is Code.UNSAFE_FILES


def test_limits_hold_before_anything_is_written_beyond_them(drop: Path, scratch: Path) -> None:
    assert rejection(archive(drop.parent / "bomb.zip", {"zeros": bytes(100_000)}), scratch) is Code.TOO_LARGE
    assert sum(file.stat().st_size for file in scratch.iterdir()) <= SMALL.unpacked_bytes
    assert rejection(archive(drop.parent / "many.zip", {str(n): b"" for n in range(6)}), scratch) is Code.TOO_LARGE
    for number in range(6):
        (drop / str(number)).write_bytes(b"")
    assert rejection(drop, scratch) is Code.TOO_LARGE


def test_depth_is_limited(drop: Path, scratch: Path) -> None:
    (drop / "1/2/3").mkdir(parents=True)
    assert rejection(drop, scratch) is Code.TOO_LARGE


def test_broken_and_encrypted_archives_are_named(drop: Path, scratch: Path) -> None:
    path = archive(drop / "x.zip", {"file": b"content"})
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    assert rejection(path, scratch) is Code.BAD_ARCHIVE
    # set bit 0 of the general purpose flags in the local and the central header
    locked = bytearray(whole)
    locked[6] |= 1
    locked[whole.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(locked)
    assert rejection(path, scratch) is Code.BAD_ARCHIVE


def test_what_is_not_there_is_a_usage_error(drop: Path, scratch: Path) -> None:
    with pytest.raises(UsageError, match="no folder or file"):
        open_drop(drop / "nothing", scratch, SMALL)


def test_results_are_named_after_the_drop(tmp_path: Path) -> None:
    assert drop_name(tmp_path / "CT 17.zip") == "CT 17"
    assert drop_name(tmp_path / "CT.17") == "CT.17"


def test_what_other_programs_leave_behind_is_passed_over(drop: Path, scratch: Path) -> None:
    for name in (".complete", "._IM0001"):
        (drop / name).write_bytes(b"")
    (drop / "IM0001").write_bytes(b"1")
    assert [path.name for path in open_drop(drop, scratch, SMALL)] == ["IM0001"]
    path = archive(drop.parent / "x.zip", {"__MACOSX/._IM0001": b"", "IM0001": b"1"})
    assert [path.read_bytes() for path in open_drop(path, scratch, SMALL)] == [b"1"]


def test_unusual_compression_is_refused(drop: Path, scratch: Path) -> None:
    with zipfile.ZipFile(drop / "x.zip", "w", zipfile.ZIP_LZMA) as zipped:
        zipped.writestr("file", b"content" * 100)
    assert rejection(drop / "x.zip", scratch) is Code.BAD_ARCHIVE


def test_mutated_archives_are_told_and_never_escape(drop: Path, tmp_path: Path) -> None:
    original = archive(drop / "x.zip", {str(k): bytes([k]) * 50 for k in range(4)}).read_bytes()
    rng = np.random.default_rng(1)
    coded = 0
    for number in range(500):
        mutant = bytearray(original)
        for place in rng.integers(0, len(mutant), 3):
            mutant[place] = rng.integers(256)
        (tmp_path / "mutant.zip").write_bytes(mutant)
        folder = tmp_path / f"scratch{number}"
        folder.mkdir()
        try:
            open_drop(tmp_path / "mutant.zip", folder, SMALL)
        except StudyRejected:
            coded += 1
    assert coded > 100


def test_zips_beside_other_files_are_unpacked_too(drop: Path, scratch: Path) -> None:
    archive(drop / "a.ZIP", {"1": b"1"})
    archive(drop / "b.zip", {"2": b"2"})
    archive(drop / "viewer.jar", {"Main.class": b"code"})
    (drop / "Thumbs.db").write_bytes(b"3")
    files = open_drop(drop, scratch, SMALL)
    assert sorted(path.read_bytes()[:2] for path in files) == [b"1", b"2", b"3", b"PK"]
    archive(drop / "b.zip", {str(number): b"" for number in range(3)})
    assert rejection(drop, drop.parent) is Code.TOO_LARGE  # two beside the zips, and four in them


@pytest.mark.parametrize("size", [100, 3_000_000])
def test_a_full_disk_is_no_fault_of_the_archive(drop: Path, scratch: Path, size: int) -> None:
    path = archive(drop / "x.zip", {"file": bytes(size)})
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50, hard))
    try:
        with pytest.raises(ConfigurationError, match="temporary folder"):
            open_drop(path, scratch, Limits())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def test_a_folder_that_takes_no_files_is_no_fault_of_the_archive(drop: Path) -> None:
    path = archive(drop / "x.zip", {"file": b"content"})
    with pytest.raises(ConfigurationError, match="temporary folder"):
        open_drop(path, drop / "missing", SMALL)


def test_a_very_long_name_still_fits_a_folder(tmp_path: Path) -> None:
    assert len(drop_name(tmp_path / ("ü" * 120)).encode()) <= 180
    undecodable = clean_name(os.fsdecode(b"\xcf\xe5\xf2" * 32))
    assert len(undecodable.encode()) <= 180
    assert undecodable == "\ufffd" * 60


def test_what_an_archive_claims_is_looked_at_before_anything_is_unpacked(drop: Path, scratch: Path) -> None:
    limits = Limits(unsuspicious_bytes=10_000, expansion=20)
    assert len(open_drop(archive(drop / "x.zip", {"IM": bytes(10_000)}), scratch, limits)) == 1
    (scratch / "000000").unlink()
    path = archive(drop / "x.zip", {"IM": bytes(10_001)})
    with pytest.raises(StudyRejected, match="far more than any images"):
        open_drop(path, scratch, limits)
    assert list(scratch.iterdir()) == []
    path = archive(drop / "x.zip", {"IM": os.urandom(20_000)})
    assert len(open_drop(path, scratch, limits)) == 1


def test_a_pipe_as_the_drop_is_refused_unopened(drop: Path, scratch: Path) -> None:
    os.mkfifo(drop / "pipe")
    assert rejection(drop / "pipe", scratch) is Code.UNSAFE_FILES
