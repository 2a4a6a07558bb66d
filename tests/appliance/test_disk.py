from __future__ import annotations

from pathlib import Path

import pytest

from appliance.disk import RESERVE, RESERVE_BYTES, DiskGuard, Reserve, Room

GB = 10**9


@pytest.mark.parametrize(
    ("room", "percent", "largest", "expected"),
    [
        (Room(100 * GB, 11 * GB, 0, 0), 10, GB, ""),
        (Room(100 * GB, 9 * GB, 0, 0), 10, GB, "9.0 GB free, 10.0 GB needed"),
        (Room(100 * GB, 11 * GB, 0, 0), 10, 6 * GB, "11.0 GB free, 12.0 GB needed"),
        (Room(100 * GB, 11 * GB, 1000, 99), 10, 0, "room for 99 files, 100 needed"),
        (Room(100 * GB, 11 * GB, 1000, 100), 10, 0, ""),
        (Room(10**7, 10**5, 0, 0), 10, 0, "0.1 MB free, 1.0 MB needed"),
        (Room(0, 0, 0, 0), 10, GB, ""),  # a share that doesn't say
    ],
)
def test_what_is_missing(room: Room, percent: float, largest: int, expected: str) -> None:
    assert room.missing(percent, largest) == expected


def test_a_folder_that_is_away_is_not_full(tmp_path: Path) -> None:
    guard = DiskGuard({"state": tmp_path, "results": tmp_path / "away"}, 0)
    assert guard.shortage(0) == ""
    assert guard.shortage(1 << 60).startswith("state: ")
    assert "results" not in guard.shortage(1 << 60)


def test_the_reserve_is_real_room_and_comes_back(tmp_path: Path) -> None:
    reserve = Reserve.beside(tmp_path, tmp_path)
    assert not reserve.give_up()
    reserve.keep()
    reserve.keep()
    assert (tmp_path / RESERVE).stat().st_blocks * 512 >= RESERVE_BYTES
    assert reserve.give_up()
    assert not (tmp_path / RESERVE).exists()
