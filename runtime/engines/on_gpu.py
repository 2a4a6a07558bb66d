"""All engines of a bundle on one GPU: their plans, their common memory, and the array library beside them.

It is given the GPU; whether there is one, and what to do where there is not, is loading.py's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from runtime.bundle import Bundle
from runtime.compute import Compute, gpu
from runtime.engines.base import Ensemble
from runtime.engines.bundle_plans import Target, made_plan
from runtime.engines.cuda import Cuda
from runtime.engines.memory_budget import memory_budget
from runtime.engines.memory_plan import bundle_memory
from runtime.engines.plans import Plans
from runtime.engines.profile import BATCH
from runtime.engines.shared import Shared
from runtime.engines.tensorrt import TensorRtEngine
from runtime.engines.tensorrt_build import Built, build_plan, default_options
from runtime.engines.upload import Upload
from runtime.engines.vendor import TensorRt
from runtime.planes import Plane

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Nvidia:
    """What a GPU is used by: CUDA, TensorRT, and how plans and the array library are made."""

    cuda: Cuda
    tensorrt: TensorRt
    build: Callable[..., Built] = build_plan
    compute: Callable[[Upload], Compute] = gpu


def on_gpu(bundle: Bundle, nvidia: Nvidia, plans: Plans | None, *, graphs: bool = False) -> tuple[Ensemble, Compute]:
    """The bundle's engines, not yet entered, and the Compute that fits them; `graphs` as in TensorRtEngine.

    A plan that is not there is built now and kept in `plans`; without them, when its engine is entered. EngineError,
    ConfigurationError.
    """
    device = nvidia.cuda.gpu
    options = plans.options(device) if plans else default_options(device)
    budget = memory_budget(device, BATCH, partial(bundle_memory, bundle, options.workspace_mib))
    shared = Shared(nvidia.cuda, nvidia.tensorrt, budget.batch, budget.pool)
    target = Target.this_machine(nvidia.tensorrt, options, device)

    def engine(file: str, plane: Plane) -> TensorRtEngine:
        def plan() -> bytes:
            if plans is None:
                onnx, profile = bundle.folder / file, bundle.manifest.profiles[plane]
                return told(target.tensorrt, onnx, profile, target.options).plan
            return made_plan(bundle, file, plane, target, plans, build=told).content

        return TensorRtEngine(file, plan, shared, graphs=graphs)

    def told(*arguments: Any) -> Built:
        _log.warning("%s is built for %s, once; that can take minutes", arguments[1].name, device)
        return nvidia.build(*arguments)

    models = bundle.manifest.models
    if plans is not None:  # now, while no engine takes memory on the device
        for file, plane in models:
            made_plan(bundle, file, plane, target, plans, build=told)
    members = {plane: tuple(engine(file, plane) for file, of in models if of is plane) for plane in Plane}
    return Ensemble(members), nvidia.compute(shared.upload)
