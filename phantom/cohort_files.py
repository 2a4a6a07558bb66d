"""A cohort's heads as a site would export them: thin and thick series in DICOM, labels on the thick one, and the table.

What it writes is what `python -m training cohort` and `prepare` read (docs/training.md).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from phantom.acquisition import acquire, table_positions
from phantom.identity import StudyIdentity
from phantom.series import SeriesSettings, write_series
from phantom.study import truth_of
from phantom.synthesis import SyntheticHead
from runtime.volume import Volume

COLUMNS = ("pseudonym", "class", "scans", "labels", "added_after_errors")
_SCALE = 1000
_THICK_NUMBER = 3


class LabelForm(str, Enum):
    """SEG needs highdicom, which the extra `train` installs."""

    NIFTI = "nifti"
    SEG = "seg"


def write_cohort(
    heads: Iterable[SyntheticHead], out: Path, form: LabelForm, thick_mm: float, report: Callable[[str], None] = print
) -> Path:
    """One folder a head under `out`, labels beside it, and patients.csv, whose path is returned."""
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for head in heads:
        name = f"phantom-{head.seed}"
        labels = write_patient(head, out / name, form, thick_mm)
        stroke = "none" if head.stroke is None else head.stroke.value
        rows.append((name, stroke, name, "" if labels is None else labels.name, ""))
        report(f"{name}  {stroke}  {head.kind or ''}".rstrip())
    table = out / "patients.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows((COLUMNS, *rows))
    return table


def write_patient(head: SyntheticHead, folder: Path, form: LabelForm, thick_mm: float) -> Path | None:
    """`folder`/thin and /thick, `folder`.truth.json, and the labels' file beside them, whose path is returned.

    None for a healthy head. ValueError where slices of the head are thicker than `thick_mm`.
    """
    thin_mm = head.volume.geometry.spacing_mm[0]
    if thick_mm <= thin_mm:
        raise ValueError(f"thick slices of {thick_mm} mm can't be made of slices of {thin_mm:g} mm")
    study = StudyIdentity.of(head.seed)
    thick, labels = thickened(head, thick_mm)
    settings = SeriesSettings(study, number=_THICK_NUMBER, description=f"HEAD {thick_mm:g} H30s", matrix=None)
    write_series(head.volume, folder / "thin", SeriesSettings(study, matrix=None))
    paths = write_series(thick, folder / "thick", settings)
    truth = {**truth_of(head), "pitfalls": [kind.value for kind in head.pitfalls]}
    folder.with_name(folder.name + ".truth.json").write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")
    if head.stroke is None:
        return None
    path = folder.with_name(folder.name + (".nii.gz" if form is LabelForm.NIFTI else ".seg.dcm"))
    if form is LabelForm.NIFTI:
        nibabel.save(_nifti(labels, thick), path)
    else:
        from phantom.segmentation import write_segmentation  # highdicom is not on the box

        write_segmentation(labels, paths, path, study, head.stroke)
    return path


def thickened(head: SyntheticHead, thick_mm: float) -> tuple[Volume, NDArray[np.uint8]]:
    """The head in slices of `thick_mm`, and uint8 labels on them: where at least half of a voxel is labelled."""
    label = 0 if head.stroke is None else head.stroke.label
    table = table_positions(head.volume, thick_mm, thick_mm)
    thick = acquire(head.volume, table, thickness_mm=thick_mm)
    marked = Volume((head.labels > 0).astype(np.int16) * np.int16(_SCALE), head.volume.geometry)
    share = acquire(marked, table, thickness_mm=thick_mm).hu
    return thick, (share >= _SCALE // 2).astype(np.uint8) * np.uint8(label)


def _nifti(labels: NDArray[np.uint8], volume: Volume) -> nibabel.Nifti1Image:
    """On the volume's voxels; LPS becomes NIfTI's RAS."""
    affine = np.diag((-1.0, -1.0, 1.0, 1.0)) @ volume.geometry.affine
    return nibabel.Nifti1Image(labels.transpose(2, 1, 0), affine)
