"""Does a device compute what the CPU computes? The method's own code on both, on the same volumes, voxel by voxel.

Networks take no part: probabilities are simple functions of the slices, or those that the bundle's golden cases hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.checks import Answer, Bench, Row
from runtime.areas import those_that_count
from runtime.bundle import Spec
from runtime.classification import StrokeClass
from runtime.compute import CPU, Compute
from runtime.engines.base import Backend, Ensemble
from runtime.engines.memory import MemoryEngine
from runtime.errors import EngineError
from runtime.fusion import evidence, fuse, labelled
from runtime.golden import GoldenCase, check_case, open_case
from runtime.morphology import close_cucim, close_packed
from runtime.planes import Plane

Shape = tuple[int, int, int]
SHAPES: tuple[Shape, ...] = ((1, 1, 1), (3, 5, 33), (9, 20, 32), (25, 40, 65), (40, 61, 97), (70, 96, 200))
"""With widths that are multiples of a word and others, and smaller than the larger balls."""
MASKS = (*((shape, radius) for shape in SHAPES for radius in (0, 1, 3, 8, 20)), ((160, 448, 384), 3))
HEADS: tuple[Shape, ...] = ((20, 33, 47), (64, 64, 64), (41, 90, 130), (160, 224, 192))
MEANS_RELATIVE = 1e-12
"""Sums in float64 whose order a GPU does not promise."""
VOXEL_ML = 0.001
Close = Callable[[Any, int], Any]
MakeEnsemble = Callable[[Compute], Ensemble]


def check_closing(bench: Bench, masks: Sequence[tuple[Shape, int]] = MASKS) -> Answer:
    """The kernels against the CPU's closing, to the bit."""
    return _closing(bench.compute, bench.compute.close, masks)


def check_cucim(bench: Bench) -> Answer:
    """NVIDIA's closing against the CPU's, to the bit."""
    return _closing(bench.compute, close_cucim, MASKS)


def _closing(compute: Compute, close: Close, masks: Sequence[tuple[Shape, int]]) -> Answer:
    rows: list[Row] = []
    for number, (shape, radius) in enumerate(masks):
        mask = random_mask(shape, number)
        found = compute.to_host(close(compute.upload(mask), radius))
        differing = int((found != close_packed(mask, radius)).sum())
        rows.append({"voxels": "x".join(map(str, shape)), "radius": radius, "differing voxels": differing})
    return _compared(rows, "masks")


def random_mask(shape: Shape, seed: int) -> NDArray[np.bool_]:
    """bool (Z, Y, X): blobs of some voxels, and single ones."""
    rng = np.random.default_rng(seed)
    smooth = ndimage.uniform_filter(rng.random(shape, dtype=np.float32), 5)
    return np.asarray((smooth > np.quantile(smooth, 0.95)) | (rng.random(shape) < 0.002))


@dataclass(frozen=True, slots=True, eq=False)
class Analysed:
    """All that the method makes of a volume, on the host. labels: before, kept: after the rule of areas."""

    v: NDArray[np.float32]
    votes: NDArray[np.bool_]
    labels: NDArray[np.uint8]
    kept: NDArray[np.uint8]
    told: str
    means: dict[StrokeClass, float]


def analysed(hu: NDArray[np.int16], ensemble: Ensemble, spec: Spec, compute: Compute) -> Analysed:
    """`hu` (Z, Y, X) through the method, by an ensemble that answers in the Compute's arrays."""
    with ensemble.running() as running:
        fusion = fuse(compute.upload(hu), running, spec, compute)
    labels = labelled(fusion, spec, compute)
    kept, left_out = those_that_count(labels, fusion.v, VOXEL_ML, spec, compute)
    counted = [(plane.value, *voxels) for plane, voxels in fusion.plane_voxels.items()]
    left = [(one.stroke.value, one.areas, round(one.volume_ml, 9)) for one in left_out]
    v, votes, labels, kept = map(compute.to_host, (fusion.v, fusion.votes, labels, kept))
    return Analysed(
        v,
        votes,
        labels,
        kept,
        told=f"above k {counted}, left out {left}",
        means=evidence(fusion, spec, compute),
    )


def check_analysis(bench: Bench, heads: Sequence[Shape] = HEADS) -> Answer:
    """From the upload to the evidence, on random volumes."""
    rows = []
    for seed, shape in enumerate(heads):
        spec = random_spec(bench.bundle.manifest.spec, seed)
        rows.append(_difference("x".join(map(str, shape)), random_head(shape, seed), simple_networks, spec, bench))
    return _compared(rows, "volumes")


def check_golden(bench: Bench) -> Answer:
    """The same on the golden volumes of the bundle, with the probabilities that they hold."""
    rows = []
    for path in golden_files(bench):
        case = open_case(path)
        rows.append(_difference(path.stem, case.hu, partial(recorded, case), bench.bundle.manifest.spec, bench))
    return _compared(rows, "golden volumes")


def golden_files(bench: Bench) -> list[Path]:
    """A bundle of untrained networks has none."""
    return sorted((bench.bundle.folder / "golden").glob("*.npz"))


def golden_rows(bench: Bench, running: Ensemble, compute: Compute) -> list[Row]:
    """How far engines are from the bundle's float32 reference. GoldenMismatch where that is beyond its tolerance."""
    return [
        {
            "golden": path.stem,
            "plane": plane.value,
            "mean error": agreement.mean_error,
            "flipped share": agreement.flipped_share,
        }
        for path in golden_files(bench)
        for plane, agreement in check_case(open_case(path), running, bench.bundle.manifest.spec, compute).items()
    ]


