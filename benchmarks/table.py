"""A comparison as a Markdown table and as JSON. Says what was extrapolated, and never more than was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from benchmarks.agreement import Agreement
from benchmarks.compare import Comparison
from benchmarks.machine import Machine
from benchmarks.reading import Opening
from benchmarks.study import Size

CLOCK_WORDS = {"wall": "as they pass", "processor": "of processor time, all cores added up"}
STAGES = ("read", "prepare", "infer", "close", "classify")


@dataclass(frozen=True, slots=True)
class Report:
    """All that one run of the benchmark found. models: how many networks, per plane."""

    size: Size
    models: Mapping[str, int]
    engines: str
    machine: Machine
    when: datetime
    comparison: Comparison
    opening: Opening | None


def document(report: Report) -> dict[str, Any]:
    """For JSON."""
    comparison = asdict(report.comparison)
    return {
        **asdict(report),
        "size": {**asdict(report.size), "width": report.size.width.value},
        "when": report.when.isoformat(timespec="seconds"),
        "comparison": {**comparison, "ratio": report.comparison.ratio},
    }


def markdown(report: Report) -> str:
    """The table, with what it was measured on above it and what must be known of it below."""
    return "\n".join([*_head(report), "", *_rows(report), "", *_notes(report)]) + "\n"


def _head(report: Report) -> Iterator[str]:
    machine, comparison = report.machine, report.comparison
    models = "+".join(str(count) for count in report.models.values())
    yield (
        f"{report.when:%Y-%m-%d}, {report.size.name}: {'x'.join(map(str, comparison.ours.shape))} voxels (z, y, x), "
        f"{models} networks of width `{report.size.width.value}` ({report.engines})."
    )
    yield (
        f"{machine.processor} ({machine.unit}), {machine.cores} cores, {machine.memory_gib:.0f} GiB, load before "
        f"{machine.load:.1f}; {machine.versions}."
    )
    yield (
        f"Reference: {comparison.reference.backend}. Ours: {comparison.ours.backend}. "
        f"Seconds: {CLOCK_WORDS[comparison.clock]}."
    )


def _rows(report: Report) -> Iterator[str]:
    comparison, opening = report.comparison, report.opening
    reference, ours = comparison.reference, comparison.ours
    yield "| | reference | ours | ratio |"
    yield "|---|---|---|---|"
    for stage in STAGES:
        yield _seconds(
            f"{stage}, s",
            reference.seconds.get(stage),
            ours.seconds.get(stage),
            stage == "infer" and comparison.every > 1,
        )
    yield _seconds("**all stages, s**", reference.total_seconds, ours.total_seconds, comparison.every > 1)
    yield _seconds("load the networks, s (in no stage)", reference.load_seconds, ours.load_seconds)
    share = reference.peak_mib / ours.peak_mib
    yield f"| peak memory, MiB | {reference.peak_mib:.0f} | {ours.peak_mib:.0f} | {share:.1f} |"
    if comparison.agreement and comparison.cropped:
        yield _agreement("whole images, both", comparison.agreement)
        yield _agreement("ours cut to the head", comparison.cropped)
    if opening:
        yield (
            f"| opening {opening.slices} slices, s | dcm2niix {opening.dcm2niix_seconds:.2f} "
            f"| {opening.our_seconds:.2f} | takes {opening.ratio:.1f} times dcm2niix |"
        )


def _seconds(what: str, reference: float | None, ours: float | None, is_extrapolated: bool = False) -> str:
    mark = " *" if is_extrapolated else ""
    cells = ["" if seconds is None else f"{seconds:.2f}{mark}" for seconds in (reference, ours)]
    ratio = f"{reference / ours:.1f}{mark}" if reference and ours else ""
    return f"| {what} | {cells[0]} | {cells[1]} | {ratio} |"


def _agreement(what: str, agreement: Agreement) -> str:
    dice = ", ".join(f"{stroke} {'-' if value is None else f'{value:.4f}'}" for stroke, value in agreement.dice.items())
    means = ", ".join(f"{stroke} {value:.4f}" for stroke, value in agreement.mean_difference.items())
    verdict = "agrees" if agreement.holds else "does not agree"
    return (
        f"| agreement, {what} | {agreement.calls[0]} | {agreement.calls[1]}: Dice {dice}; mean V {means} | {verdict} |"
    )


def _notes(report: Report) -> Iterator[str]:
    comparison = report.comparison
    if comparison.every > 1:
        yield (
            f"\\* extrapolated: of every {comparison.every} batches (8 slices, one network) one was computed on each "
            "side, in turn, and the networks' time multiplied; everything else was done in full. No agreement: the "
            "masks are of a part only."
        )
    else:
        yield (
            "Agrees: Dice at least 0.999 per class, mean V (over V > 0.9) within 0.005, same finding. The reference "
            "knows no crop to the head; networks see other borders in it, so ours is compared on whole images too."
        )
