from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from appliance.outcome import Outcome, Status
from appliance.report_pdf import render_report
from runtime.classification import Call, StrokeClass
from runtime.codes import Code, Effect, Flag
from tests.appliance.outcomes import (
    LEFT_LESION,
    RIGHT_LESION,
    completed,
    considered,
    head,
    masked,
    study,
    unfinished,
)

IH = completed(Call.IH, masked(StrokeClass.IH, RIGHT_LESION))
FLAGS = [code for code in Code if {Effect.FLAG, Effect.FORBIDS_NONE} & set(code.effects)]


def poppler(program: str, *arguments: str, pdf: bytes) -> bytes:
    """What one of poppler's programs makes of `pdf`; these tests can't do without them."""
    if shutil.which(program) is None:
        pytest.fail(f"{program} is missing: apt-get install poppler-utils")
    return subprocess.run([program, *arguments], input=pdf, capture_output=True, check=True).stdout


def text(outcome: Outcome) -> str:
    """The words of the report, with single spaces."""
    return words(render_report(outcome))


def words(pdf: bytes) -> str:
    return " ".join(poppler("pdftotext", "-", "-", pdf=pdf).decode().split())


def places(pdf: bytes, word: str) -> list[tuple[float, float]]:
    """Where `word` stands, in points from the top left corner."""
    xml = poppler("pdftotext", "-bbox", "-", "-", pdf=pdf).decode()
    found = re.findall(rf'xMin="([\d.]+)" yMin="([\d.]+)"[^>]*>{word}</word>', xml)
    return [(float(x), float(y)) for x, y in found]


def page(pdf: bytes, folder: Path) -> NDArray[np.uint8]:
    """The page at 100 dots per inch, uint8 (rows, columns, RGB)."""
    poppler("pdftoppm", "-r", "100", "-png", "-singlefile", "-", str(folder / "page"), pdf=pdf)
    return np.asarray(Image.open(folder / "page.png").convert("RGB"))


def pages(pdf: bytes) -> int:
    information = poppler("pdfinfo", "-", pdf=pdf).decode()
    return int(re.findall(r"Pages:\s+(\d+)", information)[0])


def test_the_page_says_who_what_where_and_what_to_do() -> None:
    said = text(IH)
    for expected in (
        "Doe, Jane",
        "4711-A",
        "1951-07-02 (74 y)",
        "ACC-2026-0042",
        "2026-03-14 02:58",
        "Suspected intracranial haemorrhage (IH)",
        "Call the physician on duty now",
        "21.6 ml",
        "patient’s right",
        "1.78, above the cut-off 1.52",
        "Series 3 “HEAD 1.0 H31s”",
        "dpn92 1.2.0",
        "CPU (Cortex-A78AE)",
        "Strokebox 0.1.0",
        "finished 2026-03-14 03:12:40 +0100",
        "Research use only. Not a medical device.",
    ):
        assert expected in said


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (Call.NONE, "No stroke detected; this does not rule out stroke"),
        (Call.IS, "Suspected ischaemic stroke (IS)"),
        (Call.INCONCLUSIVE, "Inconclusive: stroke neither found nor ruled out"),
    ],
)
def test_calls_are_said_in_words(call: Call, expected: str) -> None:
    assert expected in text(completed(call))


