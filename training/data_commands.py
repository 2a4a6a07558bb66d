"""The commands of `python -m training` that lead from DICOM folders to prepared heads. Parses and calls, draws the bar.

Mistakes of the caller end with a sentence and their class's exit code, not with a traceback.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from runtime.choice import one_of
from runtime.classification import StrokeClass
from runtime.errors import StrokeboxError, UsageError
from training.cohort import Cohort, Meaning, Member, Split, load_cohort, read_patients, save_cohort
from training.comparison import compare, table
from training.heads import open_heads
from training.interpolation import Interpolation
from training.patient import Preparation
from training.prepare import prepare
from training.splits import Place, places
from training.summary import Summary


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `cohort`, `prepare` and `compare-interpolation`; each sets `call`, which takes the parsed arguments."""
    cohort = commands.add_parser("cohort", help="check a table of patients and draw who is for validation, and folds")
    cohort.add_argument("table", type=Path, help="CSV: pseudonym,class,scans,labels,added_after_errors")
    cohort.add_argument("--out", type=Path, required=True, help="cohort.json; patients that are in it keep their place")
    cohort.add_argument("--seed", type=int, default=1)
    cohort.add_argument("--folds", type=int, default=6)
    cohort.add_argument(
        "--names", nargs="*", default=[], metavar="NAME=CLASS", help="what names of areas mean: IS, IH or none"
    )
    cohort.set_defaults(call=_told(_cohort))

    heads = commands.add_parser("prepare", help="patients' scans and labels to heads; goes on where it was")
    heads.add_argument("cohort", type=Path, help="cohort.json")
    heads.add_argument("--out", type=Path, required=True, help="gets training/, validation/ and summary.json")
    heads.add_argument("--interpolation", **one_of(Interpolation), default=Interpolation.LINEAR)
    heads.add_argument(
        "--thick-too", action="store_true", help="a second head for training of each labelled thick series alone"
    )
    heads.add_argument("--processes", type=int, default=2, help="each takes up to about 2 GB of memory")
    heads.set_defaults(call=_told(_prepare))

    comparison = commands.add_parser("compare-interpolation", help="both interpolations on heads with thin labels")
    comparison.add_argument("--heads", type=Path, required=True)
    comparison.set_defaults(call=_told(_compare))


def _told(command: Callable[[argparse.Namespace], None]) -> Callable[[argparse.Namespace], None]:
    def call(arguments: argparse.Namespace) -> None:
        try:
            command(arguments)
        except StrokeboxError as error:
            print(error, file=sys.stderr)
            sys.exit(error.exit_code)

    return call


def _cohort(arguments: argparse.Namespace) -> None:
    patients = read_patients(arguments.table)
    before: dict[str, Place] = {}
    names = dict(_name(pair) for pair in arguments.names)
    if arguments.out.exists():
        old = load_cohort(arguments.out)
        if (old.seed, old.folds) != (arguments.seed, arguments.folds):
            raise UsageError(
                f"{arguments.out} was drawn with --seed {old.seed} --folds {old.folds}. Use these, or another --out."
            )
        before = {member.pseudonym: Place(member.split, member.fold) for member in old.members}
        names = {**old.names, **names}
    found = places(patients, arguments.seed, arguments.folds, before)
    members = tuple(
        Member(**dict(patient), split=found[patient.pseudonym].split, fold=found[patient.pseudonym].fold)
        for patient in patients
    )
    save_cohort(Cohort(seed=arguments.seed, folds=arguments.folds, names=names, members=members), arguments.out)
    for split in Split:
        print(f"{split.value:12}{sum(member.split is split for member in members):>6}")


def _name(pair: str) -> tuple[str, Meaning]:
    name, _, stroke = pair.rpartition("=")
    if name and stroke == "none":
        return name, "none"
    if name and stroke in list(StrokeClass):
        return name, StrokeClass(stroke)
    raise UsageError(f"--names takes NAME=IS, NAME=IH or NAME=none, not {pair}")


def _prepare(arguments: argparse.Namespace) -> None:
    if arguments.processes < 1:
        raise UsageError("--processes starts at 1")
    preparation = Preparation(arguments.interpolation, arguments.thick_too)
    with tqdm(unit="patient", disable=None) as bar:

        def progress(_what: str, done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        cohort = load_cohort(arguments.cohort)
        outcomes = prepare(cohort, arguments.out, preparation, arguments.processes, _write, progress)
    summary = Summary(outcomes)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "summary.json").write_text(json.dumps(summary.as_json(), indent=1) + "\n", encoding="utf-8")
    print(summary)
    if not summary.prepared:
        raise UsageError("No patient could be prepared.")


def _write(line: str) -> None:
    tqdm.write(line, file=sys.stderr)


def _compare(arguments: argparse.Namespace) -> None:
    heads = [head for head in open_heads(arguments.heads) if head.stroke is not None]
    print(table([one for head in tqdm(heads, unit="head", disable=None) for one in compare(head)]))
