"""kill -9 at random moments, of any of the service's processes, while studies flow: what is left must be whole.

`python -m tests.resilience.kills --kills 500 --studies 50` runs it in full and prints the figures as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from appliance.intake import INTERRUPTIONS
from appliance.jobs import Jobs
from tests.memory_service import write_study

ROOT = Path(__file__).parents[2]
SHORTEST_SECONDS, LONGEST_SECONDS = 0.1, 3.0
"""Between two kills."""
PATIENCE_SECONDS = 600.0
"""After the last kill, for everything to come out."""
_SETTINGS = """\
[folders]
inbox = "{root}/inbox"
results = "{root}/results"
state = "{root}/state"
[intake]
quiet_seconds = 0.3
scan_seconds = 0.2
[disk]
free_percent = 0
"""


@dataclass(frozen=True)
class Figures:
    """What came of it. `completed` and `failed` count results; the rest should be 0.

    lost: drops without a result that names them
    twice: drops with several
    unparsable: results without a report, and completed ones without their patient
    left_behind: files in inbox, spool and hidden result folders that nobody needs any more
    """

    studies: int
    kills: dict[str, int]
    completed: int
    failed: int
    lost: int
    twice: int
    unparsable: int
    left_behind: int
    seconds: float

    @property
    def most_failed(self) -> int:
        """How many studies may have failed: one takes three kills of its readers or workers, or more of the intake than
        are forgiven.
        """
        kills = Counter(self.kills)
        return (kills["reader"] + kills["worker"]) // 3 + kills["intake"] // (INTERRUPTIONS + 1)


class Service:
    """The running service as its operating system sees it."""

    def __init__(self, root: Path) -> None:
        for name in ("inbox", "results", "state"):
            (root / name).mkdir()
        (root / "strokebox.toml").write_text(_SETTINGS.format(root=root))
        self._command = [sys.executable, "-m", "tests.memory_service", "serve", "--config", f"{root}/strokebox.toml"]
        self._log = (root / "log").open("wb")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it unless it runs."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(self._command, cwd=ROOT, stderr=self._log, stdin=subprocess.DEVNULL)

    def processes(self) -> dict[str, list[int]]:
        """Process ids by what they are: serve, intake, worker, reader; also of those whose supervisor is gone."""
        found: dict[str, list[int]] = {}
        marker = self._command[-1].encode()
        spool = marker.replace(b"strokebox.toml", b"state/spool")
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if marker in words:
                kind = words[words.index(b"--role") + 1].decode() if b"--role" in words else "serve"
                found.setdefault(kind, []).append(int(folder.name))
            elif any(word.startswith(spool) for word in words):
                found.setdefault("reader", []).append(int(folder.name))
        return found

    def kill_one(self, rng: random.Random) -> str | None:
        """Kill any one process; what it was, or None where none runs."""
        running = sorted((kind, number) for kind, numbers in self.processes().items() for number in numbers)
        if not running:
            return None
        kind, number = rng.choice(running)
        try:
            os.kill(number, signal.SIGKILL)
        except ProcessLookupError:
            return None
        if self._process and number == self._process.pid:  # what it just forked goes by its name, too
            self._process.wait()
        return kind

    def end(self) -> None:
        """SIGTERM, and wait."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(30)
        self._log.close()


def run_kills(root: Path, studies: int, kills: int, seed: int) -> Figures:
    """Let `studies` arrive one after another under `kills` random kills; `root` is an empty folder."""
    rng = random.Random(seed)  # not for secrets
    started = time.monotonic()
    killed: Counter[str] = Counter()
    service = Service(root)
    arriving = _arrivals(root, studies)
    while sum(killed.values()) < kills:
        time.sleep(rng.uniform(SHORTEST_SECONDS, LONGEST_SECONDS))
        for _ in range(max(1, round(2 * studies / kills))):
            next(arriving, None)
        if kind := service.kill_one(rng):
            killed[kind] += 1
        service.start()
    for _ in arriving:
        pass
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (len(_folders(root)) < studies or _left_behind(root)) and time.monotonic() < deadline:
        service.start()
        time.sleep(0.2)
    time.sleep(3)  # what would come twice comes now
    service.end()
    return _figures(root, studies, dict(sorted(killed.items())), time.monotonic() - started)


def _arrivals(root: Path, studies: int) -> Iterator[None]:
    """Each step copies one study into the inbox, as people do: a folder that fills up."""
    for number in range(studies):
        write_study(root / "made", number)
        shutil.copytree(root / "made", root / f"inbox/study{number}")
        shutil.rmtree(root / "made")
        yield


def _folders(root: Path) -> list[Path]:
    return [path for path in (root / "results").iterdir() if path.is_dir() and not path.name.startswith(".")]


def _figures(root: Path, studies: int, kills: dict[str, int], seconds: float) -> Figures:
    drops: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    unparsable = 0
    for folder in _folders(root):
        try:
            document = json.loads((folder / "result.json").read_bytes())
            drop, status = document["job"]["drop"], document["status"]
            if status == "completed" and document["patient"]["id"] != drop.replace("study", "ID-"):
                raise ValueError("the result of another patient")
            if not (folder / "report.pdf").read_bytes().rstrip().endswith(b"%%EOF"):
                raise ValueError("a report that breaks off")
        except (OSError, ValueError, KeyError, TypeError) as error:
            print(f"{folder.name} is unparsable: {error!r}", file=sys.stderr)
            unparsable += 1
            continue
        drops[drop] += 1
        outcomes[status] += 1
    return Figures(
        studies=studies,
        kills=kills,
        completed=outcomes["completed"],
        failed=sum(outcomes.values()) - outcomes["completed"],
        lost=sum(drops[f"study{number}"] == 0 for number in range(studies)),
        twice=sum(count > 1 for count in drops.values()),
        unparsable=unparsable,
        left_behind=_left_behind(root),
        seconds=round(seconds, 1),
    )


def _left_behind(root: Path) -> int:
    jobs = Jobs(root / "state/jobs.sqlite")
    evidence = {job.id for job in jobs.failed()}
    jobs.close()
    spooled = [folder for folder in (root / "state/spool").iterdir() if folder.name not in evidence]
    places = [root / "inbox", *spooled, *(root / "results").glob(".*")]
    return sum(path.is_file() for place in places for path in (place, *_below(place)))


def _below(place: Path) -> Iterator[Path]:
    """Like rglob, also where folders go meanwhile."""
    for folder, _, names in os.walk(place):
        yield from (Path(folder, name) for name in names)


def main() -> None:
    """Print the figures; exit code 1 where one that should be 0 is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--studies", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = run_kills(Path(folder), options.studies, options.kills, options.seed)
    print(json.dumps(asdict(figures), indent=2))
    wrong = figures.lost or figures.twice or figures.unparsable or figures.left_behind
    sys.exit(bool(wrong or figures.failed > figures.most_failed))


if __name__ == "__main__":
    main()
