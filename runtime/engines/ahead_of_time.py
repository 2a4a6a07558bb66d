"""Plans for a GPU that this machine need not have, by its compute capability: what only TensorRT for RTX does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.engines.gpu import Gpu
from runtime.errors import ConfigurationError, NotInstalled

if TYPE_CHECKING:
    import tensorrt_rtx as trt_rtx


def capability_name(gpu: Gpu) -> str:
    """What TensorRT for RTX calls the GPU's compute capability, such as SM86."""
    return f"SM{gpu.capability.replace('.', '')}"


def known_capability(trt: Any, name: str) -> Any:
    """TensorRT's own value for it. NotInstalled where `trt` does not build for it."""
    known = {name: value for name, value in trt.ComputeCapability.__members__.items() if name.startswith("SM")}
    if name not in known:
        raise NotInstalled(f"TensorRT for RTX doesn't build for {name}. It knows: {', '.join(known)}.")
    return known[name]


def build_for(trt: Any, config: trt_rtx.IBuilderConfig, capability: str) -> None:
    """Let `config` build for it, such as SM86. ConfigurationError where `trt` can't."""
    value = known_capability(trt, capability)
    config.num_compute_capabilities = 1
    if not config.set_compute_capability(value, 0):
        raise ConfigurationError(f"TensorRT for RTX can't build for {capability} here.")
