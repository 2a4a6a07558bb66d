from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from runtime.classification import StrokeClass
from runtime.planes import Plane
from tests.builders import head
from tests.training.labels.drawn import block, write_nifti, write_scan, write_segmentation
from training.cohort import Cohort, Member, Split
from training.heads import open_head, open_heads
from training.interpolation import Interpolation
from training.labels.names import Names
from training.patient import Preparation
from training.prepare import Prepared, Skipped, prepare, prepare_member
from training.summary import Summary

LINEAR = Preparation()


def member(folder: Path, pseudonym: str = "p1", split: Split = Split.TRAINING, **changes: object) -> Member:
    """A patient of class IS whose scans and labels lie in `folder`."""
    values = {"stroke": "IS", "scans": (folder / "scans",), "labels": folder / "labels.dcm", **changes}
    return Member.model_validate({"pseudonym": pseudonym, "split": split, "fold": 0, **values})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One patient's scan: thin slices of 1 mm, thick ones of 5 mm with labels, and the thick ones once more alone."""
    folder = tmp_path_factory.mktemp("site")
    write_scan(folder / "scans/thin", head((1.0, 2.0, 2.0)), number=2)
    paths, _ = write_scan(folder / "scans/thick")
    write_segmentation(folder / "labels.dcm", paths, block())
    write_scan(folder / "thick only")
    write_nifti(folder / "labels.nii.gz", block())
    (folder / "nothing").mkdir()
    return folder


def prepared(outcome: Prepared | Skipped) -> Prepared:
    assert isinstance(outcome, Prepared), outcome
    return outcome


def test_thick_labels_land_on_the_thin_slices(site: Path, tmp_path: Path) -> None:
    """Thick slice k lies on thin slice 2 + 5 k: IS of thick 18 to 20 is on thin 90 to 104, IH of 21 on 105 to 109."""
    account = prepared(prepare_member(member(site), Names(), tmp_path, LINEAR)).accounts["p1"]
    assert (account.thick_slices, account.labelled_thick_slices) == (40, 4)
    assert (account.slices, account.labelled_slices) == (200, 20)
    assert not account.is_resampled
    one = open_head(tmp_path / "training/p1")
    assert (one.name, one.patient, one.stroke, one.seed) == ("p1", "p1", StrokeClass.IS, None)
    assert one.spacing_mm == pytest.approx((1.0, 2.0, 2.0))
    ischaemia, blood = ((one.labels == stroke.label).sum(axis=(1, 2)) for stroke in StrokeClass)
    assert ischaemia[ischaemia > 0].tolist() == [199] * 5 + [200] * 10
    assert blood[blood > 0].tolist() == [40] * 5
    first = np.flatnonzero(ischaemia)[0]
    assert np.flatnonzero(blood)[0] == first + 15
    assert account.drawn_ml == pytest.approx((199 + 200 + 200) * 2 * 2 * 5 / 1000)
    assert account.carried_ml == pytest.approx(account.drawn_ml)


def test_a_patient_without_thin_slices_is_resampled_as_the_appliance_does(site: Path, tmp_path: Path) -> None:
    patient = member(site, scans=(site / "thick only",), labels=site / "labels.nii.gz")
    account = prepared(prepare_member(patient, Names(), tmp_path, LINEAR)).accounts["p1"]
    assert account.is_resampled
    assert "THICK_SLICES" in account.flags
    assert (account.thick_slices, account.slices, account.labelled_slices) == (40, 196, 20)
    assert open_head(tmp_path / "training/p1").spacing_mm == pytest.approx((1.0, 2.0, 2.0))


def test_a_healthy_patient_needs_no_labels(site: Path, tmp_path: Path) -> None:
    patient = member(site, stroke="none", labels=None, split=Split.VALIDATION)
    account = prepared(prepare_member(patient, Names(), tmp_path, LINEAR)).accounts["p1"]
    assert (account.thick_slices, account.labelled_slices, account.drawn_ml) == (0, 0, 0.0)
    one = open_head(tmp_path / "validation/p1")
    assert one.stroke is None
    assert not one.labels.any()


def test_the_thick_series_can_give_a_second_head_for_training_only(site: Path, tmp_path: Path) -> None:
    both = Preparation(Interpolation.DISTANCE, thick_too=True)
    assert set(prepared(prepare_member(member(site), Names(), tmp_path, both)).accounts) == {"p1", "p1.thick"}
    assert [one.patient for one in open_heads(tmp_path / "training")] == ["p1", "p1"]
    for_validation = prepare_member(member(site, "p2", Split.VALIDATION), Names(), tmp_path, both)
    assert set(prepared(for_validation).accounts) == {"p2"}
    prepare_member(member(site), Names(), tmp_path, LINEAR)
    assert [one.name for one in open_heads(tmp_path / "training")] == ["p1"]
    assert len(list((tmp_path / "training").glob("*/head.json"))) == 1


