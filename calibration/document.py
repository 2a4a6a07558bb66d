"""The JSON document that calibration writes and `python -m export bundle` reads, and the Spec that it stands for.

Its keys are the manifest's, so that the manifest of a bundle can be read as one too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from calibration.coefficients import Coefficients
from runtime.bundle import Spec
from runtime.classification import StrokeClass
from runtime.errors import UsageError
from runtime.planes import Plane
from runtime.windows import Windows
from training.heads import SLICE_SPACING_MM

CLOSING_RADIUS = 3
VOXEL_CUTOFF = 0.9


def unclassified(windows: Windows, coefficients: Mapping[Plane, float]) -> Spec:
    """The spec once the coefficients are known and the classifier is not: its cut-offs are placeholders."""
    return Spec(
        windows,
        SLICE_SPACING_MM,
        coefficients,
        CLOSING_RADIUS,
        VOXEL_CUTOFF,
        class_cutoffs=dict.fromkeys(StrokeClass, 1.0),
        smallest_lesion_ml=0.0,
        area_cutoffs=dict.fromkeys(StrokeClass, 0.0),
    )


def open_document(path: Path) -> dict[str, Any]:
    """UsageError where there is no JSON object at `path`."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be read as a calibration ({error}): give a JSON of `calibration`.") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path} is no calibration: give a JSON of `calibration`, or a bundle's manifest.json.")
    return document


def coefficients_of(document: Mapping[str, Any]) -> dict[Plane, float]:
    """UsageError where the document has none."""
    try:
        return {plane: float(document["coefficients"][plane.value]) for plane in Plane}
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError("It holds no coefficients of three planes: run `calibration coefficients` first.") from error


def pixel_mm_of(document: Mapping[str, Any]) -> float:
    """What pixels are averaged to; 0 where the document, a calibration or a manifest, says nothing of it."""
    return float(document.get("pixel_mm", document.get("preprocessing", {}).get("pixel_mm", 0.0)))


def spec_of(document: Mapping[str, Any], windows: Windows) -> Spec:
    """UsageError where the document lacks a number or one of them can't be right."""
    try:
        return Spec(
            windows,
            slice_spacing_mm=float(document.get("slice_spacing_mm", SLICE_SPACING_MM)),
            coefficients=coefficients_of(document),
            closing_radius=int(document["closing_radius"]),
            voxel_cutoff=float(document["voxel_cutoff"]),
            class_cutoffs={stroke: float(document["class_cutoffs"][stroke.value]) for stroke in StrokeClass},
            smallest_lesion_ml=float(document.get("smallest_lesion_ml", 0.0)),
            area_cutoffs={
                stroke: float(document.get("area_cutoffs", {}).get(stroke.value, 0)) for stroke in StrokeClass
            },
            pixel_mm=pixel_mm_of(document),
        )
    except KeyError as error:
        raise UsageError(f"It lacks {error}: run `calibration classifier` (or `run`) first.") from error
    except (TypeError, ValueError) as error:
        raise UsageError(f"It is no calibration: {error}.") from error


def coefficients_document(spec: Spec, chosen: Coefficients) -> dict[str, Any]:
    """What `coefficients` records: `spec` has the chosen ones."""
    return {
        "coefficients": {plane.value: k for plane, k in spec.coefficients.items()},
        "closing_radius": spec.closing_radius,
        "voxel_cutoff": spec.voxel_cutoff,
        "slice_spacing_mm": spec.slice_spacing_mm,
        "tie": chosen.tie,
        "three_class_dice": round(chosen.score, 4),
    }
