"""`python -m appliance.trial BUNDLE PLANS DEVICE STATE SERVICE WORKSPACE LEVEL PARENT`: a trial of engines.

They are built and loaded on this machine, in a process that may die of them, compute the bundle's golden cases, and
must agree with them within bounds of memory and time. Nothing is published and no study is touched. Prints one line of
JSON: what was measured.

That a GPU worked here is remembered in STATE, the update's own, and looked up in SERVICE, the service's state folder,
too, which an update under systemd can't see.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from runtime.bundle import Bundle, open_bundle
from runtime.engines.loading import Device, OnGpuLoss, Wish, find_nvidia, running_engines
from runtime.engines.on_gpu import Nvidia
from runtime.engines.tensorrt_build import AskedOptions
from runtime.errors import EngineError, GoldenMismatch, StrokeboxError
from runtime.golden import GoldenCase, check_case, open_case

_PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that comes when the parent ends."""
STUDY_VOXELS = 350 * 450 * 160
"""Of a head cut to its box, on a grid of 1 mm."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What engines may take."""

    study_seconds: float = 3600.0
    """For a whole study, worked out from the golden cases."""
    peak_mib: float = 16384.0
    """Of the trial's process."""

    @classmethod
    def of_machine(cls) -> Bounds:
        """Half of the memory that there is."""
        return cls(peak_mib=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2 / (1 << 20))


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one trial. backend: what the engines ran on."""

    backend: str
    cases: int
    load_seconds: float
    study_seconds: float
    peak_mib: float


def try_out(bundle: Bundle, wish: Wish, bounds: Bounds, find: Callable[[], Nvidia] = find_nvidia) -> Measured:
    """Load the engines and check them. EngineError (GoldenMismatch among them), ConfigurationError say why not."""
    if not bundle.golden:
        raise GoldenMismatch("The bundle brings no golden case, so nothing says what it should compute.")
    cases = [_open(path) for path in bundle.golden]
    start = time.monotonic()
    with running_engines(bundle, wish, find) as running:
        if running.flags:
            raise EngineError(f"The GPU can't run them: {running.flags[0].detail}")
        loaded = time.monotonic()
        for case in cases:
            check_case(case, running.ensemble, bundle.manifest.spec, running.compute)
        seconds = (time.monotonic() - loaded) * STUDY_VOXELS / sum(case.hu.size for case in cases)
        backend = running.ensemble.backend
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if seconds > bounds.study_seconds:
        raise EngineError(f"A study would take {seconds:.0f} s here; at most {bounds.study_seconds:.0f} are allowed.")
    if peak > bounds.peak_mib:
        raise EngineError(f"They take {peak:.0f} MiB of memory; at most {bounds.peak_mib:.0f} are allowed here.")
    where = f"{backend.name} {backend.version}, {backend.device}"
    return Measured(where, len(cases), round(loaded - start, 1), round(seconds, 1), round(peak))


def _open(path: Path) -> GoldenCase:
    try:
        return open_case(path)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise GoldenMismatch(f"The golden case {path.name} can't be read.") from error


def main(words: Sequence[str], find: Callable[[], Nvidia] = find_nvidia) -> int:
    """The words are the module's, `find` is running_engines'.

    Where the trial fails, the reason goes to standard error and the error's code is the exit code. The process ends
    with its parent: nobody would wait for the answer, and the next trial may begin.
    """
    bundle, plans, device, state, service, workspace, level, parent = words
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # it ended before that
        return 1
    build = AskedOptions(int(workspace), int(level))
    wish = Wish(Device(device), OnGpuLoss.STOP, Path(plans), Path(state), other_state=Path(service), build=build)
    try:
        measured = try_out(open_bundle(Path(bundle)), wish, Bounds.of_machine(), find)
    except StrokeboxError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(json.dumps(asdict(measured)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
