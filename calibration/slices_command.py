"""`python -m calibration slices`: a bundle's axial networks on single labelled slices of patients. Parses and calls."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.evaluation import ALONE
from calibration.networks import of_bundle
from calibration.slice_files import SETS, Part, SliceSet, open_slices
from calibration.slice_report import draw_slices, markdown, scores_csv
from calibration.slices import SliceScore, Window, axial_mask, fitted_window, to_hu
from runtime.bundle import open_bundle
from runtime.choice import one_of
from runtime.fusion import plane_probability
from runtime.planes import Plane


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `slices`, which sets `command`, called with the parsed arguments."""
    slices = commands.add_parser("slices", help="axial networks on single labelled slices of patients, 8 bits deep")
    slices.add_argument("--bundle", type=Path, required=True, help="a bundle folder")
    slices.add_argument("--data", type=Path, required=True, help="the folder that holds cpaisd/ and ct-ich/")
    slices.add_argument("--part", **one_of(Part), required=True, help="test is read once, at the end")
    slices.add_argument("--out", type=Path, required=True, help="a folder for the table and pictures")
    slices.set_defaults(command=_slices)


def _slices(arguments: argparse.Namespace) -> None:
    ensemble, windows = of_bundle(arguments.bundle)
    bundle = open_bundle(arguments.bundle)
    k = bundle.manifest.spec.coefficients[Plane.AXIAL]
    of_set = {one: open_slices(arguments.data, one, arguments.part) for one in SETS}
    greys_in = {one.name: one.window or _fitted(arguments.data, one) for one in SETS}
    slices = [one for of_one in of_set.values() for one in of_one]
    hu = {its_set: [to_hu(one.grey, greys_in[its_set.name]) for one in of_one] for its_set, of_one in of_set.items()}
    masks: dict[str, list[NDArray[np.uint8]]] = {}
    with ensemble.running():
        for of_one_set in hu.values():
            probability = plane_probability(np.stack(of_one_set), Plane.AXIAL, ensemble, windows)
            for threshold in dict.fromkeys((ALONE, k)):
                masks.setdefault(f"P > {threshold:g}", []).extend(axial_mask(probability, threshold))
    scores = {row: [SliceScore.of(*pair) for pair in zip(slices, of_row, strict=True)] for row, of_row in masks.items()}
    about = f"{bundle.manifest.name} {bundle.manifest.version}, manifest {bundle.manifest_sha256}"
    table, last = f"Part '{arguments.part.value}', by {about}.\n\n{markdown(scores, greys_in)}", list(masks)[-1]
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "slices.md").write_text(table, encoding="utf-8")
    (arguments.out / "slices.csv").write_text(scores_csv(scores), encoding="utf-8")
    every = [one for of_one_set in hu.values() for one in of_one_set]
    draw_slices(slices, every, masks[last], scores[last]).savefig(arguments.out / "slices.png")
    print(table)


def _fitted(data: Path, one: SliceSet) -> Window:
    """Always on the part for choices: a window is one."""
    return fitted_window([of_one.grey for of_one in open_slices(data, one, Part.CHOICE)])
