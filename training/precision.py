"""Half precision where the processor computes in it; everything else in float32, which is faster than emulating it."""

from __future__ import annotations

import torch


def autocast(device: str) -> torch.autocast:
    """bfloat16 on a GPU and on processors with instructions for it; a context that changes nothing elsewhere."""
    return torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda" or _processor_has_bfloat16())


def _processor_has_bfloat16() -> bool:
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
