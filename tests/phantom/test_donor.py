from pathlib import Path

import nibabel
import numpy as np
import pytest

from phantom.difficulty import COHORT
from phantom.donor import Donor
from phantom.donor_file import hounsfield, read_donor
from phantom.fields import Field
from phantom.plans import StrokePlan
from phantom.synthesis import synthesise
from runtime.classification import StrokeClass
from runtime.errors import UsageError
from tests.requirements import require_data

SPACING = (3.0, 1.5, 1.5)


def save(path: Path, hu: Field, spacing: tuple[float, float, float]) -> Path:
    """(Z, Y, X) in LPS as a NIfTI, which runs the other way along x and y."""
    affine = np.diag((-spacing[2], -spacing[1], spacing[0], 1.0))
    nibabel.save(nibabel.Nifti1Image(hu.transpose(2, 1, 0), affine), path)
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic twin of a real healthy head: another phantom, as its site would export it."""
    volume = synthesise(3, None, spacing_mm=(2.5, 1.5, 1.5)).volume
    return save(tmp_path_factory.mktemp("donor") / "head.nii.gz", volume.hu.astype(np.float32), (2.5, 1.5, 1.5))


@pytest.fixture(scope="module")
def donor(file: Path) -> Donor:
    return read_donor(file)


def test_a_donors_cavity_is_found_where_it_is(donor: Donor) -> None:
    assert 1100 < (donor.cavity < 0).sum() * 8 / 1000 < 2000  # ml
    for scale in donor.scale:
        assert scale == pytest.approx(1, abs=0.12)
    white, grey = donor.tissue_hu
    assert 24 < white < grey < 42
    assert 2 < donor.noise_hu < 7


@pytest.mark.parametrize(("seed", "stroke"), [(82, StrokeClass.IH), (85, StrokeClass.IH), (62, StrokeClass.IS)])
def test_lesions_in_a_donor_are_as_large_as_planned(donor: Donor, seed: int, stroke: StrokeClass) -> None:
    plan = StrokePlan.random(stroke, np.random.default_rng(np.random.SeedSequence(seed).spawn(3)[2]), COHORT)
    head = synthesise(seed, stroke, spacing_mm=SPACING, difficulty=COHORT, donor=donor)
    assert head.lesion_ml == pytest.approx(plan.ml, rel=0.3, abs=0.5)
    inside, rest = head.volume.hu[head.labels > 0], head.volume.hu[(head.labels == 0) & (head.volume.hu > 15)]
    brain = np.median(rest[rest < 50])
    assert (np.median(inside) > brain + 6) if stroke is StrokeClass.IH else (np.median(inside) < brain - 1)


def test_a_donor_is_deformed_anew_by_each_seed_and_the_same_by_the_same(donor: Donor) -> None:
    one, again, other = (
        synthesise(seed, None, spacing_mm=SPACING, difficulty=COHORT, donor=donor).volume.hu for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(one, again)
    assert one.shape != other.shape or np.abs(one - other).mean() > 5


def test_cormack_units_become_hounsfield_units() -> None:
    cormack = np.array([0, 900, 901.1, 2264, 2649, 3100, 3101, 3794], dtype=np.float32)
    np.testing.assert_allclose(hounsfield(cormack), [-1024, -124, -123.9, 0, 35, 76, 77, 770], atol=0.05)


def test_what_is_no_head_is_no_donor(tmp_path: Path) -> None:
    water = np.zeros((40, 60, 60), dtype=np.float32)
    water[:, :5] = -1000
    with pytest.raises(UsageError, match="no skull encloses a brain"):
        read_donor(save(tmp_path / "water.nii", water, (3.0, 3.0, 3.0)))
    (tmp_path / "text.nii").write_text("not a NIfTI")
    with pytest.raises(UsageError, match="can't be read"):
        read_donor(tmp_path / "text.nii")


@pytest.mark.data
def test_the_template_takes_a_bleed_in_its_ventricles() -> None:
    template = read_donor(require_data("template/scct.nii.gz"))
    head = synthesise(82, StrokeClass.IH, spacing_mm=SPACING, difficulty=COHORT, donor=template)
    assert head.kind == "intraventricular"
    assert 2 < head.lesion_ml < 8
    assert np.median(head.volume.hu[head.labels > 0]) > 45
