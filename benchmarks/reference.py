"""The paper's method written down plainly: the reference that ours is compared with, in results, time and memory.

pydicom, PyTorch eager in float32, whole probability volumes, scipy. Nothing is cropped, packed or streamed, and nothing
of the runtime computes here; only the numbers (Spec) and the types of the result are shared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import torch
from numpy.typing import NDArray
from scipy import ndimage

from runtime.bundle import Bundle, Spec
from runtime.classification import StrokeClass
from runtime.morphology import ball
from runtime.planes import Plane
from runtime.progress import Progress
from runtime.stopwatch import Stopwatch
from training.continued import unfolded
from training.model import STRIDE, Probabilities, Width

Floats32 = NDArray[np.float32]
Network = Callable[[torch.Tensor], torch.Tensor]
Networks = Mapping[Plane, Sequence[Network]]
BATCH_SLICES = 8


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """labels: uint8 (Z, Y, X), 0 background, 1 IS, 2 IH; means: of V over V > 0.9; call: none, IS or IH."""

    labels: NDArray[np.uint8]
    means: Mapping[StrokeClass, float]
    call: str


def run(folder: Path, networks: Networks, spec: Spec, stopwatch: Stopwatch, progress: Progress) -> Reading:
    """One series through the paper's method; `progress` counts slices."""
    with stopwatch.stage("read"):
        hu = read(folder)
    with stopwatch.stage("infer"):
        done = 0
        probabilities = {}
        for plane in Plane:
            probabilities[plane] = np.zeros((2, *hu.shape), dtype=np.float32)
            for batch, probability in predicted(plane.slices(hu), networks[plane], spec):
                plane.slices(probabilities[plane])[:, batch] = probability
                done += probability.shape[1]
                progress("slices", done, sum(hu.shape))
        v = sum(probabilities[plane] / np.float32(spec.coefficients[plane]) for plane in Plane)
        votes = np.logical_or.reduce([probabilities[plane] > spec.coefficients[plane] for plane in Plane])
    with stopwatch.stage("close"):
        masks = [closed(votes[stroke.channel], spec.closing_radius) for stroke in StrokeClass]
        ischaemic = masks[0] & (~masks[1] | (v[0] > v[1]))
        labels = np.where(ischaemic, 1, np.where(masks[1], 2, 0)).astype(np.uint8)
    with stopwatch.stage("classify"):
        means = {}
        for stroke in StrokeClass:
            strong = v[stroke.channel][v[stroke.channel] > spec.voxel_cutoff]
            means[stroke] = float(strong.mean(dtype=np.float64)) if strong.size else 0.0
        positive = [stroke.value for stroke in StrokeClass if means[stroke] > spec.class_cutoffs[stroke]]
    return Reading(labels, means, positive[-1] if positive else "none")  # with both, haemorrhage wins


def load(bundle: Bundle, width: Width) -> Networks:
    """The bundle's own weights, as half precision keeps them, in float32 modules."""
    return {
        plane: [Probabilities(unfolded(path, width, [])).eval() for path in bundle.models(plane)] for plane in Plane
    }


def read(folder: Path) -> NDArray[np.int16]:
    """The slices of an axial series by their position: int16 (Z, Y, X) in HU."""
    slices = [pydicom.dcmread(path) for path in folder.iterdir()]
    slices.sort(key=lambda one: float(one.ImagePositionPatient[2]))
    hu = [one.pixel_array * float(one.RescaleSlope) + float(one.RescaleIntercept) for one in slices]
    return np.stack(hu).astype(np.int16)


@torch.inference_mode()
def predicted(slices: NDArray[np.int16], networks: Sequence[Network], spec: Spec) -> Iterator[tuple[slice, Floats32]]:
    """A plane's average probabilities, batch by batch: (which slices (N, H, W), float32 (2, n, H, W))."""
    height, width = slices.shape[1:]
    for start in range(0, len(slices), BATCH_SLICES):
        batch = slice(start, start + BATCH_SLICES)
        hu = torch.from_numpy(slices[batch].astype(np.float32))
        images = torch.stack([((hu - low) / (high - low)).clamp(0, 1) for low, high in spec.windows], dim=1)
        padded = torch.nn.functional.pad(images, (0, -width % STRIDE, 0, -height % STRIDE))
        mean = torch.stack([network(padded) for network in networks]).mean(dim=0)
        yield batch, mean[:, :, :height, :width].numpy().swapaxes(0, 1)


def closed(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Closing with a ball, the outside ignored."""
    dilated = ndimage.binary_dilation(mask, ball(radius))
    return np.asarray(ndimage.binary_erosion(dilated, ball(radius), border_value=1))
