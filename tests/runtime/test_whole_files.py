from __future__ import annotations

from pathlib import Path
from threading import Barrier, Thread

import pytest

from runtime.whole_files import write_whole


def test_it_replaces_what_was_there(tmp_path: Path) -> None:
    for content in (b"first", b"second, longer", b""):
        write_whole(tmp_path / "file", content)
        assert (tmp_path / "file").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_where_it_fails_what_was_there_stays_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(tmp_path / "file", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_two_writers_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    contents, barrier = [bytes([number]) * 1_000_000 for number in range(4)], Barrier(4)

    def write(content: bytes) -> None:
        barrier.wait()
        write_whole(tmp_path / "file", content)

    threads = [Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "file").read_bytes() in contents
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
