"""Plans on disk, each under a key of all that it depends on: a plan that fits no longer is built anew, never loaded.

A plan is native code to whoever loads it, so its own SHA-256 is written down when it is built and compared before
TensorRT sees it. That finds files that were damaged or mixed up; whoever can write into the folder can replace both,
so it is the user's alone. It is a cache: it may be lost at any time.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from runtime.engines.gpu import Gpu
from runtime.engines.profile import Profile
from runtime.engines.tensorrt_build import AskedOptions, BuildOptions, Built, default_options
from runtime.errors import ConfigurationError
from runtime.whole_files import write_whole

_log = logging.getLogger(__name__)
FOLDER = "plans"
TIMING_CACHE = "timing.cache"
OPTIONS = "options.json"
_OTHERS_CAN_WRITE = 0o022


@dataclass(frozen=True, slots=True)
class PlanKey:
    """All that a plan depends on.

    onnx_sha256: of the network's file; tensorrt: vendor and version; driver, cuda: versions; gpu: name and compute
    capability, or the capability alone that it is built for ahead of time, where driver and cuda are empty
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
    """A plan's content, with what was written down when it was built. kept: whether it is at `path`, too."""

    path: Path
    content: bytes
    layers: int
    seconds: float
    kept: bool = True


@dataclass(frozen=True, slots=True)
class Plans:
    """The folder of a box; it is made when the first plan is.

    shelf: another such folder, looked into first and only read: plans that an update of the engines has built
    asked: what plans are built with, the same wherever they are built; None: what `choose` was last given here
    """

    folder: Path
    shelf: Path | None = None
    asked: AskedOptions | None = None

    @classmethod
    def within(cls, cache: Path, shelf: Path | None = None, asked: AskedOptions | None = None) -> Plans:
        """Those of cache folders that hold other things, too."""
        return cls(cache / FOLDER, shelf and shelf / FOLDER, asked)

    def options(self, gpu: Gpu) -> BuildOptions:
        """What plans for `gpu`, this machine's, are built with; where nobody said anything, the defaults."""
        if self.asked is not None:
            return self.asked.of(gpu)
        try:
            return BuildOptions(**json.loads((self.folder / OPTIONS).read_text(encoding="utf-8")))
        except FileNotFoundError:
            pass
        except (OSError, TypeError, ValueError) as error:
            _log.warning("%s can't be read: plans are built with the defaults (%r)", OPTIONS, error)
        return default_options(gpu)

    def choose(self, options: BuildOptions) -> None:
        """Build this machine's plans with these from now on. ConfigurationError where that can't be written."""
        try:
            write_whole(self.folder / OPTIONS, json.dumps(asdict(options)).encode())
        except OSError as error:
            raise ConfigurationError(f"Plans can't be kept in {self.folder}: {error.strerror}.") from error

    @property
    def timing_cache(self) -> Path:
        return self.folder / TIMING_CACHE

    def get(self, key: PlanKey) -> Plan | None:
        """The plan, if there is one and it is what was built."""
        shelved = Plans(self.shelf).get(key) if self.shelf else None
        if shelved is not None:
            return shelved
        path, record = self._paths(key)
        try:
            if self.folder.stat().st_mode & _OTHERS_CAN_WRITE:
                _log.warning("others can write to %s: no plan there is loaded; `chmod go-w` mends it", self.folder)
                return None
            about = json.loads(record.read_text(encoding="utf-8"))
            content = path.read_bytes()
            if about["sha256"] == hashlib.sha256(content).hexdigest():
                return Plan(path, content, int(about["layers"]), float(about["seconds"]))
        except FileNotFoundError:
            return None
        except (OSError, KeyError, TypeError, ValueError) as error:
            _log.warning("the record of plan %s can't be read: it is built again (%r)", path.name, error)
            return None
        _log.warning("plan %s is not what was built: it is built again", path.name)
        return None

    def made(self, key: PlanKey, build: Callable[[], Built]) -> Plan:
        """The plan, built now if need be. Where it can't be kept the log says so. Raises what `build` raises."""
        if (plan := self.get(key)) is not None:
            return plan
        self._open()
        built = build()
        path, record = self._paths(key)
        try:
            record.unlink(missing_ok=True)  # the record comes last: a plan without one is none
            write_whole(path, built.plan)
            write_whole(record, _record(key, built))
        except OSError as error:
            _log.warning("plan %s can't be kept and will be built again next time: %s", path.name, error)
            return Plan(path, built.plan, built.layers, built.seconds, kept=False)
        return Plan(path, built.plan, built.layers, built.seconds)

    def _open(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            _log.warning("plans can't be kept: %s", error)

    def _paths(self, key: PlanKey) -> tuple[Path, Path]:
        return self.folder / f"{key.digest}.plan", self.folder / f"{key.digest}.json"


def _record(key: PlanKey, built: Built) -> bytes:
    about = {"sha256": hashlib.sha256(built.plan).hexdigest(), "layers": built.layers, "seconds": built.seconds}
    return json.dumps({**about, "key": asdict(key)}, indent=1).encode()
