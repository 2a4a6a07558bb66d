from __future__ import annotations

import pytest

from runtime import naming
from tests.builders import series

PLAIN = [
    "Head without contrast", "NON CONTRAST HEAD", "Non contrast 0.5", "Plain head C-", "AXIAL C-", "nativ",
    "Schaedel nativ", "w/o contrast", "HEAD WO", "pre contrast", "PRE-CONTRAST AX", "NCCT 0.5",
    "Post craniotomy head", "post coiling", "Head iDose IV", "SAFIRE IV", "Head 5.0 J30s", "Covered head",
    "Corrected 1.0", "right ear tag", "Head 1.0 Hr40", "5.1 HEAD ROUTINE", "HEAD W/O COR SAG", "Performed 2026",
    "sans injection", "Kopf ohne KM", "CCT ohne i.v. KM", "no IV contrast", "w/o IV contrast", "non-enhanced",
    "Delayed NCCT", "Head with tilt, no contrast", "post trauma without contrast", "Non-con post clip",
]  # fmt: skip
ENHANCED = [
    "Head W/WO CONTRAST", "WITH AND WITHOUT CONTRAST", "HEAD W WO", "HeadAngio 1.0 H20f", "CarotidAngio",
    "AXIAL POST", "HEAD W", "Head CE", "HEAD_POST_CON", "CT VENOGRAM", "COW", "DELAYED", "Kontrastmittel", "mit KM",
    "contraste", "injected", "CTA Head 0.6", "post contrast", "Head C+", "Head with contrast",
    "CTA HEAD PRE OP", "CTA COW pre-coil", "CT ANGIO HEAD NO GATING", "CTA Head 0.75 pre", "CTV pre thrombectomy",
    "Angio nativ/arteriell", "Head C+ plain recon", "CE HEAD NO TILT", "HEAD POST GAD", "ARTERIEL", "VENOUSPHASE",
    "HEAD+C", "AX C+ HEAD WO METAL", "CTA head sin movimiento", "nativ + KM", "pre and post contrast", "WO W",
    "HEAD WITHOUT AND WITH", "contrast, no tilt", "post-KM",
]  # fmt: skip


@pytest.mark.parametrize("text", PLAIN)
def test_plain_series_are_kept(text: str) -> None:
    one = series(description=text, protocol="STROKE NCCT CTA CTP", kernel="")
    assert not naming.is_named_enhanced(one)
    assert not naming.is_perfusion(one)
    assert not naming.is_computed(one)
    assert not naming.is_bone(one)


@pytest.mark.parametrize("text", ENHANCED)
def test_enhanced_series_are_told_by_name(text: str) -> None:
    assert naming.is_named_enhanced(series(description=text))
    assert naming.is_named_enhanced(series(description="", protocol=text))


@pytest.mark.parametrize("agent", ["OMNIPAQUE 350", "NON IONIC", "Non-ionic 350", "Iohexol", "IV", "yes", "contrast"])
def test_an_agent_in_the_header_is_contrast_whatever_the_name_says(agent: str) -> None:
    assert naming.has_contrast_agent(series(contrast_agent=agent, description="Head without contrast"))


@pytest.mark.parametrize("agent", ["", "NONE", "No", "N", "0", "-", "no contrast", "without contrast"])
def test_words_for_no_agent(agent: str) -> None:
    assert not naming.has_contrast_agent(series(contrast_agent=agent))


@pytest.mark.parametrize(
    ("kernel", "description", "bone", "sharp"),
    [
        ("H31s", "", False, False),
        ("J40s", "", False, False),
        ("Hr40", "", False, False),
        ("UB", "", False, False),
        ("FC21", "", False, False),
        ("FC68", "", False, False),
        ("STANDARD", "", False, False),
        ("SOFT", "", False, False),
        ("H50s", "", False, True),
        ("BONE+", "", True, False),
        ("BONEPLUS", "", True, False),
        ("FC30", "", True, False),
        ("YE", "", True, False),
        ("Hr59", "", True, True),
        ("Bl57", "", True, True),
        ("H60s", "", True, True),
        ("", "Head 1.0 H60s", True, True),
        ("", "Knochenfenster", True, False),
        ("", "HEAD_BONE_1.0", True, False),
    ],
)
def test_kernels(kernel: str, description: str, bone: bool, sharp: bool) -> None:
    one = series(kernel=kernel, description=description)
    assert (naming.is_bone(one), naming.is_sharp(one)) == (bone, sharp)


@pytest.mark.parametrize("text", ["VNC", "iodine map", "CBF", "TTP", "PBV", "TMIP", "AX MIP", "VRT"])
def test_computed_images(text: str) -> None:
    assert naming.is_computed(series(description=text))


@pytest.mark.parametrize("text", ["Perfusion 5.0", "CTP", "dyn 4D", "Bolus tracking", "PreMonitoring"])
def test_perfusion(text: str) -> None:
    assert naming.is_perfusion(series(description=text))


@pytest.mark.parametrize(
    ("body_part", "description", "other"),
    [
        ("HEAD", "C-Spine 0.6", True),
        ("HEAD", "Orbits 0.6", True),
        ("CSPINE", "Head 1.0", False),
        ("HEAD", "0.6 H31s", False),
        ("CSPINE", "0.6 B31s", True),
        ("CHEST", "Routine", True),
        ("", "Neck W", True),
        ("HEAD", "Head and neck", False),
        ("", "", False),
        ("", "Stroke", False),
    ],
)
def test_parts_of_the_body(body_part: str, description: str, other: bool) -> None:
    one = series(body_part=body_part, description=description, protocol="Trauma Head + C-Spine" if body_part else "")
    assert naming.is_other_part(one) is other


@pytest.mark.parametrize(("protocol", "other"), [("Trauma Head", False), ("Routine Thorax", True), ("", False)])
def test_where_nothing_else_names_a_part_the_protocol_does(protocol: str, other: bool) -> None:
    assert naming.is_other_part(series(body_part="", description="1.0", protocol=protocol)) is other


def test_a_spine_behind_a_plus_is_no_contrast() -> None:
    assert not naming.is_named_enhanced(series(description="Head+C-Spine 1.0"))
