"""`python -m benchmarks`: print the comparisons as a Markdown table."""

from __future__ import annotations

import argparse
import sys

from benchmarks.closing import compare_closing


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["closing", "gpu-check"], default="closing")
    if parser.parse_args().what == "gpu-check":
        print("gpu-check: this version has engines for the CPU only. Nothing was checked.", file=sys.stderr)
        return 3
    print("| what | reference s | ours s | ratio |\n|---|---|---|---|")
    for shape in ((100, 256, 256), (300, 512, 512)):
        row = compare_closing(shape, seed=0)
        print(f"| {row.what} | {row.reference_seconds:.2f} | {row.our_seconds:.2f} | {row.ratio:.0f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
