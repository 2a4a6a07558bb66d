"""Golden cases are made here, of phantoms and by the float32 reference; what they are and how engines are held to them:
runtime/golden.py.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from runtime.bundle import Spec
from runtime.classification import StrokeClass
from runtime.engines.base import Ensemble
from runtime.errors import UsageError
from runtime.fusion import plane_probability
from runtime.golden import MEAN_ERROR, GoldenCase
from runtime.planes import Plane
from training.heads import LabelledHead

SIZE = (64, 128, 128)
"""Of a piece, (Z, Y, X): in smaller ones good networks, used to whole heads, have marked nothing."""
HU_RANGE = (-100, 300)
HU_STEP = 4
"""Golden voxels are clipped to that range, well outside every window, and rounded to this step: they pack small."""


def make_case(head: LabelledHead, reference: Ensemble, spec: Spec) -> GoldenCase:
    """The piece of `head` around its lesion, through the float32 reference.

    ValueError for a healthy head, and for a patient's. UsageError where a plane's networks see so little of the lesion
    that one which saw nothing would pass.
    """
    if head.seed is None:
        raise ValueError("a golden case is made of a phantom: a patient's voxels never leave with a bundle")
    voxels = np.argwhere(head.labels)
    if not len(voxels):
        raise ValueError("a golden case shows a lesion")
    box = []
    for middle, size, length in zip(np.median(voxels, axis=0), head.hu.shape, SIZE, strict=True):
        start = int(np.clip(middle - length // 2, 0, max(size - length, 0)))
        box.append(slice(start, start + length))
    hu = (np.clip(head.hu[tuple(box)], *HU_RANGE) // HU_STEP * HU_STEP).astype(np.int16)
    expected = {
        plane: np.rint(plane_probability(hu, plane, reference, spec.windows).astype(np.float32) * 255).astype(np.uint8)
        for plane in Plane
    }
    case = GoldenCase(hu, expected)
    if head.stroke is not None:
        _tells_broken_engines(case, head.stroke, reference, head.name)
    return case


def _tells_broken_engines(case: GoldenCase, stroke: StrokeClass, reference: Ensemble, name: str) -> None:
    """UsageError unless the case finds one network of any plane out that has no answer for this class."""
    for plane, expected in case.expected.items():
        mean = float(expected[stroke.label - 1].mean()) / 255
        error = mean / len(StrokeClass) / len(reference.members[plane])
        if error <= MEAN_ERROR:
            raise UsageError(
                f"The {plane.value} networks see too little of the {stroke.value} of head {name} for a golden case "
                f"(mean probability {mean:.3f}): a box could not tell a broken engine by it. Give --golden-heads DIR "
                "with larger lesions, or train for longer."
            )


def save_case(case: GoldenCase, path: Path) -> None:
    axial, coronal, sagittal = (case.expected[plane] for plane in Plane)
    np.savez_compressed(path, hu=case.hu, axial=axial, coronal=coronal, sagittal=sagittal)
