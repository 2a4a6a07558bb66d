"""The training loop, top to bottom: draw a batch, step, now and then validate and keep the best weights.

Everything random comes from the recipe's seed. A run's folder holds `recipe.json`, `log.jsonl` and the checkpoint
`best.pt`, the weights with the highest validation score: the mean IoU per patient (paper, section Training), with the
healthy heads counted in.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from training.config import Optimiser, Recipe
from training.continued import unfolded
from training.dataset import Slices
from training.heads import LabelledHead
from training.loss import loss
from training.model import Unet
from training.precision import autocast
from training.validation import validate

REPORT_EVERY = 50
STATISTICS_BATCHES = 24
"""Batches that batch norms of a continued network take their statistics from."""
WARM_UP_SHARE = 0.1


def learning_rate(recipe: Recipe, step: int) -> float:
    """The learning rate of step 1, 2, ... `steps`."""
    if recipe.optimiser is Optimiser.RMSPROP:
        return recipe.learning_rate * recipe.decay ** (step - 1)
    warm_up = max(1, round(recipe.steps * WARM_UP_SHARE))
    if step <= warm_up:
        return recipe.learning_rate * step / warm_up
    return recipe.learning_rate * 0.5 * (1 + float(np.cos(np.pi * (step - warm_up) / (recipe.steps - warm_up))))


def train(
    recipe: Recipe,
    heads: Sequence[LabelledHead],
    validation_heads: Sequence[LabelledHead],
    run: Path,
    report: Callable[[str], None] = print,
    device: str = "cpu",
    start: Path | None = None,
) -> Checkpoint:
    """Train one network on `device` (cpu or cuda); returns the best checkpoint, also `run`/best.pt.

    start: the exported network (.onnx) or checkpoint (.pt) that the recipe continues. FileExistsError where `run`
    exists, ValueError where `start` is of another network or missing.
    """
    if (start is None) != (recipe.continues is None):
        raise ValueError("a recipe that continues a network needs its file, and only such a one")
    run.mkdir(parents=True)
    (run / "recipe.json").write_text(json.dumps(recipe.as_json(), indent=2), encoding="utf-8")

    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    slices = Slices.of(heads, recipe)
    unet = Unet(recipe.width) if start is None else _continued(start, recipe, slices, rng)
    unet = unet.to(device).to(memory_format=torch.channels_last)
    optimiser = _optimiser(recipe, unet)

    best: Checkpoint | None = None
    started, losses = time.monotonic(), []
    for step in range(1, recipe.steps + 1):
        unet.train()
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(recipe, step)
        images, targets = (tensor.to(device) for tensor in slices.batch(rng))
        with autocast(device):
            logits = unet(images.contiguous(memory_format=torch.channels_last))
        value = loss(logits.float(), targets, recipe)
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]  # torch
        optimiser.step()
        losses.append(value.item())

        if step % REPORT_EVERY == 0:
            pace = step / (time.monotonic() - started)
            report(f"step {step}  loss {np.mean(losses[-REPORT_EVERY:]):.4f}  {pace:.2f} steps/s")
        if step % recipe.validate_every == 0 or step == recipe.steps:
            validation = validate(unet, validation_heads, recipe)
            report(f"step {step}  {validation}")
            with (run / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps({"step": step, "loss": float(np.mean(losses)), **validation.as_json()}) + "\n")
            losses.clear()
            if best is None or validation.score > best.validation["score"]:
                weights = {name: tensor.detach().cpu().clone() for name, tensor in unet.state_dict().items()}
                best = Checkpoint(recipe, weights, step, validation.as_json())
                save_checkpoint(best, run / "best.pt")
    assert best is not None
    return best


def _continued(start: Path, recipe: Recipe, slices: Slices, rng: np.random.Generator) -> Unet:
    if start.suffix == ".pt":
        return load_checkpoint(start).unet()
    return unfolded(start, recipe.width, [slices.batch(rng)[0] for _ in range(STATISTICS_BATCHES)])


def _optimiser(recipe: Recipe, unet: Unet) -> torch.optim.Optimizer:
    if recipe.optimiser is Optimiser.RMSPROP:
        return torch.optim.RMSprop(unet.parameters(), lr=recipe.learning_rate)
    return torch.optim.AdamW(unet.parameters(), lr=recipe.learning_rate, weight_decay=1e-2)
