"""Golden cases are made here, of phantoms and by the float32 reference; what they are and how engines are held to them:
runtime/golden.py.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from runtime.bundle import Spec
from runtime.engines.base import Ensemble
from runtime.fusion import plane_probability
from runtime.golden import GoldenCase
from runtime.planes import Plane
from training.heads import LabelledHead

SIZE = (32, 64, 64)
HU_RANGE = (-100, 300)
HU_STEP = 4
"""Golden voxels are clipped to that range, well outside every window, and rounded to this step: they pack small."""


def make_case(head: LabelledHead, reference: Ensemble, spec: Spec) -> GoldenCase:
    """The piece of `head` around its lesion, through the float32 reference.

    ValueError for a healthy head, and for a patient's.
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
    return GoldenCase(hu, expected)


def save_case(case: GoldenCase, path: Path) -> None:
    axial, coronal, sagittal = (case.expected[plane] for plane in Plane)
    np.savez_compressed(path, hu=case.hu, axial=axial, coronal=coronal, sagittal=sagittal)
