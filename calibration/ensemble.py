"""Which of many runs of one plane are averaged: the best by validation IoU (paper: about 40 trained, 6 kept).

Reads what training left in the runs' folders, `recipe.json` and `log.jsonl`; opens no weights.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from runtime.errors import UsageError
from runtime.planes import Plane


@dataclass(frozen=True, slots=True)
class Run:
    """One finished or running run: the validation of the weights that it keeps, those with the highest score.

    iou: the mean over patients with stroke of the IoU of their own class (paper, section Training)
    score: the same with healthy heads counted in, 1 where nothing is marked, else 0; None for weights from a bundle
        that is older than the score
    """

    folder: str
    plane: Plane
    step: int
    iou: float
    score: float | None


@dataclass(frozen=True, slots=True)
class Choice:
    """The runs of one plane, best first, and how many are kept. UsageError where these can't be one ensemble."""

    runs: tuple[Run, ...]
    best: int

    def __post_init__(self) -> None:
        if len({run.plane for run in self.runs}) != 1:
            raise UsageError("The runs are of several planes: choose for each plane by itself.")
        if not 1 <= self.best <= len(self.runs):
            raise UsageError(f"--best must be 1 to {len(self.runs)}, the number of runs.")

    @property
    def chosen(self) -> tuple[Run, ...]:
        return self.runs[: self.best]

    def as_json(self) -> dict[str, Any]:
        """Plain values; `chosen` holds the folders for `--runs`."""
        return {
            "plane": self.runs[0].plane.value,
            "chosen": [run.folder for run in self.chosen],
            "runs": [{**asdict(run), "plane": run.plane.value} for run in self.runs],
        }

    def markdown(self) -> str:
        rows = (
            f"| {run.folder} | {run.step} | {run.iou:.4f} | {'-' if run.score is None else f'{run.score:.4f}'} "
            f"| {'yes' if run in self.chosen else ''} |"
            for run in self.runs
        )
        return "\n".join(("| run | best at | IoU | score | chosen |", "|---|---|---|---|---|", *rows))


def choose_runs(runs: Sequence[Run], best: int) -> Choice:
    """The `best` of these runs by IoU; of equally good ones the first named. UsageError as Choice raises it."""
    return Choice(tuple(sorted(runs, key=lambda run: -run.iou)), best)


def read_run(folder: Path) -> Run:
    """UsageError where `folder` holds no run that was validated."""
    try:
        recipe = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
        entries = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
        # max keeps the first of equals, and so does training.
        kept = entries[0] if len(entries) == 1 else max(entries, key=lambda entry: float(entry["score"]))
        score = float(kept["score"]) if "score" in kept else None
        return Run(str(folder), Plane(recipe["plane"]), int(kept["step"]), float(kept["mean_iou"]), score)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"{folder} holds no validated run ({error}): name folders that `python -m training run` wrote."
        ) from error
