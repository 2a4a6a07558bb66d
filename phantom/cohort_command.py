"""`python -m phantom cohort`: some of a cohort's heads as patients in DICOM, with labels and the table of patients.

`python -m training cohort` reads that table. docs/cohort.md says what the purposes are.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from phantom.cohort import Purpose, Scan, Size, cohort
from phantom.cohort_files import LabelForm, write_cohort
from phantom.donor_file import read_donor
from phantom.generator import generator_hash
from phantom.synthesis import synthesise_scan
from runtime.choice import one_of
from runtime.errors import StrokeboxError

_THIN_MM = 1.0


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m phantom cohort", description=__doc__)
    parser.add_argument("purpose", **one_of(Purpose))
    parser.add_argument("count", type=int, help="of the purpose's first seeds on")
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    parser.add_argument("--donor", type=Path, help="NIfTI of a healthy head in HU, or of the scct template")
    parser.add_argument("--labels", **one_of(LabelForm), default=LabelForm.SEG)
    parser.add_argument("--thick", type=float, metavar="MM", default=5.0, help="slices that the labels are drawn on")
    parser.add_argument(
        "--spacing", type=float, nargs=3, metavar=("Z", "Y", "X"), help="of all heads, instead of their own"
    )
    options = parser.parse_args(arguments)
    if options.out.exists() and any(options.out.iterdir()):
        parser.error(f"{options.out} is not empty")
    try:
        scans = [_thin(scan, options.spacing) for scan in cohort(options.purpose, options.count, Size.FULL)]
        donor = None if options.donor is None else read_donor(options.donor)
        table = write_cohort(
            (synthesise_scan(scan, donor) for scan in scans), options.out, options.labels, options.thick
        )
    except StrokeboxError as error:
        parser.exit(error.exit_code, f"{error}\n")
    except ValueError as error:
        parser.error(str(error))
    print(f"generator  {generator_hash()}\ntable      {table}")
    return 0


def _thin(scan: Scan, spacing: Sequence[float] | None) -> Scan:
    """The same head in thin slices, since the thick series comes beside them."""
    if spacing is not None:
        z, y, x = spacing
        return replace(scan, spacing_mm=(z, y, x))
    z, y, x = scan.spacing_mm
    return replace(scan, spacing_mm=(min(z, _THIN_MM), y, x))
