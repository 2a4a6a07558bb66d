"""On a GPU, with PyTorch for an engine: the golden cases, milliseconds a slice, and a whole study of the paper's size.

The study says what share of its time the device spends outside the networks, whichever engine runs them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch

from benchmarks.checks import Answer, Bench, Row, Verdict
from benchmarks.gpu_parity import golden_rows
from benchmarks.gpu_study import study_of, study_row, study_words
from benchmarks.study import SIZES, Size
from benchmarks.timing import Tries
from benchmarks.torch_engine import Spans, bundle_networks, ready, synchronise, torch_ensemble
from export.untrained import PAPER_COUNTS, WINDOWS, random_unet
from runtime.engines.profile import PROFILES
from runtime.planes import Plane
from training.model import Unet, Width

MIB = 1 << 20


def check_golden_by_torch(bench: Bench) -> Answer:
    """The bundle's networks in half precision on the device, against its float32 reference, within its tolerance."""
    dtype, xp = dtype_of(bench.torch), bench.compute.xp
    with torch_ensemble(bundle_networks(bench.bundle), bench.torch, dtype, xp).running() as running:
        rows = golden_rows(bench, running, bench.compute)
    return Answer.of(bool(rows), f"{len(rows)} planes of golden cases within the tolerance.", rows)


def dtype_of(device: str) -> torch.dtype:
    """Half precision on a GPU; processors are slow at it."""
    return torch.float16 if device == "cuda" else torch.float32


@dataclass(frozen=True, slots=True)
class Load:
    """What is timed: sizes by plane, (H, W); batches of slices; compiled: the planes that are timed so as well, since
    each shape is compiled for half a minute.
    """

    sizes: Mapping[Plane, tuple[int, int]]
    batches: Sequence[int] = (1, 4, 8, 16)
    compiled: Sequence[Plane] = (Plane.AXIAL,)
    compiled_batches: Sequence[int] = (1, 8)
    tries: Tries = field(default_factory=Tries)


HEAD = Load({plane: PROFILES[plane].optimum for plane in Plane})
"""Heads of 512 x 512 pixels and 1 mm slices, cut to their box."""


def check_torch_speed(bench: Bench, load: Load = HEAD, widths: Sequence[Width] = tuple(Width)) -> Answer:
    """Milliseconds a slice of PyTorch in half precision, channels last: eager and compiled."""
    rows = []
    for width in widths:
        unet = _network(bench, width)
        for plane, size in load.sizes.items():
            rows += _timed(bench, unet, "eager", width, plane, size, load.batches, load)
        for plane in load.compiled:
            rows += _timed(bench, unet, "compiled", width, plane, load.sizes[plane], load.compiled_batches, load)
        unet.to("cpu", torch.float32)
    words = f"The median of {load.tries.timed} batches each, after {load.tries.warm} to warm up."
    return Answer(Verdict.MEASURED, words, tuple(rows))


def _network(bench: Bench, width: Width) -> Unet:
    if width is Width.SMALL:
        return bundle_networks(bench.bundle)[Plane.AXIAL][0]
    return random_unet(width, seed=0, channels=len(bench.bundle.manifest.spec.windows))


def _timed(
    bench: Bench,
    unet: Unet,
    how: str,
    width: Width,
    plane: Plane,
    size: tuple[int, int],
    batches: Sequence[int],
    load: Load,
) -> list[Row]:
    device, dtype = bench.torch, dtype_of(bench.torch)
    network = ready(unet, device, dtype, compiled=how == "compiled")
    channels, rows = len(bench.bundle.manifest.spec.windows), list[Row]()
    for batch in batches:
        images = torch.rand(batch, channels, *size, device=device).to(dtype, memory_format=torch.channels_last)
        with torch.no_grad():
            seconds = load.tries.seconds(partial(network, images), partial(synchronise, device), bench.clock)
        rows.append(
            {
                "network": width.value,
                "PyTorch": how,
                "plane": plane.value,
                "size": f"{size[0]}x{size[1]}",
                "batch": batch,
                "ms a slice": seconds * 1000 / batch,
            }
        )
    return rows


def check_study(bench: Bench, size: Size = SIZES["full"], counts: Mapping[Plane, int] = PAPER_COUNTS) -> Answer:
    """A whole study with the paper's ensemble, untrained: seconds by stage, the share outside the networks, memory."""
    volume, device, xp = study_of(size), bench.torch, bench.compute.xp
    networks = {
        plane: [random_unet(size.width, 100 * plane.axis + number, len(WINDOWS)) for number in range(counts[plane])]
        for plane in Plane
    }
    rows = list[Row]()
    for run in ("first", "second"):  # the first warms up
        spans = Spans(device, bench.clock)
        with torch_ensemble(networks, device, dtype_of(device), xp, spans).running() as running:
            row = study_row(volume, running, bench.compute, spans, bench.clock)
            rows.append({"run": run, **row, **device_memory(xp, device)})
    return Answer(Verdict.MEASURED, study_words(volume, size, counts), tuple(rows))


def device_memory(xp: Any, device: str) -> dict[str, float]:
    """MiB, measured: PyTorch's peak, what CuPy's pool holds, and all that is in use on the device."""
    if device != "cuda":
        return {}
    free, size = xp.cuda.runtime.memGetInfo()
    return {
        "PyTorch's peak, MiB": torch.cuda.max_memory_allocated() / MIB,
        "CuPy's pool, MiB": xp.get_default_memory_pool().total_bytes() / MIB,
        "in use, MiB": (size - free) / MIB,
    }
