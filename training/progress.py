"""Progress: a training run between two steps, with all that it needs to go on as if it had never stopped.

The batch and the learning rate of a step depend on its number alone, and the network draws nothing by chance, so there
is no random state to keep.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.checkpoint import Checkpoint
from training.config import Recipe

Names = dict[str, list[str]]


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """What a run has come to after `step`, which was validated.

    names: of the heads, for training and for validation; weights: state dict on the CPU, float32
    optimiser, scaler: their state dicts; history: for each validation its step, loss, learning rate and results
    """

    recipe: Recipe
    names: Names
    step: int
    weights: dict[str, Tensor]
    optimiser: dict[str, Any]
    scaler: dict[str, Any]
    history: tuple[dict[str, Any], ...]

    @property
    def best(self) -> Checkpoint | None:
        """These weights, if no earlier ones had as high a score."""
        *earlier, last = self.history
        if any(record["score"] >= last["score"] for record in earlier):
            return None
        validation = {key: value for key, value in last.items() if key not in ("step", "loss", "learning_rate")}
        return Checkpoint(self.recipe, self.weights, self.step, validation)


def save_progress(progress: Progress, path: Path) -> None:
    """Write `path` whole or not at all."""
    document = {field.name: getattr(progress, field.name) for field in fields(progress)}
    temporary = path.with_suffix(".part")
    torch.save({**document, "recipe": progress.recipe.as_json(), "history": list(progress.history)}, temporary)
    temporary.replace(path)


def load_progress(path: Path) -> Progress:
    """ValueError where the recipe in it is not one; whatever torch.load raises for other files."""
    stored = torch.load(path, map_location="cpu", weights_only=True)
    recipe, history = Recipe.from_json(stored["recipe"]), tuple(stored["history"])
    return Progress(**{**stored, "recipe": recipe, "history": history})
