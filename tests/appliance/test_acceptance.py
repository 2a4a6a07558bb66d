from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from appliance.acceptance import FILES, Taken, Unfinished, clear, load_taken, take
from appliance.drop import Limits
from appliance.inbox import Drop, scan


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    for path, content in {"ct/a": b"AA", "ct/in/b": b"B" * 3_000_000, "ct/.DS_Store": b"junk"}.items():
        (tmp_path / "inbox" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "inbox" / path).write_bytes(content)
    return tmp_path / "inbox"


def seen(inbox: Path) -> Drop:
    return scan(inbox, Limits())["ct"]


def taken(inbox: Path, drop: Drop | None = None) -> tuple[Path, Taken]:
    spool = inbox.parent / "spool/job"
    return spool, take(inbox, drop or seen(inbox), spool, is_partial=False, check=lambda: None)


def test_content_and_hashes_and_nothing_of_the_names(inbox: Path) -> None:
    spool, took = taken(inbox)
    kept = {path: path.read_bytes() for path in (spool / FILES).iterdir()}
    assert sorted(kept.values()) == [b"AA", b"B" * 3_000_000]
    assert took.digests(spool) == {path: hashlib.sha256(content).hexdigest() for path, content in kept.items()}
    assert not any(name in path.name for path in kept for name in ("a", "b"))
    assert load_taken(spool) == took
    assert (inbox / "ct/a").exists()


@pytest.mark.parametrize("name", ["ct/a", "ct/in/b"])
def test_a_newest_file_that_is_not_filled_yet_is_unfinished(inbox: Path, name: str) -> None:
    path = inbox / name
    path.write_bytes(bytes(5000))
    os.utime(path, ns=(0, 10**19 // 4))
    with pytest.raises(Unfinished):
        taken(inbox)
    take(inbox, seen(inbox), inbox.parent / "spool/late", is_partial=True, check=lambda: None)


def test_zeros_at_the_end_or_in_an_older_file_are_not_waited_for(inbox: Path) -> None:
    (inbox / "ct/old").write_bytes(bytes(5000))
    os.utime(inbox / "ct/old", ns=(0, 0))
    (inbox / "ct/new").write_bytes(bytes(128) + b"DICM" + bytes(5000))
    assert len(taken(inbox)[1].sources) == 5


def test_names_that_are_not_utf_8_come_back_as_they_were(inbox: Path) -> None:
    (inbox / os.fsdecode(b"ct/\xff%FF\\xff")).write_bytes(b"CC")
    spool, took = taken(inbox)
    assert load_taken(spool) == took
    clear(inbox, load_taken(spool))
    assert list(inbox.iterdir()) == []


def test_a_record_of_another_form(tmp_path: Path) -> None:
    (tmp_path / "drop.json").write_text('{"name": "ct"}')
    with pytest.raises(ValueError, match="another form"):
        load_taken(tmp_path)


def test_what_is_hidden_is_kept_but_for_litter_without_images(inbox: Path) -> None:
    dicom = bytes(128) + b"DICM"
    for path, content in {".data/IM1": b"hidden", "._IM1": b"litter", "._IM2": dicom}.items():
        (inbox / "ct" / path).parent.mkdir(exist_ok=True)
        (inbox / "ct" / path).write_bytes(content)
    spool, took = taken(inbox)
    kept = [path.read_bytes() for path in (spool / FILES).iterdir()]
    assert sorted(kept) == sorted([b"AA", b"B" * 3_000_000, b"hidden", dicom])
    assert clear(inbox, took) == 0
    assert list(inbox.iterdir()) == []


def test_a_zip_is_still_told_by_its_name(inbox: Path) -> None:
    (inbox / "x.zip").write_bytes(b"no zip")
    spool, _ = taken(inbox, scan(inbox, Limits())["x.zip"])
    assert [path.suffix for path in (spool / FILES).iterdir()] == [".zip"]


def test_what_was_taken_is_removed_and_what_came_later_stays(inbox: Path) -> None:
    _, took = taken(inbox)
    (inbox / "ct/late").write_bytes(b"late")
    (inbox / "ct/a").write_bytes(b"changed")
    clear(inbox, took)
    assert sorted(path.name for path in (inbox / "ct").iterdir()) == ["a", "late"]
    clear(inbox, took)  # safe to repeat
    assert (inbox / "ct/a").read_bytes() == b"changed"


def test_an_emptied_drop_is_gone(inbox: Path) -> None:
    _, took = taken(inbox)
    clear(inbox, took)
    assert list(inbox.iterdir()) == []


def test_a_file_that_changed_since_it_was_seen(inbox: Path) -> None:
    drop = seen(inbox)
    (inbox / "ct/a").write_bytes(b"AAA")
    with pytest.raises(Unfinished):
        taken(inbox, drop)


def test_a_file_that_somebody_still_writes(inbox: Path) -> None:
    drop = seen(inbox)
    with (inbox / "ct/a").open("r+b"), pytest.raises(Unfinished):
        taken(inbox, drop)


@pytest.mark.parametrize("replaced", ["ct/a", "ct/in"])
def test_links_put_there_meanwhile_are_not_followed(inbox: Path, replaced: str) -> None:
    drop = seen(inbox)
    secret = inbox.parent / "secret"
    (inbox / replaced).rename(secret)
    (inbox / replaced).symlink_to(secret)
    with pytest.raises(Unfinished):
        taken(inbox, drop)


def test_links_put_there_meanwhile_are_not_followed_when_clearing(inbox: Path) -> None:
    _, took = taken(inbox)
    elsewhere = inbox.parent / "elsewhere"
    (inbox / "ct/in").rename(elsewhere)
    (inbox / "ct/in").symlink_to(elsewhere)
    clear(inbox, took)
    assert (elsewhere / "b").exists()


def test_a_fifo_put_there_meanwhile_does_not_hang(inbox: Path) -> None:
    drop = seen(inbox)
    (inbox / "ct/a").unlink()
    os.mkfifo(inbox / "ct/a")
    with pytest.raises(Unfinished):
        taken(inbox, drop)


def test_the_check_can_end_it(inbox: Path) -> None:
    def check() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take(inbox, seen(inbox), inbox.parent / "spool/job", is_partial=False, check=check)


def test_a_large_file_is_no_reason_to_fall_silent(inbox: Path) -> None:
    (inbox / "ct/in/b").write_bytes(b"B" * (20 << 20))
    signs: list[None] = []
    take(inbox, seen(inbox), inbox.parent / "spool/job", is_partial=False, check=lambda: signs.append(None))
    assert len(signs) >= 20
