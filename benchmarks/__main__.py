"""`python -m benchmarks [closing|seeds|gpu-check]`: print a comparison as a Markdown table."""

from __future__ import annotations

import argparse
import sys

from benchmarks.closing import compare_closing
from benchmarks.seeds import FIRST_SEED, try_seeds


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["closing", "seeds", "gpu-check"], default="closing")
    parser.add_argument("--count", type=int, default=20, help="how many seeds (default: 20)")
    options = parser.parse_args()
    if options.what == "seeds":
        return _seeds(options.count)
    if options.what == "gpu-check":
        print("gpu-check: this version has engines for the CPU only. Nothing was checked.", file=sys.stderr)
        return 3
    return _closing()


def _closing() -> int:
    print("| what | reference s | ours s | ratio |\n|---|---|---|---|")
    for shape in ((100, 256, 256), (300, 512, 512)):
        row = compare_closing(shape, seed=0)
        print(f"| {row.what} | {row.reference_seconds:.2f} | {row.our_seconds:.2f} | {row.ratio:.0f} |")
    return 0


def _seeds(count: int) -> int:
    print("| seed | planted | found | right | s |\n|---|---|---|---|---|")
    right = 0
    for row in try_seeds(range(FIRST_SEED, FIRST_SEED + count)):
        right += row.right
        print(
            f"| {row.seed} | {row.planted} | {row.found} | {'yes' if row.right else 'NO'} | {row.seconds:.0f} |",
            flush=True,
        )
    print(f"\n{right} of {count} right in class and side")
    return 0


if __name__ == "__main__":
    sys.exit(main())
