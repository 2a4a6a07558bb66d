"""Mutants of compressed images through the reader, in a process of their own: GDCM is C and may end it.

`python -m tests.runtime.mutants FOLDER SYNTAX SEED COUNT`: every other mutant is cut short, with or without zeros for
what is lost, the others have bytes changed. Prints how many were read and how many were coded; 'silent' are short ones
that were read as another picture than the whole one.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phantom.compression import compress
from phantom.enhanced import write_enhanced
from phantom.identity import StudyIdentity
from phantom.series import SeriesSettings
from runtime.dicom import read_studies
from runtime.errors import StudyRejected
from runtime.pixels import Budget, read_pixels
from runtime.volume import Geometry, Volume
from tests.dicom_files import write_image

ENHANCED = "enhanced"
"""Instead of a syntax: an uncompressed multi-frame file, for its functional groups."""
_HEADER_BYTES = 132


def outcome(path: Path, original: NDArray[np.int16], short: bool) -> str:
    """What becomes of one file; whatever is not coded leaves as it is raised."""
    try:
        images = [read_pixels(one, Budget()) for study in read_studies([path]).studies for one in study.series]
    except StudyRejected:
        return "coded"
    return "silent" if short and not all(np.array_equal(hu, original) for hu in images) else "read"


def shortened(whole: bytes, rng: np.random.Generator) -> bytes:
    length = int(rng.integers(_HEADER_BYTES, len(whole)))
    return whole[:length] + bytes(len(whole) - length) * int(rng.integers(2))


def altered(whole: bytes, rng: np.random.Generator) -> bytes:
    mutant = bytearray(whole)
    for place in rng.integers(_HEADER_BYTES, len(whole), rng.integers(1, 5)):
        mutant[place] = rng.integers(256)
    return bytes(mutant)


def main(folder: Path, syntax: str, seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    path = folder / "mutant"
    hu = rng.integers(-20, 21, (9, 24, 32)).cumsum(axis=2).astype(np.int16)
    if syntax == ENHANCED:
        volume = Volume(hu, Geometry.axis_aligned((9, 24, 32), (5.0, 1.0, 1.0)))
        write_enhanced(volume, path, SeriesSettings(StudyIdentity.of(1), matrix=None))
    else:
        compress(write_image(path, hu[0], RescaleIntercept=0), syntax)
    (one,) = read_studies([path]).studies[0].series
    original, whole = read_pixels(one, Budget()), path.read_bytes()
    found: Counter[str] = Counter()
    for number in range(count):
        short = number % 2 == 0
        path.write_bytes(shortened(whole, rng) if short else altered(whole, rng))
        found[outcome(path, original, short)] += 1
    print(found["read"], found["coded"], found["silent"])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
