"""What TensorRT remembers of earlier builds: how fast each kernel was on this GPU, shared by all models of a box.

For TensorRT alone. TensorRT for RTX measures nothing when it builds: its timing cache has no effect, asks for a GPU
that the machine need not have, and is to be removed (docs.nvidia.com/deeplearning/tensorrt-rtx, 'Timing Cache
Migration').
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.whole_files import write_whole

if TYPE_CHECKING:
    import tensorrt as trt

_log = logging.getLogger(__name__)


def attach_timing_cache(config: trt.IBuilderConfig, path: Path) -> trt.ITimingCache | None:
    """The cache that `config` now uses, with what the file holds, or empty where TensorRT refuses the file.

    Keep it until the build is over.
    """
    try:
        before = path.read_bytes()
    except OSError:
        before = b""
    for content in (before, b""):
        cache = config.create_timing_cache(content)
        if cache is not None and config.set_timing_cache(cache, False):
            return cache
    return None


def keep_timing_cache(cache: trt.ITimingCache, path: Path) -> None:
    """Write it back, with what was learnt since. Where that fails the log says so, and the next build takes longer."""
    try:
        write_whole(path, bytes(cache.serialize()))
    except OSError as error:
        _log.warning("TensorRT's timing cache can't be kept: %s", error)
