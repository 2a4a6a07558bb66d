"""`python -m benchmarks [compare|closing|seeds|gpu-check]`: print a comparison as a Markdown table."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from training.command_line import carried_out, everything

with everything():
    from appliance import shipped
    from benchmarks import reading
    from benchmarks.closing import compare_closing
    from benchmarks.compare import compare
    from benchmarks.gpu_check import CHECKS, gpu_check
    from benchmarks.machine import this_machine
    from benchmarks.seeds import FIRST_SEED, try_seeds
    from benchmarks.study import SIZES, Size, write_benchmark_study
    from benchmarks.table import Report, document, markdown
    from benchmarks.task import CLOCKS
    from export.untrained import write_random_bundle
    from runtime.bundle import open_bundle
    from runtime.planes import Plane
    from training.model import Width


def main(words: Sequence[str] | None = None) -> int:
    """Run one benchmark. The exit code is an error's (runtime/errors.py), or 1 where what should agree does not."""
    return carried_out(_parser(), words)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["compare", "closing", "seeds", "gpu-check"], default="compare")
    parser.add_argument("--size", choices=list(SIZES), default="small", help="compare: the study and the networks")
    parser.add_argument("--series", type=Path, help="compare: a folder with a series of that size, if there is one")
    parser.add_argument(
        "--engines", type=Path, help="compare: a bundle of that size's networks; seeds: one in place of the shipped one"
    )
    parser.add_argument("--every", type=int, help="compare: compute one slice batch of so many, extrapolate the rest")
    parser.add_argument("--cores", type=int, default=min(2, os.cpu_count() or 1), help="compare: of both sides")
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall", help="compare: wall or processor seconds")
    parser.add_argument("--out", type=Path, help="compare, gpu-check: folder for the tables (out/bench, out/gpu-check)")
    parser.add_argument("--only", nargs="+", choices=[check.name for check in CHECKS], help="gpu-check: these alone")
    parser.add_argument("--count", type=int, default=20, help="seeds: how many (default: 20)")
    parser.set_defaults(command=_run)
    return parser


def _run(options: argparse.Namespace) -> int:
    if options.what == "seeds":
        return _seeds(options.count, options.engines)
    if options.what == "closing":
        return _closing()
    if options.what == "gpu-check":
        return gpu_check(options.out or Path("out/gpu-check"), options.only or ())
    size, out = SIZES[options.size], options.out or Path("out/bench")
    return _compare(
        size, options.series, options.engines, options.every or size.every, options.cores, options.clock, out
    )


def _compare(
    size: Size, series: Path | None, engines: Path | None, every: int, cores: int, clock: str, out: Path
) -> int:
    """Exit code 1 where the two do not agree on the same images."""
    machine = this_machine(cores)
    with tempfile.TemporaryDirectory(prefix="strokebox-bench-") as temporary:
        scratch = Path(temporary)
        if series is None:
            series = scratch / "series"
            print(f"Making a phantom ({size.name}) ...", file=sys.stderr)
            write_benchmark_study(size, series)
        if engines is None and size.width is Width.SMALL:
            engines = shipped.FOLDER
        elif engines is None:
            print("Making networks with random weights ...", file=sys.stderr)
            engines = write_random_bundle(size.width, scratch / "engines").folder
        bundle = open_bundle(engines)
        print("The reference and ours, in turn ...", file=sys.stderr)
        comparison = compare(series, bundle.folder, size, every, cores, clock, scratch)
        report = Report(
            size=size,
            models={plane.value: len(bundle.models(plane)) for plane in Plane},
            engines=f"{bundle.manifest.name} {bundle.manifest.version}",
            machine=machine,
            when=datetime.now().astimezone(),
            comparison=comparison,
            opening=reading.compare_opening(series, reading.CLOCKS[clock]),
        )
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{size.name}.json").write_text(json.dumps(document(report), indent=2) + "\n", encoding="utf-8")
    (out / f"{size.name}.md").write_text(markdown(report), encoding="utf-8")
    print(markdown(report))
    return 1 if comparison.agreement and not comparison.agreement.holds else 0


def _closing() -> int:
    print("| what | reference s | ours s | ratio |\n|---|---|---|---|")
    for shape in ((100, 256, 256), (300, 512, 512)):
        row = compare_closing(shape, seed=0)
        print(f"| {row.what} | {row.reference_seconds:.2f} | {row.our_seconds:.2f} | {row.ratio:.0f} |")
    return 0


def _seeds(count: int, engines: Path | None) -> int:
    print("| seed | planted | found | right | s |\n|---|---|---|---|---|")
    right = 0
    for row in try_seeds(range(FIRST_SEED, FIRST_SEED + count), engines):
        right += row.right
        print(
            f"| {row.seed} | {row.planted} | {row.found} | {'yes' if row.right else 'NO'} | {row.seconds:.0f} |",
            flush=True,
        )
    print(f"\n{right} of {count} right in class and side")
    return 0


if __name__ == "__main__":
    sys.exit(main())
