"""`python -m calibration`: coefficients and class cut-offs for trained networks, and how good they are. Parses and
calls; decides nothing."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from training.command_line import carried_out, everything

with everything():
    import numpy as np
    import torch

    from calibration import slices_command
    from calibration.calibrate import calibrate, calibrate_classifier, calibrate_coefficients
    from calibration.coefficients import TIE
    from calibration.document import (
        coefficients_document,
        coefficients_of,
        open_document,
        pixel_mm_of,
        spec_of,
        unclassified,
    )
    from calibration.ensemble import choose_runs, read_run
    from calibration.evaluation import evaluate_head
    from calibration.networks import of_bundle, of_runs
    from calibration.plot import draw_table
    from calibration.probabilities import Computed, Kept, member_probabilities
    from calibration.readers import PAPER, open_study
    from calibration.record import Evaluation, Record
    from calibration.table import markdown, patients_csv, table_csv
    from calibration.unsuited import UnsuitedHeads
    from runtime.bundle import MANIFEST, open_bundle
    from runtime.compute import cpu
    from runtime.engines.base import Ensemble
    from runtime.errors import UsageError
    from runtime.windows import Windows
    from training.generators import generators_of
    from training.heads import LabelledHead, open_all
    from training.material import Material

BOOTSTRAP_SEED = 0
_told = partial(print, flush=True)


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; see --help. The exit code is the error's (runtime/errors.py)."""
    return carried_out(_parser(), words)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m calibration", description=__doc__)
    commands = parser.add_subparsers(required=True)

    ensemble = commands.add_parser("ensemble", help="of many runs of one plane, the best by validation IoU")
    ensemble.add_argument("runs", type=Path, nargs="+", help="folders of training runs")
    ensemble.add_argument("--best", type=int, default=6, help="how many are kept (default: 6, the paper's)")
    ensemble.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    ensemble.set_defaults(command=_ensemble)

    run = commands.add_parser("run", help="coefficients, class cut-offs and the rule of areas, on the same heads")
    run.add_argument("--scratch", type=Path, default=None, help="where to keep 250 MB a head meanwhile")
    run.set_defaults(command=_run)

    coefficients = commands.add_parser("coefficients", help="k of each plane, for the best mean three-class Dice")
    coefficients.set_defaults(command=_coefficients)

    classifier = commands.add_parser("classifier", help="class cut-offs and the rule of areas, for known coefficients")
    classifier.set_defaults(command=_classifier)

    evaluate = commands.add_parser("evaluate", help="the paper's Table 1 on labelled heads, and the class errors")
    evaluate.set_defaults(command=_evaluate)

    for command in (run, coefficients, classifier, evaluate):
        networks = command.add_mutually_exclusive_group(required=True)
        networks.add_argument("--runs", type=Path, nargs="+", help="folders of training runs, all planes")
        networks.add_argument("--bundle", type=Path, help="a bundle folder: its networks, without their checkpoints")
        command.add_argument(
            "--models", type=Path, help="`python -m export models` of the same runs: as served, faster"
        )
        command.add_argument("--heads", type=Path, nargs="+", required=True, help="folders of heads, not trained on")
        what = "a folder for the table and its picture" if command is evaluate else "the JSON file to write"
        command.add_argument("--out", type=Path, required=True, help=what)
        command.add_argument("--threads", type=int, default=2)
    for command in (run, coefficients):
        command.add_argument(
            "--pixel-mm",
            type=float,
            default=0.0,
            help="average pixels below two thirds of this to about it; 0, the paper: don't",
        )
        command.add_argument(
            "--tie", type=float, default=TIE, help="below the best score by so little, fewer alarms win; 0 is the paper"
        )
    for command in (run, classifier):
        command.add_argument(
            "--balanced",
            action="store_true",
            help="for the class cut-offs, not for coefficients and areas, each folder of --heads weighs the same",
        )
    for command in (classifier, evaluate):
        command.add_argument("--calibration", type=Path, help="the JSON so far; a bundle's own numbers by default")

    slices_command.add_to(commands)
    readers = commands.add_parser("readers", help="the paper's Table 2: radiologists against the model, Fisher's test")
    readers.add_argument(
        "csv", type=Path, nargs="?", default=PAPER, help="errors by reader; the paper's own by default"
    )
    readers.set_defaults(command=_readers)
    return parser


def _ensemble(arguments: argparse.Namespace) -> None:
    choice = choose_runs([read_run(folder) for folder in arguments.runs], arguments.best)
    _write(choice.as_json(), arguments.out)
    print(choice.markdown())


def _run(arguments: argparse.Namespace) -> None:
    ensemble, windows = _networks(arguments)
    if arguments.scratch is not None:
        arguments.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as scratch, ensemble.running():
        kept = Kept(Computed(ensemble, windows), Path(scratch))
        heads, weights = _weighed(arguments, arguments.pixel_mm)
        with _chosen():
            calibration = calibrate(windows, heads, kept, cpu(), _told, weights, arguments.tie)
    document = {**calibration.as_json(), "pixel_mm": arguments.pixel_mm, "material": _material(arguments).as_json()}
    _write(document, arguments.out)
    print(f"coefficients {document['coefficients']}, accuracy {calibration.classifier.cutoffs.accuracy:.3f}")


