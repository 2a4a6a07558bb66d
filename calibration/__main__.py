"""`python -m calibration`: coefficients and class cut-offs for trained networks. Parses and calls; decides nothing."""

from __future__ import annotations

import argparse
import json
import tempfile
from functools import partial
from pathlib import Path

import torch

from calibration.calibrate import calibrate
from calibration.networks import of_bundle, of_runs
from calibration.probabilities import Computed, Kept
from runtime.compute import cpu
from training.heads import open_heads


def main() -> None:
    """Run the command; see --help."""
    parser = argparse.ArgumentParser(prog="python -m calibration", description=__doc__)
    networks = parser.add_mutually_exclusive_group(required=True)
    networks.add_argument("--runs", type=Path, nargs="+", help="folders of training runs, all planes")
    networks.add_argument("--bundle", type=Path, help="a bundle folder: its networks, without their checkpoints")
    parser.add_argument(
        "--models", type=Path, help="`python -m export models` of the same runs: calibrate what will be served, faster"
    )
    parser.add_argument("--heads", type=Path, required=True, help="heads that were not trained on")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--scratch", type=Path, default=None, help="where to keep 250 MB a head meanwhile")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.bundle is not None:
        if arguments.models is not None:
            parser.error("--models are those of --runs; a bundle has its own")
        ensemble, windows = of_bundle(arguments.bundle)
    else:
        ensemble, windows = of_runs(arguments.runs, arguments.models)
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as scratch, ensemble.running():
        kept = Kept(Computed(ensemble, windows), Path(scratch))
        calibration = calibrate(windows, open_heads(arguments.heads), kept, cpu(), partial(print, flush=True))
    arguments.out.write_text(json.dumps(calibration.as_json(), indent=2) + "\n", encoding="utf-8")
    print(f"coefficients {calibration.as_json()['coefficients']}, accuracy {calibration.classifier.cutoffs.accuracy:.3f}")


if __name__ == "__main__":
    main()
