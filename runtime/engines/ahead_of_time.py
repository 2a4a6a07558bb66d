"""Plans for a GPU that this machine need not have, by its compute capability: what only TensorRT for RTX does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.errors import ConfigurationError

if TYPE_CHECKING:
    import tensorrt_rtx as trt_rtx


def build_for(trt: Any, config: trt_rtx.IBuilderConfig, capability: str) -> None:
    """Let `config` build for it, such as SM86. ConfigurationError where `trt` does not know it."""
    known = {name: value for name, value in trt.ComputeCapability.__members__.items() if name.startswith("SM")}
    if capability not in known:
        raise ConfigurationError(f"TensorRT for RTX doesn't build for {capability}. It knows: {', '.join(known)}.")
    config.num_compute_capabilities = 1
    if not config.set_compute_capability(known[capability], 0):
        raise ConfigurationError(f"TensorRT for RTX can't build for {capability} here.")
