"""`python -m training`: make heads of patients or phantoms, train networks, look how good they are. Parses and calls;
decides nothing."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path

from runtime.choice import one_of
from training.command_line import everything

with everything():
    import torch

    from phantom.cohort import Purpose, Size, cohort
    from phantom.difficulty import COHORT, DIFFICULTIES
    from runtime.bundle import open_bundle
    from runtime.errors import StrokeboxError, UsageError
    from runtime.planes import Plane
    from training import data_commands
    from training.checkpoint import load_checkpoint
    from training.cohort import load_cohort
    from training.config import Recipe
    from training.configuration import load_recipe
    from training.folds import Parts, split, split_by_cohort
    from training.heads import open_all
    from training.phantoms import prepare, scans
    from training.pretrained import name_of
    from training.run import BEST
    from training.train import train
    from training.validation import validate


def main(words: Sequence[str] | None = None) -> None:
    """Run one command; see --help. SystemExit, with the error's exit code, where it can't be."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    data_commands.add_to(commands)
    phantoms = commands.add_parser("prepare-phantoms", help="synthesise heads and keep them as memory-mapped volumes")
    phantoms.add_argument("purpose", **one_of(Purpose))
    phantoms.add_argument("count", type=int)
    phantoms.add_argument("--skip", type=int, default=0, help="leave out so many of them, the first")
    phantoms.add_argument("--out", type=Path, required=True)
    phantoms.add_argument("--processes", type=int, default=2)
    phantoms.add_argument(
        "--spacing", type=float, nargs=3, metavar=("Z", "Y", "X"), help="voxels of all heads, mm; varied by default"
    )
    phantoms.add_argument("--difficulty", choices=list(DIFFICULTIES), default="standard", help="see docs/cohort.md")
    phantoms.add_argument(
        "--size", **one_of(Size), default=Size.REDUCED, help="voxels of the cohort difficulty's heads"
    )
    phantoms.add_argument("--donor", type=Path, help="NIfTI of a healthy head in HU, or of the scct template")

    run = commands.add_parser("run", help="train networks one after the other, and go on where a run was killed")
    run.add_argument("--config", type=Path, required=True, help="a file of training/configs, or one like them")
    run.add_argument("--plane", nargs="+", **one_of(Plane), required=True)
    run.add_argument("--seed", type=int, nargs="+", required=True)
    run.add_argument("--fold", type=int, nargs="+", default=[None], help="left out of training, where there are folds")
    run.add_argument("--cohort", type=Path, help="cohort.json: its folds, rather than folds by the heads' names")
    run.add_argument("--heads", type=Path, nargs="+", required=True, help="folders of heads")
    run.add_argument("--validation-heads", type=Path, nargs="+", help="the same; not where a fold is left out")
    run.add_argument("--out", type=Path, required=True, help="gets a folder for each network: CONFIG-PLANE-SEED")
    start = run.add_mutually_exclusive_group()
    start.add_argument("--pretrained", type=Path, help="ImageNet weights of the encoder: a state dict of DPN-92")
    start.add_argument("--bundle", type=Path, help="the bundle whose network of the same plane is gone on from")
    start.add_argument("--start", type=Path, nargs="+", help="runs whose best weights of the same plane are")
    run.add_argument("--threads", type=int, default=2)
    run.add_argument("--processes", type=int, default=1, help="that make batches ahead, beside the training")
    run.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    run.add_argument("--no-graphs", action="store_true", help="a GPU gets its kernels one by one, not a step at once")

    evaluate = commands.add_parser("evaluate", help="validate the best weights of runs, one line of JSON each")
    evaluate.add_argument("--runs", type=Path, nargs="+", required=True)
    evaluate.add_argument("--heads", type=Path, nargs="+", required=True)
    evaluate.add_argument("--tta", action="store_true", help="test-time augmentation: the mean over flips, too")
    evaluate.add_argument("--threads", type=int, default=2)
    evaluate.add_argument("--device", choices=("cpu", "cuda"), default="cpu")

    arguments = parser.parse_args(words)
    if "call" in arguments:
        arguments.call(arguments)
        return
    calls = {"prepare-phantoms": _prepare_phantoms, "run": _run, "evaluate": _evaluate}
    try:
        calls[arguments.command](arguments)
    except StrokeboxError as error:
        parser.exit(error.exit_code, f"{error}\n")


