"""Milliseconds of the closing of a whole head's mask: our kernels, cuCIM, and the CPU."""

from __future__ import annotations

from typing import Any

from benchmarks.checks import Answer, Bench, Row, Verdict
from benchmarks.gpu_parity import Close, Shape, random_mask
from benchmarks.timing import Tries
from runtime.compute import CPU, Compute
from runtime.errors import ConfigurationError
from runtime.morphology import close_cucim

RADIUS = 3
HEAD: Shape = (300, 448, 384)


def check_closing_speed(bench: Bench, shape: Shape = HEAD, tries: Tries = Tries()) -> Answer:  # noqa: B008  # frozen
    """A closing with the paper's ball, the mask already where it is closed."""
    compute, mask, rows = bench.compute, random_mask(shape, 0), list[Row]()
    for what, where, close in (
        (f"ours, {compute.name}", compute, compute.close),
        (f"cuCIM, {compute.name}", compute, close_cucim),
        ("ours, cpu", CPU, CPU.close),
    ):
        rows.append({"closing": what, "ms": _milliseconds(where, close, mask, tries, bench)})
    return Answer(Verdict.MEASURED, f"{'x'.join(map(str, shape))} voxels, radius {RADIUS}.", tuple(rows))


def _milliseconds(compute: Compute, close: Close, mask: Any, tries: Tries, bench: Bench) -> float | None:
    """None where it is not installed."""
    given = compute.upload(mask)
    closed = [given]

    def work() -> None:
        closed[0] = close(given, RADIUS)

    try:
        return 1000 * tries.seconds(work, lambda: compute.to_host(closed[0][:1, :1, :1]), bench.clock)
    except ConfigurationError:
        return None
