"""Opening a series: ours, from files to a volume in HU with all its checks, against dcm2niix, from files to NIfTI."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.prepared import prepare, reader

DCM2NIIX = Path(sys.executable).parent / "dcm2niix"


@dataclass(frozen=True, slots=True)
class Opening:
    """The best of some tries each, taken in turn; files in the page cache."""

    slices: int
    dcm2niix_seconds: float
    our_seconds: float

    @property
    def ratio(self) -> float:
        """How many times longer ours takes."""
        return self.our_seconds / self.dcm2niix_seconds


def processor_seconds() -> float:
    """Of this process and of its children that have ended; in steps of 10 ms."""
    return sum(os.times()[:4])


CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "processor": processor_seconds}
"""As in task.CLOCKS, but with dcm2niix, which is a child."""


def compare_opening(series: Path, clock: Callable[[], float], tries: int = 5) -> Opening | None:
    """None where dcm2niix is not installed. RuntimeError where it fails, or ours reads no volume."""
    if not DCM2NIIX.exists():
        return None
    theirs, ours = [], []
    slices = 0
    for _ in range(tries):
        with tempfile.TemporaryDirectory() as out:
            start = clock()
            done = subprocess.run([DCM2NIIX, "-z", "n", "-o", out, series], capture_output=True, text=True)
            theirs.append(clock() - start)
            if done.returncode or not list(Path(out).glob("*.nii")):
                raise RuntimeError(f"dcm2niix: {done.stdout}{done.stderr}")
        start = clock()
        prepared = prepare(series, reader())
        ours.append(clock() - start)
        if prepared.volume is None:
            raise RuntimeError(f"the study was not read: {prepared.reason}")
        slices = prepared.volume.shape[0]
    return Opening(slices, min(theirs), min(ours))
