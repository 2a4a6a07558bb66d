"""A trial's process, watched: however it ends, that is an answer about the engines, and this process lives on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.program import program_of
from appliance.trial import Measured
from runtime.engines.loading import Device
from runtime.engines.tensorrt_build import AskedOptions
from runtime.errors import ConfigurationError, EngineError

LONGEST_SECONDS = 4 * 3600.0
"""TensorRT tries kernels for minutes, network by network."""
_POLL_SECONDS = 0.1
_LARGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class TrialProcess:
    """How trials run here. plans: where plans and compiled models are kept, for the service to read

    state: where it is remembered that a GPU worked in a trial; service: the service's state folder, if it can be seen
    build: what plans are built with, as by the service
    program: what is given the words that appliance/trial.py is given
    """

    plans: Path
    device: Device
    state: Path
    service: Path
    build: AskedOptions
    longest_seconds: float = LONGEST_SECONDS
    program: Sequence[str] = program_of("appliance.trial")

    def __call__(self, bundle: Path, check: Callable[[], None]) -> Measured:
        """Try the engines in `bundle`. EngineError says in a sentence why they failed.

        `check` is called all the while and may raise: the process is ended then.
        """
        build = self.build.workspace_mib, self.build.optimisation_level
        words = bundle, self.plans, self.device.value, self.state, self.service, *build, os.getpid()
        command = [*self.program, *map(str, words)]
        deadline = time.monotonic() + self.longest_seconds
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            try:
                started = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=errors)
            except OSError as error:
                raise ConfigurationError(f"The trial can't be started: {error.strerror}.") from error
            with started as child:
                try:
                    while child.poll() is None and time.monotonic() < deadline:
                        check()
                        time.sleep(_POLL_SECONDS)
                finally:
                    late = child.poll() is None
                    child.kill()
            check()
            out.seek(0)
            errors.seek(0)
            if late:
                raise EngineError(f"The trial was not done after {self.longest_seconds:.0f} s.")
            if child.returncode != 0:
                raise EngineError(_reason(child.returncode, errors.read()))
            measured = Measured(**json.loads(out.read()))
        _open_to_readers(self.plans)
        return measured


def _reason(code: int, said: bytes) -> str:
    if code < 0:
        return f"The trial's process ended with {signal.Signals(-code).name}."
    lines = said.decode(errors="replace").strip().splitlines() or ["It said nothing."]
    return lines[-1][:_LARGEST_REASON]


def _open_to_readers(folder: Path) -> None:
    """The worker is another user, and reads what was built here. Only the owner may write."""
    for inner, _, names in os.walk(folder):
        Path(inner).chmod(0o755)
        for name in names:
            Path(inner, name).chmod(0o644)
