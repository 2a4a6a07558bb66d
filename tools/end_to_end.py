"""The whole way from an empty folder to an analysed study, small: does every command still fit the next one?

Runs the commands of docs/training.md in their order, in this process, each printed as one would type it. The patients
are phantoms of coarse pixels, in DICOM with labels as a site would export them, and the networks are trained for a
minute, so the bundle means nothing and says so. Of its own it writes one file, the configuration of the networks.

    python tools/end_to_end.py --out work/end-to-end
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

SPACING = ("1.25", "3", "3")
CONFIGURATION = """\
# Networks for a rehearsal: a minute of training, on phantoms of coarse pixels.

width = "small"
windows = [[0, 80]]
steps = 60
batch = 4
crop = [64, 64]
dice_weight = 0.5
optimiser = "adamw-one-cycle"
learning_rate = 3e-3
validate_every = 60
validation_stride = 8
"""
Main = Callable[[Sequence[str]], int | None]
MAINS = {program: f"{program}.__main__" for program in ("phantom", "training", "calibration", "export")}
MAINS["strokebox"] = "appliance.cli"
"""The module whose `main` is the program."""


def main(words: Sequence[str] | None = None) -> int:
    """Run all commands, up to the first that fails: its exit code."""
    parser = argparse.ArgumentParser(prog="python tools/end_to_end.py", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="an empty folder, or a new one")
    out: Path = parser.parse_args(words).out
    if out.exists() and any(out.iterdir()):
        parser.error(f"{out} is not empty")
    out.mkdir(parents=True, exist_ok=True)
    (out / "rehearsal.toml").write_text(CONFIGURATION, encoding="utf-8")
    for program, *arguments in commands(out):
        prefix = "" if program == "strokebox" else "python -m "
        print(f"$ {prefix}{shlex.join([program, *arguments])}", flush=True)
        # Imported when it is their turn: the processes that make phantoms import this file too, and need none of it.
        run: Main = import_module(MAINS[program]).main
        if code := run(arguments):
            return code
    return 0


def commands(out: Path) -> Iterator[list[str]]:
    """Each command as its words, first the program; all of its files under `out`."""
    heads, one_by_one = {}, ("--processes", "1")
    for purpose, count in (("training", "8"), ("calibration", "3")):
        folder, cohort = out / "patients" / purpose, str(out / f"{purpose}.json")
        heads[purpose] = out / "heads" / purpose
        yield ["phantom", "cohort", purpose, count, "--spacing", *SPACING, "--out", str(folder)]
        yield ["training", "cohort", str(folder / "patients.csv"), "--out", cohort]
        yield ["training", "prepare", cohort, "--out", str(heads[purpose]), *one_by_one]
    golden = str(out / "heads" / "golden")
    phantoms = ("prepare-phantoms", "validation", "3", "--spacing", *SPACING, *one_by_one)
    yield ["training", *phantoms, "--out", golden]
    training, validation = (str(heads["training"] / split) for split in ("training", "validation"))
    learnt = ("--heads", training, "--validation-heads", validation)
    run = ["training", "run", "--config", str(out / "rehearsal.toml"), "--out", str(out / "runs")]
    loaded = ("--threads", "1", "--processes", "0")
    yield [*run, "--plane", "axial", "--seed", "1", "2", *learnt, *loaded]
    yield [*run, "--plane", "coronal", "sagittal", "--seed", "1", *learnt, *loaded]

    axial, *others = (str(out / "runs" / f"rehearsal-{which}") for which in ("axial-1", "coronal-1", "sagittal-1"))
    second = str(out / "runs" / "rehearsal-axial-2")
    yield ["calibration", "ensemble", axial, second, "--best", "2", "--out", str(out / "axial.json")]
    runs = ("--runs", axial, second, *others)
    calibrated = (*runs, "--heads", str(heads["calibration"] / "training"), "--threads", "1")
    coefficients, numbers = str(out / "coefficients.json"), str(out / "calibration.json")
    yield ["calibration", "coefficients", *calibrated, "--out", coefficients]
    yield ["calibration", "classifier", *calibrated, "--calibration", coefficients, "--out", numbers]
    yield [
        *("calibration", "evaluate", *runs, "--calibration", numbers, "--heads", validation),
        *("--threads", "1", "--out", str(out / "table")),
    ]
    bundle = str(out / "bundle")
    yield [
        *("export", "bundle", *runs, "--calibration", numbers, *learnt, "--golden-heads", golden),
        *("--provisional", "--name", "rehearsal", "--version", "0", "--serial", "1", "--out", bundle),
    ]
    study = str(out / "study")
    yield ["phantom", "--seed", "5", "--stroke", "IH", "--spacing", *SPACING, "--out", study]
    yield ["strokebox", "analyse", study, "--engines", bundle, "--allow-unsigned", "--out", str(out / "results")]


if __name__ == "__main__":
    sys.exit(main())
