from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest

from runtime.codes import Code
from runtime.selection import NoSeries, choose_series
from runtime.study import Image, Series
from runtime.syntaxes import DEFLATED
from tests.builders import image, series, study

CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)


def spaced(mm: float, count: int) -> list[Image]:
    return [image(k + 1, position=(0.0, 0.0, mm * k)) for k in range(count)]


GOOD = series(description="Head 1.0 soft", uid="good")
EXCLUDED: Mapping[str, tuple[Series, str]] = {
    "localizer": (series([image(image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"))]), "Localizer"),
    "secondary capture": (series([image(sop_class_uid="1.2.840.10008.5.1.4.1.1.7")]), "Secondary capture"),
    "dose report": (series([image(sop_class_uid="1.2.840.10008.5.1.4.1.1.88.67")], modality="SR"), "Not CT but SR"),
    "MR": (series(modality="MR"), "Not CT but MR"),
    "CTA": (series(description="CTA Head 0.6"), "contrast"),
    "contrast in the header": (series(contrast_agent="OMNIPAQUE"), "contrast"),
    "post contrast": (series(description="Head post contrast"), "contrast"),
    "perfusion": (series([image(k, position=(0.0, 0.0, k % 10)) for k in range(200)]), "Perfusion"),
    "bolus": (series(description="Bolus tracking"), "Perfusion"),
    "MIP": (series(description="AX MIP"), "projection"),
    "derived coronal": (series([image(k, orientation=CORONAL) for k in range(150)]), "Coronal"),
    "bone kernel": (series(kernel="H60s"), "Bone kernel"),
    "bone kernel of GE": (series(kernel="BONEPLUS"), "Bone kernel"),
    "bone by name": (series(description="HEAD_BONE_1.0"), "Bone kernel"),
    "chest": (series(body_part="CHEST", description="Routine"), "Another part"),
    "single slice": (series([image()]), "Only 1 slice"),
    "no rescale": (series([image(k, rescale=None) for k in range(150)]), "rescale"),
    "multi-frame": (series([image(k, frames=2) for k in range(150)]), "Several images in a file"),
    "deflated": (series([image(k, transfer_syntax_uid=DEFLATED) for k in range(150)]), "Deflated"),
    "without position": (series([image(k, position=None) for k in range(150)]), "without position"),
}  # fmt: skip


@pytest.mark.parametrize("name", EXCLUDED)
def test_what_is_excluded_says_why(name: str) -> None:
    other, words = EXCLUDED[name]
    selection = choose_series([study(other, GOOD)])
    assert selection.used is GOOD
    reasons = {id(verdict.series): verdict.reason for verdict in selection.verdicts}
    assert words in reasons[id(other)]
    assert [verdict.accepted for verdict in selection.verdicts] == [False, True]


def test_a_soft_kernel_wins_over_a_thinner_medium_one() -> None:
    medium = series(spaced(0.6, 250), uid="medium", kernel="H50s", description="Head 0.6 H50s")
    soft = series(spaced(1.0, 150), uid="soft", kernel="H31s", description="Head 1.0 H31s")
    assert choose_series([study(medium, soft)]).used is soft
    assert choose_series([study(medium)]).used is medium


def test_the_thinnest_whole_series_wins() -> None:
    thick = series(spaced(5.0, 30), uid="thick")
    thin = series(spaced(1.0, 150), uid="thin")
    part = series(spaced(0.6, 100), uid="part")
    selection = choose_series([study(thick, part, thin)])
    assert selection.used is thin
    assert "another series" in selection.verdicts[0].reason


def test_the_newest_study_with_a_head_is_used_and_the_other_listed() -> None:
    newest = study(series(modality="MR", study_uid="n"), uid="n", date=date(2026, 2, 3))
    middle = study(series(study_uid="m"), uid="m", date=date(2026, 2, 2))
    oldest = study(series(study_uid="o"), uid="o", date=date(2026, 2, 1))
    selection = choose_series([newest, middle, oldest])
    assert selection.study is middle
    assert selection.other_studies == (newest, oldest)
    assert [flag.code for flag in selection.flags] == [Code.OTHER_STUDIES]
    assert [verdict.reason for verdict in selection.verdicts][2] == "Belongs to another study."


@pytest.mark.parametrize("name", ["no rescale", "CTA", "deflated", "without position", "localizer", "chest"])
def test_a_newer_scan_that_can_not_be_analysed_forbids_none(name: str) -> None:
    newest = study(EXCLUDED[name][0], uid="n", date=date(2026, 2, 3))
    older = study(GOOD, uid="o", date=date(2025, 2, 1))
    selection = choose_series([newest, older])
    assert selection.study is older
    assert [flag.code for flag in selection.flags] == [Code.OTHER_STUDIES, Code.NEWER_STUDY_NOT_ANALYSED]
    assert selection.flags[1].forbids_none
    assert "2026-02-03" in selection.flags[1].message


@pytest.mark.parametrize("name", ["MR", "dose report", "secondary capture"])
def test_something_newer_that_is_no_scan_forbids_nothing(name: str) -> None:
    selection = choose_series([study(EXCLUDED[name][0], uid="n", date=date(2026, 2, 3)), study(GOOD, uid="o")])
    assert [flag.code for flag in selection.flags] == [Code.OTHER_STUDIES]


def test_an_older_scan_that_can_not_be_analysed_forbids_nothing() -> None:
    older = study(EXCLUDED["no rescale"][0], uid="o", date=date(2025, 2, 1))
    selection = choose_series([study(GOOD, uid="n", date=date(2026, 2, 3)), older])
    assert [flag.code for flag in selection.flags] == [Code.OTHER_STUDIES]


@pytest.mark.parametrize(
    ("head", "other"),
    [
        (("Head 5.0 H31s", "HEAD", 5.0, 32), ("C-Spine 0.6 B31s", "CSPINE", 0.6, 320)),
        (("Head 1.0 H31s", "HEAD", 1.0, 160), ("Orbits 0.6 J30s", "HEAD", 0.6, 200)),
        (("Head 1.0 H31s", "HEAD", 1.0, 160), ("Sinus 0.75 H31s", "HEAD", 0.75, 180)),
        (("Head 5.0 J30s", "HEAD", 5.0, 30), ("Thorax-Abdomen 1.0 B30f", "HEAD", 1.0, 600)),
    ],
)
def test_no_part_of_one_protocol_wins_over_the_head(
    head: tuple[str, str, float, int], other: tuple[str, str, float, int]
) -> None:
    wanted, unwanted = (
        series(spaced(mm, count), uid=text, description=text, protocol="Trauma Head + C-Spine", body_part=part)
        for text, part, mm, count in (head, other)
    )
    assert choose_series([study(unwanted, wanted)]).used is wanted


def test_images_of_another_kind_in_the_series_are_flagged() -> None:
    stray = series([image(200, rows=7)], uid=GOOD.uid)
    overview = series([image(201, rows=9, image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"))], uid=GOOD.uid)
    (flag,) = choose_series([study(GOOD, stray, overview)]).flags
    assert (flag.code, flag.forbids_none) == (Code.MIXED_SERIES, True)
    assert choose_series([study(GOOD, overview)]).flags == ()


@pytest.mark.parametrize(
    ("members", "code"),
    [
        (["MR"], Code.NOT_CT),
        (["MR", "secondary capture", "dose report"], Code.NOT_CT),
        (["localizer", "CTA", "single slice"], Code.CONTRAST_ENHANCED),
        (["localizer", "single slice"], Code.TOO_FEW_SLICES),
        (["localizer", "chest"], Code.NOT_HEAD),
        (["localizer"], Code.NO_SUITABLE_SERIES),
        (["bone kernel", "MIP"], Code.NO_SUITABLE_SERIES),
        (["localizer", "deflated"], Code.UNSUPPORTED_SYNTAX),
    ],
)
def test_nothing_suitable_is_told_by_the_nearest_miss(members: list[str], code: Code) -> None:
    with pytest.raises(NoSeries) as caught:
        choose_series([study(*(EXCLUDED[name][0] for name in members))])
    assert caught.value.code is code
    assert len(caught.value.verdicts) == len(members)
