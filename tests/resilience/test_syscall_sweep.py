"""R8, R9: killed, or failed by the disk, at any system call from inbox to result, a study has its one whole result."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.jobs import State
from tests.requirements import require_root
from tests.resilience.faults import CALLS, Call, traced
from tests.resilience.remains import in_inbox, jobs, left_behind, results, wrong_with
from tests.resilience.rig import Rig, rigged, write_drop

ROUNDS = 5


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    require_root("strace")
    with rigged() as rig:
        yield rig


@pytest.fixture(scope="module")
def calls(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    """What a box does that nothing happens to."""
    root = tmp_path_factory.mktemp("whole")
    write_drop(root)
    status, calls = traced(rig, root, 1, root / "log")
    assert status == 0
    assert [wrong_with(folder) for folder in results(root)] == [""]
    return calls


def assert_one_result(root: Path) -> None:
    assert [wrong_with(folder) for folder in results(root)] == [""]
    assert [job.state for job in jobs(root) if job.state is not State.DUPLICATE] == [State.DONE]
    assert left_behind(root) == []


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_drop(tmp_path / "original")
    return tmp_path


def fresh(root: Path, name: str) -> Path:
    shutil.copytree(root / "original", root / name)
    return root / name


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_killed_at_every_call_it_recovers(name: str, rig: Rig, calls: list[Call], root: Path) -> None:
    count = sum(call.name == name for call in calls)
    assert count > 0
    for at in range(1, count + 1):
        box = fresh(root, str(at))
        status, before = traced(rig, box, 1, box / "log", f"{name}:signal=KILL:when={at}")
        assert status == -signal.SIGKILL, (name, at)
        assert all(not wrong_with(folder) for folder in results(box)), before[-1]
        assert rig.run(box, ROUNDS) == 0
        assert_one_result(box)
        shutil.rmtree(box)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fsync", "fdatasync"])
def test_what_the_disk_did_not_take_is_never_taken_for_done(name: str, rig: Rig, calls: list[Call], root: Path) -> None:
    for at in range(1, sum(call.name == name for call in calls) + 1):
        box = fresh(root, str(at))
        _, done = traced(rig, box, 1, box / "log", f"{name}:error=EIO:when={at}")
        (failed,) = (call for call in done if call.is_injected)
        assert all(not wrong_with(folder) for folder in results(box)), failed
        cleared = any(call.name == "unlinkat" and "/inbox/" in call.words for call in done[: done.index(failed)])
        if "/spool" in failed.words and not cleared:
            assert in_inbox(box), failed
        if "/results" in failed.words:
            assert State.DONE not in [job.state for job in jobs(box)], failed
        for job in jobs(box):
            assert job.state is not State.DONE or results(box), failed
        assert rig.run(box, ROUNDS) == 0, failed
        assert_one_result(box)
        shutil.rmtree(box)


@pytest.mark.slow
def test_a_result_that_a_killed_process_left_is_flushed_before_it_counts(
    rig: Rig, calls: list[Call], root: Path
) -> None:
    (flush,) = (call for call in calls if call.name == "fsync" and call.words.endswith("/results>"))
    box = fresh(root, "box")
    traced(rig, box, 1, box / "log", f"fsync:signal=KILL:when={flush.at}")
    assert len(results(box)) == 1
    status, recovering = traced(rig, box, ROUNDS, box / "log")
    assert status == 0
    assert any(call.name == "fsync" and call.words.endswith("/results>") for call in recovering)
    assert_one_result(box)
