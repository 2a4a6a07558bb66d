from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.jobs import State
from appliance.settings import Watch
from appliance.shares import Shares
from tests.appliance.box import Box, open_box
from tests.memory_service import write_study

WAITS = ("sh", "-c", 'while [ -e "$0" ]; do sleep 0.05; done')
"""An asker that hangs while its folder's share does, which is as long as there is the folder."""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with open_box(tmp_path / "box") as box:
        yield box


def nothing() -> None:
    """Nobody asks for the end."""


def ended(shares: Shares) -> None:
    """Those who ask have an answer."""
    for asking in shares._asking.values():
        asking.wait(10)


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [vars(record)["event"] for record in caplog.records]


def test_local_folders_are_not_asked(tmp_path: Path) -> None:
    assert Shares({"inbox": tmp_path}, ask=("false",)).answer(nothing)


def test_a_share_that_answers(tmp_path: Path) -> None:
    shares = Shares({"inbox": tmp_path}, is_share=lambda _: True)
    assert shares.answer(nothing)
    assert shares.answer(nothing)
    assert shares.away == {}


def test_a_share_that_hangs_costs_one_wait_and_is_back_at_the_next_look(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "inbox").mkdir()
    shares = Shares({"inbox": tmp_path / "inbox"}, is_share=lambda _: True, ask=WAITS, seconds=0.5)
    signs: list[None] = []
    assert not shares.answer(lambda: signs.append(None))
    assert len(signs) >= 3  # it lives while it waits
    assert shares.away == {"inbox": "does not answer"}
    signs.clear()
    assert not shares.answer(lambda: signs.append(None))
    assert signs == []
    (tmp_path / "inbox").rmdir()
    ended(shares)
    assert shares.answer(nothing)
    assert events(caplog) == ["share away", "share back"]
    assert str(tmp_path) not in caplog.text


def test_a_share_whose_server_is_gone(tmp_path: Path) -> None:
    shares = Shares({"inbox": tmp_path / "gone"}, is_share=lambda _: True)
    assert not shares.answer(nothing)
    assert shares.away == {"inbox": "answers with an error"}


def test_a_share_that_is_not_mounted_any_more_is_not_empty(tmp_path: Path) -> None:
    mounted = [True]
    shares = Shares({"inbox": tmp_path}, is_share=lambda _: mounted[0])
    mounted[0] = False
    assert not shares.answer(nothing)
    assert shares.away == {"inbox": "is not mounted"}
    mounted[0] = True
    assert shares.answer(nothing)


def test_a_share_that_is_not_mounted_at_the_start_is_known_from_before(tmp_path: Path) -> None:
    folders = {"inbox": tmp_path / "inbox", "results": tmp_path / "results"}
    Shares(folders, tmp_path, is_share=lambda folder: folder.name == "results")
    after_the_boot = Shares(folders, tmp_path, is_share=lambda _: False)
    assert not after_the_boot.answer(nothing)
    assert after_the_boot.away == {"results": "is not mounted"}
    moved = {**folders, "results": tmp_path / "elsewhere"}
    assert Shares(moved, tmp_path, is_share=lambda _: False).answer(nothing)
    (tmp_path / "results.share").unlink()  # as docs/it.md says
    assert Shares(folders, tmp_path, is_share=lambda _: False).answer(nothing)


def test_it_ends_with_whoever_asks(tmp_path: Path) -> None:
    class Asked(Exception):
        pass

    def end() -> None:
        raise Asked

    (tmp_path / "inbox").mkdir()
    shares = Shares({"inbox": tmp_path / "inbox"}, is_share=lambda _: True, ask=WAITS)
    with pytest.raises(Asked):
        shares.answer(end)
    (tmp_path / "inbox").rmdir()
    ended(shares)


def test_while_the_results_are_away_nothing_is_analysed(box: Box) -> None:
    write_study(box.inbox / "CT", 1)
    box.look(4)
    shares = Shares({"results": box.results}, is_share=lambda _: True, ask=("false",))
    worker = box.new_worker(shares=shares)
    for step in worker.steps(box.stop):
        step()
    assert box.jobs.any_ready()
    assert box.documents == {}
    box.worker = box.new_worker()
    box.settle()
    assert len(box.documents) == 1


def test_while_the_inbox_is_away_nothing_is_taken_and_metrics_say_it(box: Box, tmp_path: Path) -> None:
    write_study(box.inbox / "CT", 1)
    mounted = [True]
    shares = Shares(dict(box.settings.folders), is_share=lambda _: mounted[0])
    metrics = tmp_path / "metrics"
    metrics.mkdir()
    box.settings = box.settings.model_copy(update={"watch": Watch(metrics=metrics)})
    box.intake = box.new_intake(shares=shares)
    mounted[0] = False
    box.look(4)
    assert box.jobs.of(*State) == []
    assert "strokebox_shares_away 3.0" in (metrics / "strokebox.prom").read_text().splitlines()
    mounted[0] = True
    box.settle()
    assert len(box.documents) == 1
