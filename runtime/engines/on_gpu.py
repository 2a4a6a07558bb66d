"""All engines of a bundle on one GPU: their plans, their common memory, and the array library beside them.

It is given the GPU; whether there is one, and what to do where there is not, is loading.py's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from runtime.bundle import Bundle
from runtime.compute import Compute, gpu
from runtime.engines.base import Ensemble
from runtime.engines.cuda import Cuda, Gpu
from runtime.engines.memory_budget import TYPICAL_VOXELS, MemoryBudget, memory_budget
from runtime.engines.memory_plan import MemoryPlan, memory_plan
from runtime.engines.plans import PlanKey, Plans
from runtime.engines.profile import PROFILES
from runtime.engines.shared import Shared
from runtime.engines.tensorrt import TensorRtEngine
from runtime.engines.tensorrt_build import BuildOptions, Built, build_plan
from runtime.engines.upload import Upload
from runtime.engines.vendor import TensorRt
from runtime.errors import EngineError
from runtime.planes import Plane

_log = logging.getLogger(__name__)
OPTIONS = BuildOptions()


@dataclass(frozen=True, slots=True)
class Nvidia:
    """What a GPU is used by: CUDA, TensorRT, and how plans and the array library are made."""

    cuda: Cuda
    tensorrt: TensorRt
    build: Callable[..., Built] = build_plan
    compute: Callable[[Upload], Compute] = gpu


def on_gpu(bundle: Bundle, nvidia: Nvidia, plans: Plans | None, *, graphs: bool = False) -> tuple[Ensemble, Compute]:
    """The bundle's engines, not yet entered, and the Compute that fits them; `graphs` as in TensorRtEngine.

    A plan that is not there is built when its engine is entered, and kept in `plans`. EngineError, ConfigurationError.
    """
    budget = _budget(bundle, nvidia.cuda.gpu)
    shared = Shared(nvidia.cuda, nvidia.tensorrt, budget.batch, budget.pool)
    members = {
        plane: tuple(
            TensorRtEngine(onnx.name, partial(_plan, bundle, onnx, plane, nvidia, plans), shared, graphs=graphs)
            for onnx in bundle.models(plane)
        )
        for plane in Plane
    }
    return Ensemble(members), nvidia.compute(shared.upload)


def plan_key(bundle: Bundle, onnx: Path, plane: Plane, tensorrt: TensorRt, gpu: Gpu) -> PlanKey:
    """All that the plan of one network on this GPU depends on."""
    sha256, _ = bundle.manifest.files[onnx.relative_to(bundle.folder).as_posix()]
    return PlanKey(sha256, str(tensorrt), gpu.driver, gpu.cuda, str(gpu), PROFILES[plane], OPTIONS)


def _plan(bundle: Bundle, onnx: Path, plane: Plane, nvidia: Nvidia, plans: Plans | None) -> bytes:
    key = plan_key(bundle, onnx, plane, nvidia.tensorrt, nvidia.cuda.gpu)

    def build() -> Built:
        _log.warning("%s is built for %s, once; that can take minutes", onnx.name, nvidia.cuda.gpu)
        return nvidia.build(nvidia.tensorrt, onnx, key.profile, key.options, plans.timing_cache if plans else None)

    return plans.made(key, build).content if plans else build().plan


def _budget(bundle: Bundle, gpu: Gpu) -> MemoryBudget:
    models = {plane: bundle.models(plane) for plane in Plane}
    channels = len(bundle.manifest.spec.windows)

    def estimate(batch: int) -> MemoryPlan:
        profiles = {plane: replace(profile, batch=batch) for plane, profile in PROFILES.items()}
        return memory_plan(models, profiles, channels, TYPICAL_VOXELS, OPTIONS.workspace_mib)

    try:
        return memory_budget(gpu, max(profile.batch for profile in PROFILES.values()), estimate)
    except ValueError as error:
        raise EngineError(f"The engines can't be measured: {error}.") from error
