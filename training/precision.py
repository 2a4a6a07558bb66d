"""Half precision where the device computes in it; everything else in float32, which is faster than emulating it."""

from __future__ import annotations

from enum import Enum

import torch


class Precision(str, Enum):
    """What a network computes in while it is trained and validated. Weights, loss and optimiser stay float32."""

    BF16 = "bf16"
    """bfloat16 on a GPU and on processors with instructions for it, float32 on others."""
    FP16 = "fp16"
    """Half precision, with a loss that is scaled against underflow: for GPUs older than bfloat16, and only for them."""
    F32 = "f32"


def autocast(device: str, precision: Precision) -> torch.autocast:
    """A context for the forward pass on `device` (cpu or cuda); one that changes nothing for float32.

    ValueError for fp16 on a processor.
    """
    if precision is Precision.FP16 and device != "cuda":
        raise ValueError("fp16 needs --device cuda; on a processor take bf16 or f32")
    dtype = torch.float16 if precision is Precision.FP16 else torch.bfloat16
    enabled = precision is not Precision.F32 and (device == "cuda" or _processor_has_bfloat16())
    return torch.autocast(device, dtype=dtype, enabled=enabled)


def _processor_has_bfloat16() -> bool:
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
