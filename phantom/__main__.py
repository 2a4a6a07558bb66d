"""`python -m phantom`: a synthetic head as a DICOM study in a folder, and the truth in a JSON file beside it.

`python -m phantom cohort` writes many, with labels: see its --help.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from phantom import cohort_command
from phantom.identity import StudyIdentity
from phantom.study import truth_of, write_study
from phantom.synthesis import synthesise
from runtime.classification import StrokeClass


def main(arguments: Sequence[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["cohort"]:
        return cohort_command.main(arguments[1:])
    parser = argparse.ArgumentParser(prog="python -m phantom", description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--stroke", choices=["IS", "IH", "none"], required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder to make; OUT.truth.json lies beside it")
    parser.add_argument("--thick", type=float, metavar="MM", help="also a series of slices this thick")
    parser.add_argument("--tilt", type=float, metavar="DEG", default=0.0, help="gantry tilt of all series")
    parser.add_argument(
        "--spacing", type=float, nargs=3, metavar=("Z", "Y", "X"), default=(1.0, 0.488, 0.488), help="voxels, mm"
    )
    options = parser.parse_args(arguments)
    if options.out.exists() and any(options.out.iterdir()):
        parser.error(f"{options.out} is not empty")
    stroke = None if options.stroke == "none" else StrokeClass(options.stroke)
    z, y, x = options.spacing
    head = synthesise(options.seed, stroke, spacing_mm=(z, y, x))
    write_study(head, options.out, StudyIdentity.of(head.seed), thick_mm=options.thick, tilt_degrees=options.tilt)
    truth = options.out.with_name(options.out.name + ".truth.json")
    truth.write_text(json.dumps(truth_of(head), indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
