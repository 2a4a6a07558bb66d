"""Builders of outcomes for tests of the report: small hand-made heads, studies and results, every part replaceable."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, timezone

import numpy as np
from numpy.typing import NDArray

from appliance.outcome import Outcome, Reason, Status
from runtime.classification import Call, ClassMeasure, Finding, StrokeClass
from runtime.codes import Code, Flag
from runtime.lesions import Midline, find_lesions
from runtime.pipeline import Analysis
from runtime.provenance import Provenance
from runtime.selection import Verdict
from runtime.study import Patient, Series, Study
from runtime.volume import AIR_HU, Box, Geometry, Volume
from tests import builders

FINISHED = datetime(2026, 3, 14, 3, 12, 40, tzinfo=timezone(timedelta(hours=1)))
SHAPE, SPACING_MM = (44, 80, 72), (4.0, 3.0, 2.5)
RIGHT_LESION: Box = (slice(26, 32), slice(36, 48), slice(18, 28))
"""On the patient's right: x below the middle, 36."""
LEFT_LESION: Box = (slice(20, 23), slice(44, 50), slice(46, 52))
CUTOFFS = {StrokeClass.IS: 1.16, StrokeClass.IH: 1.52}
ENGINES = Provenance("dpn92", "1.2.0", 7, "ab" * 32, "OpenVINO 2026.2.0", "FP16", "CPU (Cortex-A78AE)", 10)


def head(shape: tuple[int, int, int] = SHAPE, spacing_mm: tuple[float, float, float] = SPACING_MM) -> Volume:
    """An ellipsoid head: air, skin, a skull of 1000 HU, brain of 35, ventricles of 5; the nose points to the front."""
    z, y, x = ((np.arange(size) - (size - 1) / 2) * step for size, step in zip(shape, spacing_mm, strict=True))
    z, y, x = z[:, None, None], y[None, :, None], x[None, None, :]
    hu = np.full(shape, AIR_HU, dtype=np.int16)
    for radii, density in (((80, 92, 76), 20), ((76, 87, 71), 1000), ((70, 81, 65), 35), ((14, 26, 9), 5)):
        hu[(z / radii[0]) ** 2 + (y / radii[1]) ** 2 + (x / radii[2]) ** 2 <= 1] = density
    hu[(np.abs(z + 30) < 12) & (y < -80) & (y > -104) & (np.abs(x) < 9)] = 40
    return Volume(hu, Geometry.axis_aligned(shape, spacing_mm))


def masked(stroke: StrokeClass, *boxes: Box, shape: tuple[int, int, int] = SHAPE) -> NDArray[np.uint8]:
    """A mask with `boxes` of one class."""
    mask = np.zeros(shape, dtype=np.uint8)
    for box in boxes:
        mask[box] = stroke.label
    return mask


def series(number: int = 3, description: str = "HEAD 1.0 H31s", images: int = 2, **changes: object) -> Series:
    """A series of `images` header-only images."""
    pictures = [builders.image(index) for index in range(1, images + 1)]
    uid = f"1.2.826.0.1.{number}"
    return builders.series(pictures, uid=uid, number=number, description=description, **changes)


def study(name: str = "Doe^Jane", patient_id: str = "4711-A", **changes: object) -> Study:
    """A study of a woman of 74; `changes` replace the study's own fields."""
    fields: dict[str, object] = {
        "patient": Patient(name, patient_id, date(1951, 7, 2), "F"),
        "accession": "ACC-2026-0042",
        "date": date(2026, 3, 14),
        "time": time(2, 58, 11),
        "description": "CT head",
    }
    return builders.study(series(), **(fields | changes))  # type: ignore[arg-type]  # the fields' types are those above


def considered(count: int = 2) -> tuple[Verdict, ...]:
    """The series that is used and `count` that are not."""
    used = Verdict(series(images=44), True, "Axial original, soft kernel, 1.00 mm.")
    others = (
        Verdict(series(10 + index, f"BONE {index}", 30), False, "Bone kernel; the analysis needs a soft one.")
        for index in range(count)
    )
    return used, *others


def completed(
    call: Call = Call.NONE,
    mask: NDArray[np.uint8] | None = None,
    *,
    volume: Volume | None = None,
    who: Study | None = None,
    flags: Sequence[Flag] = (),
    verdicts: Sequence[Verdict] | None = None,
    other_studies: Sequence[Study] = (),
    drop: str = "CT_0042",
) -> Outcome:
    """A completed outcome on the hand-made head, with measures that fit the call."""
    volume = volume or head()
    mask = np.zeros(volume.shape, dtype=np.uint8) if mask is None else mask
    positive = {StrokeClass(call.value)} if call in (Call.IS, Call.IH) else set()
    voxel_ml = float(np.prod(volume.geometry.spacing_mm)) / 1000
    measures = {
        stroke: ClassMeasure(
            mean=CUTOFFS[stroke] * (1.17 if stroke in positive else 0.8),
            cutoff=CUTOFFS[stroke],
            volume_ml=float((mask == stroke.label).sum()) * voxel_ml,
        )
        for stroke in StrokeClass
    }
    midline = Midline((volume.shape[2] - 1) / 2, 0.0, 0.0)
    lesions = find_lesions(mask, volume.geometry, volume, midline)
    analysis = Analysis(Finding(call, measures), lesions, volume, mask, volume, mask, tuple(flags))
    who = who or study()
    verdicts = considered() if verdicts is None else tuple(verdicts)
    return Outcome(
        status=Status.COMPLETED,
        drop=drop,
        key="0123abcd",
        finished=FINISHED,
        software_version="0.1.0",
        study=who,
        verdicts=verdicts,
        other_studies=tuple(other_studies),
        flags=tuple(flags),
        analysis=analysis,
        engines=ENGINES,
        seconds={"read": 2.5, "prepare": 1.0, "infer": 41.25, "close": 0.5, "classify": 0.25},
    )


def unfinished(
    status: Status = Status.REJECTED,
    code: Code = Code.CONTRAST_ENHANCED,
    detail: str = "",
    *,
    who: Study | None = None,
    verdicts: Sequence[Verdict] = (),
    flags: Sequence[Flag] = (),
    drop: str = "CT_0042",
) -> Outcome:
    """A rejected or failed outcome; without `who` the job never came to read a header."""
    return Outcome(
        status=status,
        drop=drop,
        key="0123abcd",
        finished=FINISHED,
        software_version="0.1.0",
        reason=Reason(code, detail),
        study=who,
        verdicts=tuple(verdicts),
        flags=tuple(flags),
        engines=ENGINES,
        seconds={"read": 2.5},
    )
