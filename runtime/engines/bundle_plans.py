"""A bundle's networks as plans: what each depends on, and the plan itself, the same for whoever asks.

`strokebox engines build`, `python -m export plan` and the engines of a box all come here, so that a plan that one of
them built is found by the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from runtime.bundle import Bundle
from runtime.engines.ahead_of_time import capability_name
from runtime.engines.gpu import Gpu
from runtime.engines.plans import Plan, PlanKey, Plans
from runtime.engines.profile import Profile
from runtime.engines.tensorrt_build import BuildOptions, Built, build_plan
from runtime.engines.vendor import TensorRt, Vendor
from runtime.planes import Plane
from runtime.progress import Progress, silent


@dataclass(frozen=True, slots=True)
class Target:
    """What plans are built by and for. gpu: None for those built ahead, for the capability of the options.

    TensorRT for RTX compiles for GPU and driver when it loads a plan, so its plans are always built ahead: those of
    this machine's GPU are those of its capability. ValueError where there is neither a GPU nor a capability, or both.
    """

    tensorrt: TensorRt
    options: BuildOptions
    gpu: Gpu | None

    def __post_init__(self) -> None:
        if (self.gpu is None) == (not self.options.capability):
            raise ValueError("a target is either this machine's GPU or a compute capability")

    @classmethod
    def this_machine(cls, tensorrt: TensorRt, options: BuildOptions, gpu: Gpu) -> Target:
        """For `gpu`, which is this machine's."""
        if tensorrt.vendor is Vendor.RTX:
            return cls(tensorrt, replace(options, capability=capability_name(gpu)), None)
        return cls(tensorrt, options, gpu)

    def __str__(self) -> str:
        return str(self.gpu) if self.gpu else self.options.capability

    def key(self, onnx_sha256: str, profile: Profile) -> PlanKey:
        """What the plan of a network depends on."""
        driver, cuda = (self.gpu.driver, self.gpu.cuda) if self.gpu else ("", "")
        return PlanKey(onnx_sha256, str(self.tensorrt), driver, cuda, str(self), profile, self.options)


def made_plan(
    bundle: Bundle,
    file: str,
    plane: Plane,
    target: Target,
    plans: Plans,
    progress: Progress = silent,
    build: Callable[..., Built] = build_plan,
) -> Plan:
    """The plan of one of the manifest's models, found or built. EngineError, ConfigurationError as of build_plan."""
    profile = bundle.manifest.profiles[plane]
    key = target.key(bundle.manifest.files[file][0], profile)
    onnx, cache = bundle.folder / file, plans.timing_cache
    return plans.made(key, lambda: build(target.tensorrt, onnx, profile, target.options, cache, progress))
