"""The folder of one training run: what is kept there, when it may be gone on with, and by whom.

`recipe.json`; `progress.pt`, from which the run goes on; and what follows from it: `best.pt`, the weights with the
highest score, `log.jsonl`, a line for each validation, and `curves.png`. Progress is written first and the others are
written anew when a run goes on, so that they fit it wherever the run was killed.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from training.checkpoint import Checkpoint, save_checkpoint
from training.config import Recipe
from training.curves import draw
from training.progress import Names, Progress, load_progress, save_progress

RECIPE, PROGRESS, BEST, LOG, CURVES = "recipe.json", "progress.pt", "best.pt", "log.jsonl", "curves.png"


@contextmanager
def held(folder: Path, recipe: Recipe) -> Iterator[None]:
    """Hold the run's folder, made if need be, against another process that would train in it.

    FileExistsError where it is another recipe's, or of a run that can't be gone on with; BlockingIOError where it is
    held already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".held").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BlockingIOError(f"{folder} is being trained in by another process") from error
        record = folder / RECIPE
        if not record.exists():
            _write(record, json.dumps(recipe.as_json(), indent=2))
        elif Recipe.from_json(json.loads(record.read_text(encoding="utf-8"))).as_json() != recipe.as_json():
            raise FileExistsError(f"{folder} holds a run of another recipe; train in another folder")
        if (folder / BEST).exists() and not (folder / PROGRESS).exists():
            raise FileExistsError(f"{folder} holds weights, but no {PROGRESS} to go on from; train in another folder")
        yield


def progress_in(folder: Path, names: Names) -> Progress | None:
    """What the run has come to; None before its first validation. ValueError where that was on other heads."""
    if not (folder / PROGRESS).exists():
        return None
    progress = load_progress(folder / PROGRESS)
    if progress.names != names:
        raise ValueError(f"{folder} was trained or validated on other heads than these")
    return progress


def keep(folder: Path, progress: Progress, report: Callable[[str], None]) -> None:
    """Write the progress, then what follows from it."""
    save_progress(progress, folder / PROGRESS)
    follow(folder, progress, report)


def follow(folder: Path, progress: Progress, report: Callable[[str], None]) -> None:
    """Write what follows from the progress: best weights, log and curves."""
    if progress.best is not None:
        save_checkpoint(progress.best, folder / BEST)
    _write(folder / LOG, "".join(f"{json.dumps(record)}\n" for record in progress.history))
    draw(progress.history, folder / CURVES, report)


def put(folder: Path, checkpoint: Checkpoint) -> None:
    """Make `folder`, which must not exist, a run that ended with this checkpoint and can't be gone on with."""
    folder.mkdir(parents=True)
    _write(folder / RECIPE, json.dumps(checkpoint.recipe.as_json(), indent=2))
    _write(folder / LOG, f"{json.dumps({'step': checkpoint.step, **checkpoint.validation})}\n")
    save_checkpoint(checkpoint, folder / BEST)


def _write(path: Path, text: str) -> None:
    temporary = path.with_suffix(".part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