def check_range(bench: Bench) -> Answer:
    """One value of a plane that is no probability ends the analysis, and the error names the plane."""
    rows: list[Row] = []
    hu, spec, compute = random_head((20, 33, 47), 0), bench.bundle.manifest.spec, bench.compute
    for plane in Plane:
        for wrong in (float("nan"), 1.5, -0.2):
            members = dict(simple_networks(compute).members)
            members[plane] = (MemoryEngine(_once_wrong(wrong, compute.xp)),)
            try:
                analysed(hu, Ensemble(members), spec, compute)
                noticed = "no"
            except EngineError as error:
                noticed = "yes" if plane.value in str(error) else str(error)
            rows.append({"plane": plane.value, "value": str(wrong), "noticed": noticed})
    return Answer.of(all(row["noticed"] == "yes" for row in rows), "One voxel in one batch of one plane.", rows)


def _difference(name: str, hu: NDArray[np.int16], make: MakeEnsemble, spec: Spec, bench: Bench) -> Row:
    expected = analysed(hu, make(CPU), spec, CPU)
    found = analysed(hu, make(bench.compute), spec, bench.compute)
    means = [abs(found.means[one] - mean) / max(abs(mean), 1e-9) for one, mean in expected.means.items()]
    return {
        "volume": name,
        "marked": int((expected.kept > 0).sum()),
        "V differs": int((found.v != expected.v).sum()),
        "votes differ": int((found.votes != expected.votes).sum()),
        "labels differ": int((found.labels != expected.labels).sum()),
        "areas that count differ": int((found.kept != expected.kept).sum()) + (found.told != expected.told),
        "mean V, relative": max(means),
    }


def _compared(rows: list[Row], what: str) -> Answer:
    """Passed where every figure of a difference is 0, or for a mean next to it."""
    if not rows:
        return Answer.of(False, f"There were no {what} to compare.")
    differing = [
        row
        for row in rows
        if any(value for column, value in row.items() if column.endswith(("differ", "differs", "differing voxels")))
        or float(row.get("mean V, relative") or 0) > MEANS_RELATIVE
    ]
    words = f"{len(rows) - len(differing)} of {len(rows)} {what} as on the CPU."
    return Answer.of(not differing, words, rows)


def random_head(shape: Shape, seed: int) -> NDArray[np.int16]:
    """int16 (Z, Y, X) in HU: smooth blobs about 40, some of which the networks mark, and noise."""
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 3)
    return np.asarray(40 + 20 * smooth / smooth.std() + rng.normal(0, 4, shape), dtype=np.int16)


def random_spec(spec: Spec, seed: int) -> Spec:
    """The bundle's numbers with another closing and another rule of areas."""
    return replace(
        spec,
        closing_radius=(3, 0, 2, 5)[seed % 4],
        smallest_lesion_ml=(0.05, 0.0, 0.3, 0.1)[seed % 4],
        area_cutoffs=dict.fromkeys(StrokeClass, 1.2),
    )


def simple_networks(compute: Compute) -> Ensemble:
    """Three, two and one for the planes: IS where the first window is dark, IH where it is bright."""
    xp = compute.xp

    def engine(number: int) -> MemoryEngine:
        def predict(images: Any) -> Any:
            answer = xp.zeros((len(images), 2, *images.shape[2:]), dtype=xp.float32)
            answer[:, 0] = xp.maximum(1 - images[:, 0] * 3 - 0.03 * number, 0.0)
            answer[:, 1] = xp.maximum(images[:, 0] * 3 - 2 - 0.05 * number, 0.0)
            return answer

        return MemoryEngine(predict)

    sizes = zip(Plane, (3, 2, 1), strict=True)
    return Ensemble({plane: tuple(map(engine, range(size))) for plane, size in sizes})


def _once_wrong(wrong: float, xp: Any) -> Callable[[Any], Any]:
    batches = count()

    def predict(images: Any) -> Any:
        answer = xp.zeros((len(images), 2, *images.shape[2:]), dtype=xp.float32)
        if next(batches) == 1:
            answer[0:1, 1:2, 3:4, 5:6] = wrong
        return answer

    return predict


class Recording:
    """An engine that answers with `probability`, float32 (N, 2, H, W) of xp, slice by slice, whatever it is given."""

    def __init__(self, probability: Any, xp: Any) -> None:
        self._probability, self._xp, self._next = probability, xp, 0

    @property
    def backend(self) -> Backend:
        return Backend("recording", "1", "f32", "memory")

    def __enter__(self) -> Recording:
        self._next = 0
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def infer(self, images: Any) -> Any:
        part = self._probability[self._next : self._next + len(images)]
        self._next += len(images)
        padding = [(0, wanted - size) for wanted, size in zip(images.shape[2:], part.shape[2:], strict=True)]
        return self._xp.pad(part, [(0, 0), (0, 0), *padding])


def recorded(case: GoldenCase, compute: Compute) -> Ensemble:
    """The reference's probabilities of a golden case."""
    members = {}
    for plane in Plane:
        probability = plane.slices(case.expected[plane]).swapaxes(0, 1).astype(np.float32) / np.float32(255)
        members[plane] = (Recording(compute.upload(probability), compute.xp),)
    return Ensemble(members)
