import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from phantom.__main__ import main
from phantom.cohort_files import COLUMNS, LabelForm, thickened, write_patient
from phantom.difficulty import COHORT
from phantom.synthesis import SyntheticHead, synthesise
from runtime.classification import StrokeClass
from training.cohort import read_patients
from training.labels.names import Names
from training.patient import Preparation, heads_of

SPACING = (2.5, 2.0, 2.0)


@pytest.fixture(scope="module")
def bleed() -> SyntheticHead:
    return synthesise(85, StrokeClass.IH, spacing_mm=SPACING, difficulty=COHORT)


def test_thick_labels_are_the_means_of_thin_ones(bleed: SyntheticHead) -> None:
    """Slices of 5 mm over planes 2.5 mm apart, whose middles lie between two planes."""
    thick, labels = thickened(bleed, 5.0)
    gap = thick.geometry.origins[1, 2] - thick.geometry.origins[0, 2]
    assert gap == pytest.approx(5)
    assert set(np.unique(labels)) == {0, StrokeClass.IH.label}
    assert labels.shape == thick.shape
    assert labels.astype(bool).sum() * 5 * 4 / 1000 == pytest.approx(bleed.lesion_ml, rel=0.05)


@pytest.mark.parametrize("stroke", StrokeClass)
@pytest.mark.parametrize("form", LabelForm)
def test_training_reads_what_was_written(
    bleed: SyntheticHead, tmp_path: Path, form: LabelForm, stroke: StrokeClass
) -> None:
    labelled = replace(bleed, stroke=stroke)  # the class is what is told, whatever was painted
    labels = write_patient(labelled, tmp_path / "one", form, 5.0)
    assert labels is not None
    (tmp_path / "patients.csv").write_text(f"{','.join(COLUMNS)}\none,{stroke.value},one,{labels.name},\n")
    (patient,) = read_patients(tmp_path / "patients.csv")
    ((name, head, account),) = heads_of(patient, Names({}), Preparation())
    assert name == "one"
    assert head.stroke is stroke
    assert account.drawn_ml == pytest.approx(bleed.lesion_ml, rel=0.06)
    assert account.carried_ml == pytest.approx(bleed.lesion_ml, rel=0.10)
    assert np.median(head.hu[head.labels == stroke.label]) > 50


def test_the_command_writes_a_table_that_training_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = f"cohort training 2 --out {tmp_path / 'c'} --spacing 4 3 3 --thick 8 --labels nifti"
    assert main(line.split()) == 0
    ischaemic, healthy = read_patients(tmp_path / "c" / "patients.csv")
    assert (ischaemic.stroke, healthy.stroke) == (StrokeClass.IS, "none")
    assert healthy.labels is None
    assert len(list(files(healthy.scans[0]))) > 40
    truth = json.loads((tmp_path / "c" / "phantom-1000000.truth.json").read_text())
    assert truth["stroke"] == "IS"
    assert truth["pitfalls"] == []
    assert "generator" in capsys.readouterr().out
    with (tmp_path / "c" / "patients.csv").open() as file:
        assert [row["pseudonym"] for row in csv.DictReader(file)] == ["phantom-1000000", "phantom-1000001"]


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def test_slices_can_only_become_thicker(bleed: SyntheticHead, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="be made of slices"):
        write_patient(bleed, tmp_path / "one", LabelForm.NIFTI, 2.5)
