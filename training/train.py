"""The training loop, top to bottom: take a batch, step, now and then validate and keep the best weights.

Everything random comes from the recipe's seed and the number of the step, so that a run that was killed goes on as if
nothing had happened. What is kept of it, and where, is training/run.py's. The best weights are those with the highest
validation score: the mean IoU per patient (paper, section Training), with the healthy heads counted in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.checkpoint import Checkpoint, load_checkpoint
from training.config import Recipe
from training.curves import board
from training.dataset import Slices
from training.gradients import Gradients
from training.heads import LabelledHead
from training.loader import batches
from training.model import Unet
from training.optimiser import learning_rate, optimiser_of, set_learning_rate
from training.pace import Pace
from training.precision import Precision
from training.progress import Progress
from training.run import BEST, follow, held, keep, progress_in
from training.start import first_network
from training.validation import validate

REPORT_EVERY = 50


def train(
    recipe: Recipe,
    heads: Sequence[LabelledHead],
    validation_heads: Sequence[LabelledHead],
    run: Path,
    report: Callable[[str], None] = print,
    device: str = "cpu",
    start: Path | None = None,
    processes: int = 0,
    graphs: bool = True,
) -> Checkpoint:
    """Train one network on `device` (cpu or cuda), or go on with the run in the folder `run`; returns the best weights.

    start: the file that the recipe starts from, see first_network; processes: how many make batches ahead, 0 for none;
    graphs: see Gradients.
    On a processor, with as many threads, a run that goes on ends with the very weights of one that was never stopped;
    a GPU adds up in no fixed order. FileExistsError, BlockingIOError and ValueError where `run` is another's, and
    ValueError where `start` doesn't fit.
    """
    names = {"training": [head.name for head in heads], "validation": [head.name for head in validation_heads]}
    torch.manual_seed(recipe.seed)
    slices = Slices.of(heads, recipe)
    with held(run, recipe):
        progress = progress_in(run, names)
        unet = first_network(recipe, start, slices) if progress is None else Unet(recipe.width, recipe.scse)
        unet = unet.to(device).to(memory_format=torch.channels_last)
        optimiser = optimiser_of(recipe, unet)
        scaler = torch.amp.GradScaler(device, enabled=recipe.precision is Precision.FP16)
        gradients = Gradients(unet, recipe, device, scaler, graphs)
        history: list[dict[str, Any]] = []
        if progress is not None:
            report(f"going on after step {progress.step}")
            follow(run, progress, report)
            unet.load_state_dict(progress.weights)
            optimiser.load_state_dict(progress.optimiser)
            scaler.load_state_dict(progress.scaler)
            history.extend(progress.history)
        steps = range(progress.step + 1 if progress else 1, recipe.steps + 1)

        pace, losses = Pace(time.monotonic), []
        made = pace.over(batches(slices, steps, processes, pinned=device == "cuda"))
        with board(run / "tensorboard", steps.start, report) as scalar:
            for step, (images, targets) in zip(steps, made, strict=True):
                rate = learning_rate(recipe, step)
                set_learning_rate(optimiser, rate)
                losses.append(gradients.of(images, targets, frozen_encoder=step <= recipe.frozen_steps))
                scaler.step(optimiser)
                scaler.update()
                # The mean waits for the steps that a GPU was given ahead, and that is part of their time.
                recent = _mean(losses[-REPORT_EVERY:]) if step % REPORT_EVERY == 0 else None
                pace.stepped()

                if recent is not None:
                    report(f"step {step}  loss {recent:.4f}  {pace.lap()}")
                    scalar("loss", recent, step)
                if step % recipe.validate_every == 0 or step == recipe.steps:
                    validation = validate(unet, validation_heads, recipe)
                    report(f"step {step}  {validation}")
                    scalar("score", validation.score, step)
                    scalar("mean IoU", validation.mean_iou, step)
                    numbers = {"step": step, "loss": _mean(losses), "learning_rate": rate}
                    history.append({**numbers, **validation.as_json()})
                    losses.clear()
                    weights = {name: tensor.detach().cpu().clone() for name, tensor in unet.state_dict().items()}
                    states = optimiser.state_dict(), scaler.state_dict()
                    keep(run, Progress(recipe, names, step, weights, *states, tuple(history)), report)
        report(f"{pace.total.steps} steps at {pace.total}")
    return load_checkpoint(run / BEST)


def _mean(losses: Sequence[Tensor]) -> float:
    return float(torch.stack(list(losses)).mean())
