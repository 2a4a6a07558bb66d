"""R11: a disk of any size from nothing to enough, in bytes or in files: nothing half shows, and all goes on later."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from appliance.disk import RESERVE_BYTES
from appliance.jobs import State
from appliance.publication import RESULT_BYTES
from tests.requirements import require_root
from tests.resilience.remains import in_inbox, jobs, left_behind, results, wrong_with
from tests.resilience.rig import Rig, rigged, write_drop
from tests.resilience.small_disk import EVERY, PAGE_BYTES, small_disk

ROUNDS = 5
ENOUGH = (RESULT_BYTES + 3 * RESERVE_BYTES) // PAGE_BYTES
STATE_PAGES, RESULT_PAGES = range(400, -1, -20 * EVERY)[::-1], (0, 16, RESERVE_BYTES // PAGE_BYTES + 40, ENOUGH)
STATE_INODES, RESULT_INODES = range(15, -1, -EVERY)[::-1], range(6)
"""From nothing to enough; what is enough at the end is asserted. Nothing is taken or analysed with less room than
it may need; test_full_disks.py fills the disks once a study has been taken.
"""


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    require_root("mount")
    with rigged() as rig:
        yield rig


def runs_out(rig: Rig, root: Path, place: str, pages: int | None, inodes: int | None) -> bool:
    """Whether there was too little room. Afterwards there is enough, and the study has its result."""
    write_drop(root)
    with small_disk(root / place, pages, inodes) as disk:
        rig.run(root, 1)
        found = results(root)
        assert all(not wrong_with(folder) for folder in found)
        disk.grow()  # the database can't even be looked at without a little room
        assert found or in_inbox(root) or jobs(root)
        assert rig.run(root, ROUNDS) == 0
        assert [wrong_with(folder) for folder in results(root)] == [""]
        assert [job.state for job in jobs(root) if job.state is not State.DUPLICATE] == [State.DONE]
        assert left_behind(root) == []
    shutil.rmtree(root)
    return not found


@pytest.mark.slow
@pytest.mark.parametrize(("place", "steps"), [("state", STATE_PAGES), ("results", RESULT_PAGES)])
def test_full_of_bytes_at_any_write(place: str, steps: Sequence[int], rig: Rig, tmp_path: Path) -> None:
    full = [runs_out(rig, tmp_path / "box", place, pages, None) for pages in steps]
    assert full[0]
    assert not full[-1]


@pytest.mark.slow
@pytest.mark.parametrize(("place", "steps"), [("state", STATE_INODES), ("results", RESULT_INODES)])
def test_full_of_files_at_any_write(place: str, steps: Sequence[int], rig: Rig, tmp_path: Path) -> None:
    full = [runs_out(rig, tmp_path / "box", place, None, inodes) for inodes in steps]
    assert full[0]
    assert not full[-1]
