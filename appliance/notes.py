"""Notes in the results folder for whoever has just copied a study: received, position, about how long; or seen before.

A note is a small text file with the drop's name. Notes follow from the jobs alone, so that they are made anew after any
interruption; a note whose job has a result is removed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from appliance.disk import FULL, Reserve
from appliance.drop import clean_name
from appliance.jobs import Job, State
from appliance.publish import READABLE
from runtime.count import counted

ENDING = ".note.txt"
_OURS = re.compile(r"__[0-9a-f]{8}\.note\.txt\Z")
PAUSED = f"STUDIES WAIT - DISK FULL__00000000{ENDING}"
TYPICAL_SECONDS = 180.0
"""What a study takes as long as none has been analysed on this box."""


def notes(
    waiting: Sequence[Job], repeated: Sequence[tuple[Job, Job]], seconds: Sequence[float], shortage: str = ""
) -> dict[str, str]:
    """File name to text.

    waiting: jobs without a result, in the order in which they will be analysed
    repeated: (duplicate, the job that has its result)
    seconds: what the last analyses took
    shortage: for want of what room no drop is taken
    """
    each = sorted(seconds)[len(seconds) // 2] if seconds else TYPICAL_SECONDS
    texts = {}
    if shortage:
        texts[PAUSED] = (
            f"The disk is almost full: studies are left in the inbox until there is room.\n{shortage}\n"
            "What to do: tell IT now, and have waiting patients' images read by a physician.\n"
        )
    for position, job in enumerate(waiting, start=1):
        state = "It is being analysed now" if job.state is State.WORKING else f"Position {position} in the queue"
        minutes = max(1, round(position * each / 60))
        texts[_name(job)] = (
            f"Received, not yet analysed.\n{state}; the result is expected in about {counted(minutes, 'minute')}.\n"
            "Until a report appears there is no result.\n"
        )
    for job, first in repeated:
        where = f"Its result: {first.folder}" if first.folder else "Its result will appear soon"
        texts[_name(job)] = f"This study was received before, as '{clean_name(first.drop_name)}'.\n{where}\n"
    return texts


def write_notes(results: Path, texts: dict[str, str], reserve: Reserve) -> None:
    """Make our notes in `results` exactly these; others' are left alone. OSError.

    On a full disk the `reserve`, which lies on the same one, gives way.
    """
    there = {path.name for path in results.glob(f"*{ENDING}") if _OURS.search(path.name)}
    for name in there - texts.keys():
        (results / name).unlink(missing_ok=True)
    for name, text in texts.items():
        path = results / name
        if name not in there or path.read_bytes() != text.encode():
            try:
                _write(path, text)
            except OSError as error:
                if error.errno not in FULL or not reserve.give_up():
                    raise
                _write(path, text)


def _write(path: Path, text: str) -> None:
    hidden = path.with_name(f".{path.name}")
    try:
        with hidden.open("w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), READABLE)
            file.write(text)
        hidden.replace(path)
    except OSError:
        hidden.unlink(missing_ok=True)
        raise


def _name(job: Job) -> str:
    return f"{clean_name(job.drop_name)}__{job.id[:8]}{ENDING}"
