"""A TensorRT that builds one network of three layers without looking at it, and notes how it was asked to.

The flag for strongly typed networks is 1 here, as in TensorRT 10.3; in TensorRT for RTX it is 0, and bit 0 is another
thing in TensorRT 10. What NVIDIA's own has not, such as compute capabilities to build for, is not here either.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum

from runtime.engines.vendor import TensorRt, Vendor
from tests.fake_tensorrt import VERSION, FakeLogger, Shape

CHANNELS = 3


class FakeCreationFlag(IntEnum):
    """See trt.NetworkDefinitionCreationFlag."""

    EXPLICIT_BATCH = 0
    STRONGLY_TYPED = 1


class FakePool(Enum):
    """See trt.MemoryPoolType."""

    WORKSPACE = 0
    TACTIC_DRAM = 4


class FakeMonitor:
    """See trt.IProgressMonitor."""


@dataclass(slots=True)
class FakeInput:
    """See trt.ITensor."""

    name: str = "images"
    shape: Shape = (-1, CHANNELS, -1, -1)


@dataclass(slots=True)
class FakeNetwork:
    """See trt.INetworkDefinition. parsed: the file that was read into it."""

    flags: int
    parsed: str = ""

    @property
    def num_layers(self) -> int:
        return 3 if self.parsed else 0

    def get_input(self, index: int) -> FakeInput:
        assert index == 0
        assert self.parsed
        return FakeInput()


@dataclass(slots=True)
class FakeParser:
    """See trt.OnnxParser."""

    network: FakeNetwork
    logger: FakeLogger
    num_errors: int = 0

    def parse_from_file(self, model: str) -> bool:
        self.network.parsed = model
        return True


@dataclass(slots=True)
class FakeProfile:
    """See trt.IOptimizationProfile."""

    shapes: dict[str, tuple[Shape, Shape, Shape]] = field(default_factory=dict)

    def set_shape(self, input: str, min: Shape, opt: Shape, max: Shape) -> None:  # noqa: A002  # TensorRT's names
        self.shapes[input] = (min, opt, max)


@dataclass(slots=True)
class FakeCache:
    """See trt.ITimingCache."""

    content: bytes

    def serialize(self) -> bytes:
        return self.content + b"timed."


@dataclass(slots=True)
class FakeConfig:
    """See trt.IBuilderConfig; it takes no other settings than these."""

    builder_optimization_level: int = 3
    progress_monitor: FakeMonitor | None = None
    limits: dict[FakePool, int] = field(default_factory=dict)
    profiles: list[FakeProfile] = field(default_factory=list)
    caches: list[FakeCache] = field(default_factory=list)

    def set_memory_pool_limit(self, pool: FakePool, pool_size: int) -> None:
        self.limits[pool] = pool_size

    def add_optimization_profile(self, profile: FakeProfile) -> int:
        self.profiles.append(profile)
        return len(self.profiles) - 1

    def create_timing_cache(self, serialized_timing_cache: bytes) -> FakeCache:
        return FakeCache(serialized_timing_cache)

    def set_timing_cache(self, cache: FakeCache, ignore_mismatch: bool) -> bool:
        assert not ignore_mismatch
        self.caches.append(cache)
        return True


@dataclass(frozen=True)
class Asked:
    """What a plan was built of, as things were at that moment."""

    flags: int
    onnx: str
    level: int
    limits: dict[FakePool, int]
    profiles: list[dict[str, tuple[Shape, Shape, Shape]]]
    caches: list[bytes]


class FakeBuilder:
    """See trt.Builder."""

    def __init__(self, module: FakeBuilding, logger: FakeLogger) -> None:
        self._module, self._logger = module, logger

    def create_network(self, flags: int) -> FakeNetwork:
        return FakeNetwork(flags)

    def create_builder_config(self) -> FakeConfig:
        return FakeConfig()

    def create_optimization_profile(self) -> FakeProfile:
        return FakeProfile()

    def build_serialized_network(self, network: FakeNetwork, config: FakeConfig) -> bytes | None:
        self._module.asked.append(
            Asked(
                network.flags,
                network.parsed,
                config.builder_optimization_level,
                dict(config.limits),
                [dict(profile.shapes) for profile in config.profiles],
                [cache.content for cache in config.caches],
            )
        )
        if self._module.refuses:
            self._logger.log(FakeLogger.ERROR, self._module.refuses)
            return None
        return b"a plan"


class FakeBuilding:
    """See the module; this is what `import tensorrt` gives. refuses: what it says where it is to fail."""

    __version__ = VERSION
    ILogger, IProgressMonitor, OnnxParser = FakeLogger, FakeMonitor, FakeParser
    NetworkDefinitionCreationFlag, MemoryPoolType = FakeCreationFlag, FakePool

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.refuses = ""

    def Builder(self, logger: FakeLogger) -> FakeBuilder:
        return FakeBuilder(self, logger)


def fake_nvidias(module: FakeBuilding) -> TensorRt:
    """NVIDIA's own, as vendor.find_tensorrt finds it."""
    return TensorRt(Vendor.TENSORRT, module)