@pytest.mark.parametrize(
    "lost",
    [
        ("head.json", "accounts.json", "labels.sagittal.npy", "labels.npy"),
        ("head.json", "accounts.json"),
        ("accounts.json",),
        ("head.json",),
    ],
)
def test_what_a_kill_left_undone_is_done_again(site: Path, tmp_path: Path, lost: tuple[str, ...]) -> None:
    """A head is written voxels first, head.json next and its account last; a kill leaves the first of them."""
    patient = member(site, stroke="none", labels=None)
    before = prepared(prepare_member(patient, Names(), tmp_path, LINEAR))
    folder = tmp_path / "training/p1"
    hu = np.array(open_head(folder).hu)
    for name in lost:
        (folder / name).unlink()
    (folder / "hu.npy").write_bytes((folder / "hu.npy").read_bytes()[:1000])
    assert prepare_member(patient, Names(), tmp_path, LINEAR) == before
    for plane in Plane:
        np.testing.assert_array_equal(open_head(folder, plane).hu, hu)


def test_a_whole_head_is_kept_until_something_changes(site: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.dcm"
    labels.write_bytes((site / "labels.dcm").read_bytes())
    out = tmp_path / "out"

    def made(preparation: Preparation = LINEAR) -> int:
        prepare_member(member(site, labels=labels), Names(), out, preparation)
        return (out / "training/p1/head.json").stat().st_mtime_ns

    first = made()
    assert made() == first
    other_way = made(Preparation(Interpolation.DISTANCE))
    assert other_way > first
    labels.write_bytes(labels.read_bytes() + b"\0\0")
    assert made(Preparation(Interpolation.DISTANCE)) > other_way


def test_labels_that_turned_bad_take_their_head_with_them(site: Path, tmp_path: Path) -> None:
    """Nothing is trained on that nobody vouches for any more."""
    prepared(prepare_member(member(site), Names(), tmp_path, LINEAR))
    outcome = prepare_member(
        member(site, labels=site / "labels.nii.gz", stroke="IH"), Names({"2": None}), tmp_path, LINEAR
    )
    assert isinstance(outcome, Skipped)
    assert outcome.code == "NOTHING_OF_ITS_CLASS"
    assert not (tmp_path / "training/p1/head.json").exists()


def test_a_share_that_is_away_takes_no_heads_with_it(site: Path, tmp_path: Path) -> None:
    scans = tmp_path / "share"
    scans.symlink_to(site / "scans")
    patient = member(site, stroke="none", labels=None, scans=(scans,))
    prepared(prepare_member(patient, Names(), tmp_path, LINEAR))
    scans.unlink()
    outcome = prepare_member(patient, Names(), tmp_path, LINEAR)
    assert isinstance(outcome, Skipped)
    assert (outcome.code, outcome.action) == ("FILES", "Check the folders and the disk.")
    assert (tmp_path / "training/p1/head.json").exists()


@pytest.mark.slow
def test_a_bad_patient_is_named_and_the_others_go_on(site: Path, tmp_path: Path) -> None:
    (tmp_path / "damaged.nii").write_bytes(b"damaged")
    stray = tmp_path / "out/training/p0"
    stray.mkdir(parents=True)
    (stray / "head.json").touch()
    cohort = Cohort(
        seed=1,
        folds=6,
        members=(
            member(site, "p1", labels=tmp_path / "damaged.nii"),
            member(site, "p2", scans=(site / "nothing",)),
            member(site, "p3"),
            member(
                site, "p4", Split.VALIDATION, scans=(site / "thick only",), labels=site / "labels.nii.gz", stroke="IH"
            ),
        ),
    )
    told: list[str] = []
    counted: list[tuple[str, int, int]] = []
    outcomes = prepare(cohort, tmp_path / "out", LINEAR, 2, told.append, lambda *count: counted.append(count))
    assert [type(one) for one in outcomes] == [Skipped, Skipped, Prepared, Prepared]
    assert told[0].startswith("p1 skipped: UNREADABLE_LABELS: The labels are damaged")
    assert "Export them again" in told[0]
    assert told[1].startswith("p2 skipped: NO_IMAGES: ")
    assert told[2].startswith(f"{stray} is of nobody")
    assert counted == [("patients", number, 4) for number in (1, 2, 3, 4)]
    summary = Summary(outcomes)
    assert summary.counts() == {
        "IS": 1, "IH": 1, "none": 0, "patients": 2,
        "thick slices": 80, "labelled thick slices": 8, "thin slices": 396, "labelled thin slices": 40,
    }  # fmt: skip
    assert summary.counts(Split.VALIDATION)["patients"] == 1
    assert json.loads(json.dumps(summary.as_json()))["skipped"][1]["code"] == "NO_IMAGES"
    assert "11,919" in str(summary)
    assert "2 patients skipped:" in str(summary)
    assert len(open_heads(tmp_path / "out/validation")) == 1
