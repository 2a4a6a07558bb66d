"""The networks that a calibration is about: checkpoints of training runs, their exported models, or a bundle's own.

Says where engines come from and which windows they take; runs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runtime.bundle import open_bundle
from runtime.engines.base import Ensemble
from runtime.engines.loading import on_cpu
from runtime.engines.openvino import OpenVinoEngine
from runtime.planes import Plane
from runtime.windows import Windows
from training.checkpoint import load_checkpoint
from training.engine import ensemble_of


def of_bundle(folder: Path) -> tuple[Ensemble, Windows]:
    """A bundle's engines on the CPU, and its windows; no checkpoint is needed. BundleError as open_bundle raises it."""
    bundle = open_bundle(folder)
    ensemble, _ = on_cpu(bundle)
    return ensemble, bundle.manifest.spec.windows


def of_runs(runs: Sequence[Path], models: Path | None = None) -> tuple[Ensemble, Windows]:
    """The best checkpoints of training runs, in float32; or what `python -m export models` made of them, as served.

    ValueError where a plane is missing or windows differ.
    """
    ensemble, windows = ensemble_of([load_checkpoint(run / "best.pt") for run in runs])
    if models is not None:
        files = {plane: sorted(models.glob(f"{plane.value}-*.onnx")) for plane in Plane}
        ensemble = Ensemble({plane: tuple(map(OpenVinoEngine, of_plane)) for plane, of_plane in files.items()})
    return ensemble, windows