def _coefficients(arguments: argparse.Namespace) -> None:
    ensemble, windows = _networks(arguments)
    with ensemble.running(), _chosen():
        heads = _served(arguments.heads, arguments.pixel_mm)
        chosen = calibrate_coefficients(heads, Computed(ensemble, windows), arguments.tie, report=_told)
    document = coefficients_document(unclassified(windows, chosen.k), chosen)
    document["pixel_mm"] = arguments.pixel_mm
    _write(document, arguments.out)
    dice = ", ".join(f"{stroke.value} {value:.3f}" for stroke, value in chosen.dice.items())
    print(f"coefficients {document['coefficients']}: three-class Dice {chosen.score:.3f}, {dice}")
    print(f"voxels marked in healthy heads: {chosen.healthy_voxels}")


def _classifier(arguments: argparse.Namespace) -> None:
    document = _document(arguments)
    ensemble, windows = _networks(arguments)
    with ensemble.running():
        of_head = Computed(ensemble, windows)
        heads, weights = _weighed(arguments, pixel_mm_of(document))
        with _chosen():
            chosen = calibrate_classifier(windows, coefficients_of(document), heads, of_head, cpu(), weights)
    _write({**document, **chosen.as_json(), "material": _material(arguments).as_json()}, arguments.out)
    print(f"class cut-offs {chosen.as_json()['class_cutoffs']}, accuracy {chosen.cutoffs.accuracy:.3f}")


def _evaluate(arguments: argparse.Namespace) -> None:
    document = _document(arguments)
    ensemble, windows = _networks(arguments)
    spec, cases = spec_of(document, windows), []
    with ensemble.running():
        for one in open_all(arguments.heads):
            head = one.served(spec.pixel_mm)
            cases.append(evaluate_head(head, member_probabilities(head.hu, ensemble, windows), spec, cpu()))
            _told(f"head {head.name}")
    evaluation = Evaluation.of(cases, np.random.default_rng(BOOTSTRAP_SEED))
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "table.md").write_text(markdown(evaluation), encoding="utf-8")
    _write(
        Record(*_bundle(arguments), _material(arguments), evaluation).as_json(),
        arguments.out / "evaluation.json",
    )
    draw_table(evaluation.rows, cases).savefig(arguments.out / "table.png")
    (arguments.out / "table.csv").write_text(table_csv(evaluation.rows), encoding="utf-8")
    (arguments.out / "patients.csv").write_text(patients_csv(cases), encoding="utf-8")
    print(markdown(evaluation))


def _readers(arguments: argparse.Namespace) -> None:
    print(open_study(arguments.csv).markdown())


@contextmanager
def _chosen() -> Iterator[None]:
    """Heads that nothing can be chosen from are the caller's."""
    try:
        yield
    except UnsuitedHeads as error:
        raise UsageError(f"These heads won't do: {error}. Give --heads with healthy heads, IS and IH.") from error


def _served(folders: Sequence[Path], pixel_mm: float) -> tuple[LabelledHead, ...]:
    """The heads with the pixels that they are analysed with."""
    return tuple(head.served(pixel_mm) for head in open_all(folders))


def _weighed(arguments: argparse.Namespace, pixel_mm: float) -> tuple[tuple[LabelledHead, ...], list[float]]:
    """The heads as they are analysed, and what each is worth: 1 on the average."""
    folders = [_served([folder], pixel_mm) for folder in arguments.heads]
    every = tuple(head for heads in folders for head in heads)
    if not arguments.balanced:
        return every, [1.0] * len(every)
    return every, [len(every) / len(folders) / len(heads) for heads in folders for _ in heads]


def _material(arguments: argparse.Namespace) -> Material:
    return Material.of(open_all(arguments.heads), generators_of(arguments.heads))


def _bundle(arguments: argparse.Namespace) -> tuple[str | None, str | None]:
    """Which bundle's networks and numbers are evaluated; none where the numbers are others."""
    if arguments.bundle is None or arguments.calibration is not None:
        return None, None
    bundle = open_bundle(arguments.bundle)
    return f"{bundle.manifest.name} {bundle.manifest.version}", bundle.manifest_sha256


def _networks(arguments: argparse.Namespace) -> tuple[Ensemble, Windows]:
    torch.set_num_threads(arguments.threads)
    if arguments.bundle is None:
        return of_runs(arguments.runs, arguments.models)
    if arguments.models is not None:
        raise UsageError("--models are those of --runs; a bundle has its own.")
    return of_bundle(arguments.bundle)


def _document(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.calibration is None and arguments.bundle is None:
        raise UsageError("--runs need --calibration: what `calibration coefficients` or `run` wrote.")
    return open_document(arguments.calibration or arguments.bundle / MANIFEST)


def _write(document: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