def _prepare_phantoms(arguments: argparse.Namespace) -> None:
    purpose, count, spacing_mm = arguments.purpose, arguments.count, arguments.spacing
    if not 0 <= arguments.skip < count:
        raise UsageError("--skip must be at least 0 and below the count.")
    is_cohort = arguments.difficulty == COHORT.name
    if is_cohort and spacing_mm:
        raise UsageError("The cohort difficulty has spacings of its own: leave --spacing out, or choose --size.")
    try:
        chosen = (
            cohort(purpose, count, arguments.size)
            if is_cohort
            else scans(purpose, count, tuple(spacing_mm) if spacing_mm else None)
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    prepare(chosen[arguments.skip :], arguments.out, arguments.processes, donor=arguments.donor)


def _run(arguments: argparse.Namespace) -> None:
    torch.set_num_threads(arguments.threads)
    for name, recipe, start in list(_planned(arguments)):  # all of them are right before the first one starts
        training, validation = _parts(arguments, recipe)
        report = partial(print, name, flush=True)
        folder = arguments.out / name
        train(
            recipe,
            training,
            validation,
            folder,
            report,
            arguments.device,
            start,
            arguments.processes,
            graphs=not arguments.no_graphs,
        )


def _parts(arguments: argparse.Namespace, recipe: Recipe) -> Parts:
    heads = open_all(arguments.heads, recipe.plane)
    if recipe.folds is None or recipe.fold is None:
        return heads, open_all(arguments.validation_heads, recipe.plane)
    if arguments.cohort is None:
        return split(heads, recipe.folds, recipe.fold)
    return split_by_cohort(heads, recipe.folds, recipe.fold, load_cohort(arguments.cohort))


def _planned(arguments: argparse.Namespace) -> Iterator[tuple[str, Recipe, Path | None]]:
    """The networks to train: name, recipe, and the file that each starts from."""
    for plane, seed, fold in product(arguments.plane, arguments.seed, arguments.fold):
        origin, start = _start(arguments, plane)
        recipe = load_recipe(arguments.config, {"plane": plane, "seed": seed, "fold": fold, **origin})
        if (recipe.fold is None) == (arguments.validation_heads is None):
            raise UsageError("Give either --validation-heads, or --fold with a configuration that has folds.")
        if arguments.cohort is not None:
            if recipe.fold is None:
                raise UsageError("--cohort is for --fold: without it, --heads and --validation-heads say who is where.")
            _parts(arguments, recipe)
        name = f"{arguments.config.stem}-{plane.value}-{seed}" + ("" if fold is None else f"-fold{fold}")
        yield name, recipe, start


def _start(arguments: argparse.Namespace, plane: Plane) -> tuple[dict[str, str], Path | None]:
    """What a recipe says of where weights start from, and the file."""
    if arguments.pretrained:
        return {"pretrained": name_of(arguments.pretrained)}, arguments.pretrained
    if arguments.bundle:
        bundle = open_bundle(arguments.bundle)
        model, *others = bundle.models(plane)
        if others:
            raise UsageError(
                f"The bundle has {1 + len(others)} {plane.value} networks: take them out with `python -m export "
                "checkpoints`, and give the one to go on from to --start."
            )
        return {"continues": f"{bundle.manifest.name} {bundle.manifest.version}, {model.name}"}, model
    if arguments.start:
        checkpoints = {run: load_checkpoint(run / BEST) for run in arguments.start}
        runs = [run for run, checkpoint in checkpoints.items() if checkpoint.recipe.plane is plane]
        if len(runs) != 1:
            raise UsageError(f"--start needs one run of the {plane.value} plane, and has {len(runs)}.")
        first = checkpoints[runs[0]]
        before = f"{first.released.bundle}, {first.released.file}" if first.released else first.recipe.continues
        return {"continues": f"the run {runs[0].name}" + (f" from {before}" if before else "")}, runs[0] / BEST
    return {}, None


def _evaluate(arguments: argparse.Namespace) -> None:
    torch.set_num_threads(arguments.threads)
    for run in arguments.runs:
        checkpoint = load_checkpoint(run / BEST)
        heads = open_all(arguments.heads, checkpoint.recipe.plane)
        unet = checkpoint.unet().to(arguments.device).to(memory_format=torch.channels_last)
        validation = validate(unet, heads, checkpoint.recipe, arguments.tta)
        print(json.dumps({"run": run.name, "step": checkpoint.step, "tta": arguments.tta, **validation.as_json()}))


if __name__ == "__main__":
    main()
