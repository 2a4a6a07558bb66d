"""What monitoring reads: counts, times and room as Prometheus' text format, one file that is replaced whole.

Made from the job database and the disks alone, so that counts go on after a restart. Names no job and no patient.
Written out by hand: prometheus_client takes 12 MB and 60 ms of every process that imports it, for these lines.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.counts import Counts
from appliance.disk import Room
from appliance.jobs import State
from runtime.whole_files import write_whole

NAME = "strokebox.prom"
WAITING = (State.RECEIVED, State.READY, State.WORKING)
_Samples = Sequence[tuple[Mapping[str, str], float]]


@dataclass(frozen=True, slots=True)
class Sight:
    """What metrics are made from. now: seconds since 1970; shortage: what room is missing; rooms: by folder; away: the
    folders whose share is; is_fallback: the worker runs others than the active engines.
    """

    now: float
    software: str
    counts: Counts
    shortage: str
    rooms: Mapping[str, Room]
    away: Collection[str]
    stalled_after_seconds: float
    is_fallback: bool


def rooms(folders: Mapping[str, Path]) -> dict[str, Room]:
    """Those that can be reached."""
    found = {}
    for name, folder in folders.items():
        try:
            found[name] = Room.of(folder)
        except OSError:
            continue
    return found


def metrics(sight: Sight) -> str:
    """The file's text."""
    text, counts = _Text(), sight.counts
    text.gauge("info", "This software.", [({"version": sight.software}, 1)])
    queue = [({"state": one.value}, counts.waiting.get(one.value, 0)) for one in WAITING]
    text.gauge("queue", "Studies without a result.", queue)
    results = [
        ({"status": status, "code": code, "call": call}, count)
        for (status, code, call), count in counts.results.items()
    ]
    text.counter("results_total", "Results by how they ended.", results)
    stages = counts.stages.items()
    text.counter(
        "stage_seconds_sum", "Seconds spent in a stage.", [({"stage": one}, sum_) for one, (sum_, _) in stages]
    )
    text.counter("stage_seconds_count", "Studies that had the stage.", [({"stage": one}, n) for one, (_, n) in stages])
    engines = [({"manifest_sha256": one}, count) for one, count in counts.by_engines.items()]
    text.counter("engines_results_total", "Results by their engines.", engines)
    text.gauge("engines_info", "Engines of the last result.", [({"manifest_sha256": counts.engines}, 1)])
    words = "1 while the worker runs others than the active engines."
    text.gauge("engines_fallback", words, [({}, sight.is_fallback)])
    text.gauge("attempts", "Attempts at the waiting study that was tried most.", [({}, counts.attempts)])
    text.counter("repeated_results_total", "Results that took more than one attempt.", [({}, counts.repeated)])
    text.gauge("last_success_timestamp_seconds", "End of the last analysis.", [({}, counts.last_success)])
    free = [({"folder": name}, room.free) for name, room in sight.rooms.items()]
    text.gauge("disk_free_bytes", "Room on the folder's disk.", free)
    usable = [({"folder": name}, room.usable) for name, room in sight.rooms.items()]
    text.gauge("disk_usable_bytes", "What df counts as the folder's disk.", usable)
    text.gauge("intake_paused", "1 while new studies wait for room.", [({}, bool(sight.shortage))])
    text.gauge("shares_away", "Folders whose share is not mounted or does not answer.", [({}, len(sight.away))])
    stalled = counts.stalled_seconds(sight.now)
    text.gauge("no_progress_seconds", "Studies wait, and nothing came out for so long.", [({}, stalled)])
    is_stalled = stalled > sight.stalled_after_seconds
    text.gauge("stalled", "1 after no_progress_minutes of the settings.", [({}, is_stalled)])
    text.gauge("written_timestamp_seconds", "When this was written.", [({}, sight.now)])
    return str(text)


def write_metrics(folder: Path, text: str) -> None:
    """Replace the file; others may read it. OSError."""
    write_whole(folder / NAME, text.encode())
    (folder / NAME).chmod(0o644)


class _Text:
    """Prometheus' text format: https://prometheus.io/docs/instrumenting/exposition_formats/."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def gauge(self, name: str, words: str, samples: _Samples) -> None:
        self._add(name, "gauge", words, samples)

    def counter(self, name: str, words: str, samples: _Samples) -> None:
        self._add(name, "counter", words, samples)

    def _add(self, name: str, kind: str, words: str, samples: _Samples) -> None:
        self._lines += [f"# HELP strokebox_{name} {words}", f"# TYPE strokebox_{name} {kind}"]
        for labels, value in samples:
            inner = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items() if text)
            self._lines.append(f"strokebox_{name}{f'{{{inner}}}' if inner else ''} {float(value)!r}")

    def __str__(self) -> str:
        return "\n".join(self._lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