@pytest.mark.parametrize(
    "outcome",
    [
        unfinished(Status.REJECTED, Code.CONTRAST_ENHANCED, "Seen: 3 of 3.", who=study(), verdicts=considered(3)[1:]),
        unfinished(Status.REJECTED, Code.BAD_ARCHIVE, drop="export.zip"),
        unfinished(Status.FAILED, Code.ENGINE_FAILED, who=study(), verdicts=considered()),
    ],
    ids=["rejected", "unread", "failed"],
)
def test_what_was_not_analysed_says_so_and_why_and_what_to_do(outcome: Outcome) -> None:
    said = text(outcome)
    assert outcome.reason is not None
    assert "NOT ANALYSED" in said
    assert outcome.reason.message in said
    assert outcome.reason.code.action in said
    assert "Whether this patient has a stroke is unknown" in said
    for healthy in ("No stroke", "nothing marked", "Nothing is outlined", "cut-off", "Axial, slice"):
        assert healthy not in said
    assert outcome.drop in said
    assert all(verdict.reason in said for verdict in outcome.verdicts if not verdict.accepted)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Иванов^Пётр", "Иванов, Пётр"),
        ("Παπαδόπουλος^Γιώργος", "Παπαδόπουλος, Γιώργος"),
        ("Wang^XiaoDong=王^小东", "Wang, XiaoDong (王 小东)"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田 太郎, やまだ たろう)"),
        ("Hong^Gildong=洪^吉洞=홍^길동", "Hong, Gildong (洪 吉洞, 홍 길동)"),
        ("Łukasiewicz^Żółć", "Łukasiewicz, Żółć"),
        ("<b>Doe</b>^**Jane** __x__ {nb} &amp; \\", "<b>Doe</b>, **Jane** __x__ {nb} &amp; \\"),
        ("D\x00o\x1be^Ja\u202ene", "Doe, Jane"),
        ("Cohen^David=כהן^דוד", "Cohen, David (□□□, □□□)"),
        ("Kumar=कुमार", "Kumar (□□□□□)"),
        ("bad\udcffbytes\N{REPLACEMENT CHARACTER}", "bad□bytes\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_names_are_text_in_the_right_glyphs_or_visible_boxes(name: str, shown: str) -> None:
    assert shown in text(unfinished(who=study(name)))


@pytest.mark.parametrize(
    "outcome",
    [
        completed(
            Call.IH,
            masked(StrokeClass.IH, RIGHT_LESION, LEFT_LESION),
            who=study("Wolfeschlegelstein" * 40, "ID" * 300, accession="A" * 500, description="d" * 5000),
            flags=[Flag(code, "Seen here, with much to say about it. " * 3) for code in FLAGS],
            verdicts=considered(60),
            other_studies=[study(description="CT of everything " * 9)] * 12,
            drop="drop" * 60,
        ),
        unfinished(
            Status.REJECTED,
            Code.NO_SUITABLE_SERIES,
            "And this is why. " * 60,
            who=study("山" * 500, "4711 " * 100),
            verdicts=considered(60)[1:],
            flags=[Flag(code, "Seen here. " * 9) for code in FLAGS],
        ),
    ],
    ids=["completed", "rejected"],
)
def test_too_much_of_everything_stays_on_one_page_and_is_cut_visibly(outcome: Outcome) -> None:
    pdf = render_report(outcome)
    assert pages(pdf) == 1
    said = words(pdf)
    assert "…" in said
    assert re.search(r"\+\d+ more, see result\.json", said)
    assert "Research use only. Not a medical device." in said
    xml = poppler("pdftotext", "-bbox", "-", "-", pdf=pdf).decode()
    right, bottom = (max(map(float, re.findall(rf'{edge}="([\d.]+)"', xml))) for edge in ("xMax", "yMax"))
    assert right <= 596
    assert bottom <= 842


def test_twenty_flags_are_all_there_with_what_to_do() -> None:
    codes = [code for code in FLAGS if code is not Code.UNREADABLE][:20]
    said = text(completed(Call.INCONCLUSIVE, flags=[Flag(code) for code in codes]))
    for code in codes:
        assert code.message in said
        assert (f"{code.message} → {code.action}" in said) is code.asks_for_action


def test_flags_that_forbid_a_negative_call_come_first() -> None:
    flags = [Flag(Code.OLD_STUDY), Flag(Code.PARTIAL_COVERAGE)]
    said = text(completed(Call.INCONCLUSIVE, flags=flags))
    assert said.index(Code.PARTIAL_COVERAGE.message) < said.index(Code.OLD_STUDY.message)


def test_right_is_marked_on_the_left_of_the_axial_and_the_coronal_picture() -> None:
    pdf = render_report(IH)
    rights, lefts = places(pdf, "R")[:2], places(pdf, "L")
    assert [x for x, _ in rights] == sorted(x for x, _ in rights)
    (axial_right, row), (coronal_right, _) = rights
    (axial_left, other_row), (coronal_left, _) = lefts
    assert row == pytest.approx(other_row)
    assert axial_right < axial_left < coronal_right < coronal_left


def test_every_picture_says_what_it_shows() -> None:
    said = text(completed(Call.IH, masked(StrokeClass.IH, RIGHT_LESION) | masked(StrokeClass.IS, LEFT_LESION)))
    for expected in (
        "Axial, slice 27 of 44",
        "largest area marked IH",
        "Coronal",
        "Sagittal",
        "Axial, slice 21 of 44 further area marked IS",
    ):
        assert expected in said
    assert said.count("through the same area") == 2
    assert text(completed(Call.NONE)).count("through the middle of the head") == 3


def test_that_small_areas_have_no_picture_is_said_where_there_is_one() -> None:
    speck = (slice(21, 22), slice(44, 45), slice(46, 49))  # 0.09 ml
    words = "Further areas under 0.1 ml have no picture of their own."
    assert words in text(completed(Call.IH, masked(StrokeClass.IH, RIGHT_LESION, speck)))
    for without in ([RIGHT_LESION, LEFT_LESION], [speck]):
        assert words not in text(completed(Call.IH, masked(StrokeClass.IH, *without)))


@pytest.mark.parametrize(("box", "near"), [(RIGHT_LESION, "R"), (LEFT_LESION, "L")])
def test_the_contour_is_drawn_on_the_lesions_side(box: tuple[slice, slice, slice], near: str, tmp_path: Path) -> None:
    pdf = render_report(completed(Call.IH, masked(StrokeClass.IH, box)))
    pixels = page(pdf, tmp_path).astype(int)
    yellow = (pixels[..., 0] > 200) & (pixels[..., 1] > 150) & (pixels[..., 2] < 100)
    points_per_pixel = 72 / 100
    (left, row), (right, _) = places(pdf, "R")[0], places(pdf, "L")[0]
    rows, columns = np.nonzero(yellow)
    beside = np.abs(rows * points_per_pixel - row) < 90
    inside = beside & (columns * points_per_pixel > left) & (columns * points_per_pixel < right)
    assert inside.sum() > 40
    middle = (left + right) / 2
    centre = float(columns[inside].mean()) * points_per_pixel
    assert (centre < middle) == (near == "R")


def test_ih_is_a_solid_line_and_is_a_dashed_one(tmp_path: Path) -> None:
    large = slice(14, 32), slice(24, 60), slice(10, 34)

    def coloured(stroke: StrokeClass) -> int:
        pdf = render_report(completed(Call(stroke.value), masked(stroke, large)))
        pixels = page(pdf, tmp_path).astype(int)
        return int((np.ptp(pixels, axis=2) > 60).sum())

    assert coloured(StrokeClass.IH) > 1.3 * coloured(StrokeClass.IS) > 0
    assert "haemorrhage IH (solid line)" in text(IH)


def test_the_same_outcome_gives_the_same_bytes_and_another_time_does_not() -> None:
    pdf = render_report(IH)
    assert render_report(IH) == pdf
    assert pdf != render_report(replace(IH, finished=IH.finished + timedelta(seconds=1)))
    information = poppler("pdfinfo", "-isodates", "-", pdf=pdf).decode()
    assert re.search(r"Title:\s+Strokebox report CT_0042__0123abcd", information)
    assert re.search(r"CreationDate:\s+2026-03-14T0[23]:12:40", information)


def test_fonts_are_subset_and_noise_does_not_blow_the_page_up() -> None:
    volume = head((150, 240, 220), (1.2, 0.9, 0.9))
    noise = np.random.default_rng(0).integers(-40, 40, volume.shape, dtype=np.int16)
    noisy = replace(volume, hu=volume.hu + noise)
    outcome = completed(Call.NONE, volume=noisy, who=study("Yamada^Tarou=山田^太郎"))
    assert len(render_report(outcome)) < 1_000_000


@pytest.mark.parametrize(
    ("call", "bold"),
    [
        (Call.IH, {"Haemorrhage"}),
        (Call.IS, {"Ischaemia"}),
        (Call.INCONCLUSIVE, {"Haemorrhage", "Ischaemia"}),
        (Call.NONE, set()),
    ],
)
def test_the_class_that_is_called_stands_out(call: Call, bold: set[str], tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_bytes(render_report(completed(call)))
    xml = poppler("pdftohtml", "-xml", "-i", "-stdout", str(tmp_path / "report.pdf"), pdf=b"").decode()
    assert {word for word in ("Haemorrhage", "Ischaemia") if f"<b>{word} (" in xml} == bold
