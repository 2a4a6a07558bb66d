"""Plans on disk, each under a key of all that it depends on: a plan that fits no longer is built anew, never loaded.

A plan is native code to whoever loads it, so its own SHA-256 is written down when it is built and compared before
TensorRT sees it. The folder is a cache: it may be lost at any time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from runtime.engines.profile import Profile
from runtime.engines.tensorrt_build import BuildOptions, Built

_log = logging.getLogger(__name__)
TIMING_CACHE = "timing.cache"


@dataclass(frozen=True, slots=True)
class PlanKey:
    """All that a plan depends on.

    onnx_sha256: of the network's file; tensorrt: vendor and version; driver, cuda: versions; gpu: name and compute
    capability, or the capabilities that it is built for ahead of time
    """

    onnx_sha256: str
    tensorrt: str
    driver: str
    cuda: str
    gpu: str
    profile: Profile
    options: BuildOptions

    @property
    def digest(self) -> str:
        """A file name: SHA-256 over all of it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan in the folder: its content, and what was written down when it was built (layers, seconds, size)."""

    path: Path
    content: bytes
    layers: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Plans:
    """The folder of a box; it is made when the first plan is."""

    folder: Path

    @property
    def timing_cache(self) -> Path:
        return self.folder / TIMING_CACHE

    def get(self, key: PlanKey) -> Plan | None:
        """The plan, if there is one and it is what was built."""
        path, record = self._paths(key)
        try:
            about = json.loads(record.read_text(encoding="utf-8"))
            content = path.read_bytes()
            if about["sha256"] == hashlib.sha256(content).hexdigest():
                return Plan(path, content, about["layers"], about["seconds"])
        except FileNotFoundError:
            return None
        except (OSError, KeyError, TypeError, ValueError) as error:
            _log.warning("the record of plan %s can't be read (%s)", path.name, error)
            return None
        _log.warning("plan %s is not what was built: it is built again", path.name)
        return None

    def made(self, key: PlanKey, build: Callable[[], Built]) -> Plan:
        """The plan, built now if need be. What `build` raises; OSError where it can't be kept."""
        if (plan := self.get(key)) is not None:
            return plan
        self.folder.mkdir(parents=True, exist_ok=True)
        built = build()
        path, record = self._paths(key)
        sha256 = hashlib.sha256(built.plan).hexdigest()
        about: dict[str, Any] = {"sha256": sha256, "layers": built.layers, "seconds": round(built.seconds, 1)}
        record.unlink(missing_ok=True)  # the record comes last: a plan without one is none
        _write(path, built.plan)
        _write(record, json.dumps({**about, "key": asdict(key)}, indent=1).encode())
        return Plan(path, built.plan, built.layers, built.seconds)

    def _paths(self, key: PlanKey) -> tuple[Path, Path]:
        return self.folder / f"{key.digest}.plan", self.folder / f"{key.digest}.json"


def _write(path: Path, content: bytes) -> None:
    """Whole, or not at all, and there after a power cut."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
