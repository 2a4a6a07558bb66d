from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.disk import Room
from appliance.jobs import Jobs
from appliance.metrics import NAME, Sight, metrics, write_metrics
from appliance.service import RoleName
from appliance.settings import Watch
from appliance.status import _health
from runtime.count import counted
from tests.appliance.box import open_box
from tests.memory_service import write_study

LINE = re.compile(
    r'strokebox_[a-z_]+(\{[a-z0-9_]+="([^"\\\n]|\\[\\n"])*"(,[a-z0-9_]+="([^"\\\n]|\\[\\n"])*")*\})? [0-9.e+-]+'
)
"""A sample, as in https://prometheus.io/docs/instrumenting/exposition_formats/."""


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    jobs = Jobs(tmp_path / "jobs.sqlite")
    yield jobs
    jobs.close()


def text_of(jobs: Jobs, now: float, software: str = "1") -> str:
    return metrics(
        Sight(now, software, jobs.counts(), "", {"state": Room(100, 40, 0, 0)}, {}, 1800.0, is_fallback=True)
    )


def done(jobs: Jobs, name: str, finished: float, outcome: str, code: str | None, call: str | None = None) -> None:
    jobs.receive(name, f"CANARY {name}", finished - 60, 1)
    jobs.read(name, name, "", "")
    jobs.claim("worker")
    stages = {"read": 1.5, "infer": 2.0} if call else {"read": 1.0}
    jobs.finish(name, outcome, code, finished, 3.5, call, stages, "ab12" if call else None)


def test_what_it_says(jobs: Jobs) -> None:
    done(jobs, "a", 1000.0, "completed", None, "IH")
    done(jobs, "b", 2000.0, "completed", None, "IH")
    done(jobs, "c", 3000.0, "rejected", "NOT_HEAD")
    jobs.receive("d", "CANARY d", 2500.0, 1)
    jobs.begin("d")
    jobs.begin("d")
    text = text_of(jobs, 4801.0)
    for line in (
        'strokebox_queue{state="received"} 1.0',
        'strokebox_queue{state="ready"} 0.0',
        'strokebox_results_total{status="completed",call="IH"} 2.0',
        'strokebox_results_total{status="rejected",code="NOT_HEAD"} 1.0',
        'strokebox_stage_seconds_sum{stage="infer"} 4.0',
        'strokebox_stage_seconds_sum{stage="read"} 4.0',
        'strokebox_stage_seconds_count{stage="read"} 3.0',
        'strokebox_engines_info{manifest_sha256="ab12"} 1.0',
        "strokebox_last_success_timestamp_seconds 2000.0",
        'strokebox_disk_free_bytes{folder="state"} 40.0',
        "strokebox_attempts 2.0",
        "strokebox_engines_fallback 1.0",
        "strokebox_no_progress_seconds 1801.0",
        "strokebox_stalled 1.0",
    ):
        assert line in text.splitlines()
    assert "CANARY" not in text


def test_every_line_is_prometheus(jobs: Jobs) -> None:
    done(jobs, "a", 1000.0, "completed", None, "IH")
    for line in text_of(jobs, 1.0, 'a "quoted" \\ one\n').splitlines():
        assert line.startswith(("# HELP strokebox_", "# TYPE strokebox_")) or LINE.fullmatch(line)


def test_no_progress_counts_only_while_studies_wait(jobs: Jobs) -> None:
    assert jobs.counts().stalled_seconds(1e9) == 0
    done(jobs, "a", 1000.0, "completed", None, "IH")
    assert jobs.counts().stalled_seconds(1e9) == 0
    jobs.receive("b", "b", 5000.0, 1)
    assert jobs.counts().stalled_seconds(5060.0) == 60
    assert jobs.counts().stalled_seconds(0.0) == 0  # a clock that was set back


def test_the_file_is_replaced_whole_and_others_may_read_it(tmp_path: Path) -> None:
    write_metrics(tmp_path, "a 1\n")
    write_metrics(tmp_path, "a 2\n")
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert (tmp_path / NAME).read_text() == "a 2\n"
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o644


def test_the_intake_writes_it(tmp_path: Path) -> None:
    (tmp_path / "prom").mkdir()
    with open_box(tmp_path / "box") as box:
        box.settings = box.settings.model_copy(update={"watch": Watch(metrics=tmp_path / "prom")})
        box.intake = box.new_intake()
        write_study(box.inbox / "CT 1", 1)
        box.settle()
        box.seconds += 100
        box.look()
    text = (tmp_path / "prom" / NAME).read_text()
    assert 'strokebox_results_total{status="completed",call="IH"} 1.0' in text
    assert 'strokebox_stage_seconds_count{stage="read"} 1.0' in text


def test_status_says_it() -> None:
    assert _health([], 1, 31, 30) == f"NO PROGRESS for {counted(31, 'minute')} while studies wait"
    assert _health([], 1, 29, 30) == "studies come out"
    assert _health([], 0, 0, 30) == "nothing waits"
    assert _health([RoleName.WORKER], 1, 31, 30) == "NO WORKER RUNS: start the service"
    assert _health(list(RoleName), 1, 31, 30) == "NOTHING RUNS: start the service"
