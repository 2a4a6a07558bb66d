"""The networks of a released bundle as checkpoints of training, so that it can be calibrated and exported anew, alone
or together with those of other bundles.

The inverse of export/bundle.py for the networks: exported again, each has the same weights, to the bit. How it was
trained is taken over from the manifest. Writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from runtime.bundle import MANIFEST, open_bundle
from runtime.errors import UsageError
from training.checkpoint import Checkpoint
from training.config import Recipe
from training.continued import unfolded
from training.released import Released


def released_checkpoints(folder: Path) -> dict[str, Checkpoint]:
    """For each network of the bundle, its name in there (axial-0) and its checkpoint, in float32.

    A network that had been taken back from an earlier bundle keeps that one as its origin. BundleError as open_bundle
    raises it; UsageError where the manifest does not say how the networks were trained, as for untrained ones.
    """
    bundle = open_bundle(folder)
    document = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    name = f"{bundle.manifest.name} {bundle.manifest.version}"
    try:
        training = document["training"]
        runs = {run["file"]: run for run in training["runs"]}
        heads = training["heads"] if "heads" in training else training["seeds"]  # 0.2.0 and before
        return {
            Path(file).stem: _checkpoint(
                folder, runs[file], Released(name, bundle.manifest_sha256, file, heads, _lacks(runs[file]["recipe"]))
            )
            for file, _ in bundle.manifest.models
        }
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"The manifest of {name} doesn't say how its networks were trained ({error!r}): give a bundle that "
            "`python -m export bundle` wrote."
        ) from error


def _lacks(recipe: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(Recipe) if field.name not in recipe)


def _checkpoint(folder: Path, run: Mapping[str, Any], released: Released) -> Checkpoint:
    recipe = Recipe.from_json(run["recipe"])
    unet = unfolded(folder / run["file"], recipe.width, [], recipe.scse)
    weights = {name: value.clone() for name, value in unet.state_dict().items()}
    origin = Released.from_json(run["released"]) if "released" in run else released
    return Checkpoint(recipe, weights, int(run["step"]), dict(run["validation"]), origin)
