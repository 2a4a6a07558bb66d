"""`python -m training`: make synthetic heads, train one network. Parses and calls; decides nothing."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import torch

from runtime.planes import Plane
from training.config import Recipe, first_bundle
from training.heads import open_heads
from training.phantoms import Purpose, prepare
from training.train import train


def main() -> None:
    """Run one command; see --help."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    phantoms = commands.add_parser("prepare-phantoms", help="synthesise heads and keep them as memory-mapped volumes")
    phantoms.add_argument("purpose", type=Purpose, choices=list(Purpose))
    phantoms.add_argument("count", type=int)
    phantoms.add_argument("--out", type=Path, required=True)
    phantoms.add_argument("--processes", type=int, default=2)

    run = commands.add_parser("run", help="train one network of one plane")
    run.add_argument("plane", type=Plane, choices=list(Plane))
    run.add_argument("--recipe", choices=("paper", "first-bundle"), required=True)
    run.add_argument("--steps", type=int, default=None, help="the recipe's own by default")
    run.add_argument("--seed", type=int, required=True)
    run.add_argument("--heads", type=Path, required=True)
    run.add_argument("--validation-heads", type=Path, required=True)
    run.add_argument("--run", type=Path, required=True, help="a new folder for the weights, the recipe and the log")
    run.add_argument("--threads", type=int, default=2)
    run.add_argument("--device", choices=("cpu", "cuda"), default="cpu")

    arguments = parser.parse_args()
    if arguments.command == "prepare-phantoms":
        prepare(arguments.purpose, arguments.count, arguments.out, arguments.processes)
        return
    torch.set_num_threads(arguments.threads)
    steps = {} if arguments.steps is None else {"steps": arguments.steps}
    make = first_bundle if arguments.recipe == "first-bundle" else Recipe
    train(
        make(plane=arguments.plane, seed=arguments.seed, **steps),
        open_heads(arguments.heads),
        open_heads(arguments.validation_heads),
        arguments.run,
        partial(print, flush=True),
        arguments.device,
    )


if __name__ == "__main__":
    main()
