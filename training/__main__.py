"""`python -m training`: make heads of patients or phantoms, train one network. Parses and calls; decides nothing."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import torch

from runtime.bundle import open_bundle
from runtime.planes import Plane
from training import data_commands
from training.checkpoint import load_checkpoint
from training.config import Recipe, continued, first_bundle, refined
from training.heads import open_heads
from training.phantoms import Purpose, prepare
from training.train import train


def main() -> None:
    """Run one command; see --help."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    data_commands.add_to(commands)
    phantoms = commands.add_parser("prepare-phantoms", help="synthesise heads and keep them as memory-mapped volumes")
    phantoms.add_argument("purpose", type=Purpose, choices=list(Purpose))
    phantoms.add_argument("count", type=int)
    phantoms.add_argument("--out", type=Path, required=True)
    phantoms.add_argument("--processes", type=int, default=2)

    run = commands.add_parser("run", help="train one network of one plane")
    run.add_argument("plane", type=Plane, choices=list(Plane))
    run.add_argument("--recipe", choices=("paper", "first-bundle", "continued", "refined"), required=True)
    run.add_argument("--bundle", type=Path, help="the bundle whose network is continued, with --recipe continued")
    run.add_argument("--start", type=Path, help="the run that is gone on from, with --recipe refined")
    run.add_argument("--steps", type=int, default=None, help="the recipe's own by default")
    run.add_argument("--seed", type=int, required=True)
    run.add_argument("--heads", type=Path, required=True)
    run.add_argument("--validation-heads", type=Path, required=True)
    run.add_argument("--run", type=Path, required=True, help="a new folder for the weights, the recipe and the log")
    run.add_argument("--threads", type=int, default=2)
    run.add_argument("--device", choices=("cpu", "cuda"), default="cpu")

    arguments = parser.parse_args()
    if "call" in arguments:
        arguments.call(arguments)
        return
    if arguments.command == "prepare-phantoms":
        prepare(arguments.purpose, arguments.count, arguments.out, arguments.processes)
        return
    torch.set_num_threads(arguments.threads)
    steps = {} if arguments.steps is None else {"steps": arguments.steps}
    start = None
    if arguments.recipe == "continued":
        if arguments.bundle is None:
            parser.error("--recipe continued needs --bundle")
        bundle = open_bundle(arguments.bundle)
        (start,) = bundle.models(arguments.plane)
        origin = f"{bundle.manifest.name} {bundle.manifest.version}, {start.name}"
        recipe = continued(arguments.plane, arguments.seed, origin, **steps)
    elif arguments.recipe == "refined":
        if arguments.start is None:
            parser.error("--recipe refined needs --start")
        start = arguments.start / "best.pt"
        before = load_checkpoint(start).recipe.continues
        origin = f"the run {arguments.start.name}" + (f" from {before}" if before else "")
        recipe = refined(arguments.plane, arguments.seed, origin, **steps)
    else:
        make = first_bundle if arguments.recipe == "first-bundle" else Recipe
        recipe = make(plane=arguments.plane, seed=arguments.seed, **steps)
    train(
        recipe,
        open_heads(arguments.heads, arguments.plane),
        open_heads(arguments.validation_heads, arguments.plane),
        arguments.run,
        partial(print, flush=True),
        arguments.device,
        start,
    )


if __name__ == "__main__":
    main()
