from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from appliance.audit import Audit, verify
from appliance.cli import main
from appliance.jobs import Job, Jobs, State
from appliance.retention import DAY, Kept, Retention, doomed
from appliance.settings import RetentionSettings, Settings

NOW = 1_800_000_000.0


class Site:
    """A box with results of known ages."""

    def __init__(self, root: Path, **rules: float) -> None:
        for name in ("inbox", "results", "state", "state/spool"):
            (root / name).mkdir()
        folders = {name: root / name for name in ("inbox", "results", "state")}
        self.settings = Settings.model_validate({"folders": folders, "retention": rules})
        self.results, self.spool = root / "results", root / "state/spool"
        self.audit = root / "state/audit.jsonl"
        self.jobs = Jobs(root / "state/jobs.sqlite")

    def result(self, job: str, days: float, outcome: str = "completed", size: int = 1000) -> None:
        finished = NOW - days * DAY
        folder = self.results / f"CANARY {job}__key"
        self.jobs.receive(job, f"CANARY {job}", finished, 10)
        self.jobs.read(job, f"key{job}", "", "")
        self.jobs.name(job, folder.name)
        self.jobs.finish(job, outcome, None, finished, 1.0)
        folder.mkdir()
        (folder / "result.json").write_text("{}")
        (folder / "report.pdf").write_bytes(bytes(size))
        os.utime(folder, (finished, finished))

    def run(self, now: float = NOW) -> list[str]:
        return list(Retention(self.settings, self.jobs, Audit(self.audit, lambda: now), now).run(lambda: None))

    @property
    def there(self) -> list[str]:
        return sorted(path.name.split()[1].split("__")[0] for path in self.results.iterdir())


def test_old_results_go_and_each_is_told_and_recorded(tmp_path: Path) -> None:
    site = Site(tmp_path, results_days=60)
    site.result("old", 61)
    site.result("new", 59)
    assert "nothing is deleted" in site.run(NOW - DAY)[0]
    assert site.there == ["new", "old"]
    assert site.run() == ["deleted the result of job old, 61 days old, 0.0 MB"]
    assert site.there == ["new"]
    entry = json.loads(site.audit.read_text())
    assert (entry["event"], entry["job"], entry["what"], entry["days"]) == ("deleted", "old", "result", 61.0)
    assert "CANARY" not in site.audit.read_text()
    assert verify(site.audit).lines == 1
    assert site.run(NOW + 1) == []


def test_what_may_be_unread_stays_however_full_it_is() -> None:
    rules = RetentionSettings(results_days=10, results_gigabytes=1e-6, unread_days=30)
    kept = [Kept(job(number), number * DAY, 1000) for number in (1, 29, 31, 40)]
    assert [one.age / DAY for one in doomed(kept, rules)] == [40, 31]


def test_the_oldest_go_until_the_rest_fits() -> None:
    rules = RetentionSettings(results_gigabytes=2.5e-6, unread_days=1)
    kept = [Kept(job(number), number * DAY, 1000) for number in (5, 4, 3, 2)]
    assert [one.age / DAY for one in doomed(kept, rules)] == [5, 4]
    assert doomed(kept, RetentionSettings()) == []


def job(number: int) -> Job:
    words = dict.fromkeys(Job.__slots__)
    return Job(**{**words, "id": str(number), "state": State.DONE})  # type: ignore[arg-type]  # no other field is read


def test_what_waits_stays_and_so_does_what_nobody_knows(tmp_path: Path) -> None:
    site = Site(tmp_path, results_days=60, evidence_days=60)
    for number, state in enumerate((State.RECEIVED, State.READY, State.WORKING)):
        name = f"waits{number}"
        site.jobs.receive(name, name, NOW - 900 * DAY, 10)
        if state is not State.RECEIVED:
            site.jobs.read(name, name, "", "", "worker" if state is State.WORKING else None)
        (site.spool / name).mkdir()
        (site.results / f"CANARY {name}").mkdir()
        site.jobs.name(name, f"CANARY {name}")
        (site.results / f"CANARY {name}/result.json").write_text("{}")
    (site.results / "CANARY theirs").mkdir()
    os.utime(site.results / "CANARY theirs", (0, 0))
    site.run(NOW - DAY)
    assert site.run() == []
    assert site.there == ["theirs", "waits0", "waits1", "waits2"]
    assert len(list(site.spool.iterdir())) == 3


def test_evidence_goes_after_its_time_and_its_result_stays(tmp_path: Path) -> None:
    site = Site(tmp_path, evidence_days=90)
    for name, days in (("old", 91), ("new", 89)):
        site.result(name, days, "failed")
        (site.spool / name).mkdir()
    site.run(NOW - DAY)
    assert site.run() == ["deleted the images of the failed job old, 91 days old"]
    assert [path.name for path in site.spool.iterdir()] == ["new"]
    assert site.there == ["new", "old"]
    assert site.run(NOW + DAY) == []


@pytest.mark.parametrize("jump", [-1.0, 8 * DAY, 4000 * DAY])
def test_a_clock_that_jumped_deletes_nothing(tmp_path: Path, jump: float) -> None:
    site = Site(tmp_path, results_days=60)
    site.result("old", 70)
    site.run(NOW)
    assert "nothing is deleted" in site.run(NOW + jump)[0]
    assert site.there == ["old"]


def test_a_removal_that_was_cut_off_is_finished(tmp_path: Path) -> None:
    site = Site(tmp_path)
    (site.results / ".job.gone").mkdir()
    (site.results / ".job.gone/report.pdf").write_bytes(b"half")
    site.run(NOW - DAY)
    site.run()
    assert list(site.results.iterdir()) == []


def test_a_share_that_is_away_is_not_empty(tmp_path: Path) -> None:
    site = Site(tmp_path, results_days=60)
    site.results.rmdir()
    site.run(NOW - DAY)
    with pytest.raises(FileNotFoundError):
        site.run()


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = Site(tmp_path)
    config = tmp_path / "strokebox.toml"
    names = ("inbox", "results", "state")
    config.write_text(
        "[folders]\n"
        + "".join(f'{name} = "{tmp_path / name}"\n' for name in names)
        + "[retention]\nresults_days = 40\n"
    )
    site.result("old", (NOW - time.time()) / DAY + 41)
    folder = next(site.results.iterdir())
    os.utime(folder, (time.time() - 41 * DAY,) * 2)
    assert main(["retention", "--config", str(config)]) == 0
    assert "nothing is deleted" in capsys.readouterr().out
    assert main(["retention", "--config", str(config)]) == 0
    assert capsys.readouterr().out == "deleted the result of job old, 41 days old, 0.0 MB\n"
    assert main(["retention", "--config", str(config)]) == 0
    assert capsys.readouterr().out == ""
    site.results.rmdir()
    assert main(["retention", "--config", str(config)]) == 6
    assert "CANARY" not in str(capsys.readouterr())
