"""What networks are called, in a bundle's files and on its card."""

from __future__ import annotations

from collections.abc import Sequence

from training.checkpoint import Checkpoint


def network_names(checkpoints: Sequence[Checkpoint]) -> list[str]:
    """By plane, numbered in their order: axial-0, axial-1, coronal-0 and so on."""
    planes = [checkpoint.recipe.plane for checkpoint in checkpoints]
    return [f"{plane.value}-{planes[:number].count(plane)}" for number, plane in enumerate(planes)]
