"""The service with engines that live in memory: the same processes and files, without networks.

`python -m tests.memory_service [--pause SECONDS] [--broken] serve --config FILE`; else what `strokebox serve` does.
`--pause` is what each call of an engine takes longer; `--broken` engines fail as a GPU does, and have a spare. Studies
come from `write_study`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from appliance.case import Setup
from appliance.service import RoleName, serve
from appliance.settings import Settings
from phantom.identity import Patient, StudyIdentity
from phantom.series import SeriesSettings, write_series
from runtime.codes import Code, Flag
from runtime.compute import cpu
from runtime.engines.base import Ensemble
from runtime.engines.memory import MemoryEngine
from runtime.errors import EngineError, StrokeboxError
from runtime.planes import Plane
from runtime.provenance import Provenance
from runtime.volume import Box, Volume
from tests import builders
from tests.appliance import outcomes

PLANTED: Box = (slice(26, 32), slice(36, 48), slice(18, 28))
PLANTED_HU = 2500


def bright(images: NDArray[np.float32], pause_seconds: float = 0.0) -> NDArray[np.float32]:
    """IH where a voxel is brighter than any bone; IS nowhere."""
    time.sleep(pause_seconds)
    found = np.zeros((len(images), 2, *images.shape[2:]), dtype=np.float32)
    found[:, 1] = images[:, 0] == 1
    return found


def broken(_: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a GPU does after an error."""
    raise EngineError("CUDA says: an illegal memory access was encountered.")


@contextmanager
def memory_engines(
    settings: Settings | None = None, pause_seconds: float = 0.0, is_broken: bool = False
) -> Iterator[Setup]:
    """A setup as `appliance.analyse.running` makes it; the settings change nothing."""
    predict = broken if is_broken else partial(bright, pause_seconds=pause_seconds)
    ensemble = Ensemble({plane: (MemoryEngine(predict),) for plane in Plane})
    with ensemble.running():
        yield Setup(
            ensemble=ensemble,
            compute=cpu(),
            spec=builders.spec(windows=((1800.0, 2400.0),)),
            provenance=Provenance("memory", "1", 1, "00" * 32, "memory 1", "float32", "cpu", len(Plane)),
            engine_flags=(),
            software_version="0",
            now=lambda: datetime.now().astimezone(),
            clock=time.monotonic,
            spare=spare_engines if is_broken else None,
        )


@contextmanager
def spare_engines() -> Iterator[Setup]:
    """Those of the CPU, where others are the GPU's."""
    with memory_engines() as setup:
        yield replace(setup, engine_flags=(Flag(Code.CPU_FALLBACK),))


def write_study(folder: Path, number: int) -> list[Path]:
    """A small head with a bright box on the right, as 44 slices of a patient of its own."""
    head = outcomes.head()
    hu = head.hu.copy()
    hu[PLANTED] = PLANTED_HU
    identity = replace(StudyIdentity.of(number), patient=Patient(f"Canary^Number{number}", f"ID-{number}"))
    return write_series(Volume(hu, head.geometry), folder, SeriesSettings(identity, matrix=None))


def main() -> None:
    """The commands' own arguments."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pause", type=float, default=0.0)
    parser.add_argument("--broken", action="store_true")
    parser.add_argument("command", choices=["serve"])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--role", type=RoleName)
    parser.add_argument("--supervisor", type=int)
    options = parser.parse_args()
    program = [sys.executable, "-m", "tests.memory_service", "--pause", str(options.pause)]
    program += ["--broken"] if options.broken else []
    make_setup = partial(memory_engines, pause_seconds=options.pause, is_broken=options.broken)
    try:
        serve(options.config, options.role, options.supervisor, make_setup=make_setup, program=program)
    except StrokeboxError as error:
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
