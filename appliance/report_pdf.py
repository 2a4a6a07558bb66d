"""An outcome as one A4 page that a technician understands in ten seconds. Returns bytes, writes no file.

From top to bottom: who, what was found and what to do, how much and where, pictures, what to know, from which images,
by which engines. Nothing depends on colour. What does not fit is cut visibly and is complete in result.json. The page
of a study that was not analysed says so as large as a finding, and shows nothing that could be taken for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from appliance import wording
from appliance.legible import person_name
from appliance.outcome import Outcome, Status
from appliance.picture_row import draw_row, legend, row_height
from appliance.pictures import SMALLEST_PICTURED_ML, Picture, key_pictures
from appliance.sheet import BLACK, GREY, HEIGHT_MM, WHITE, WIDTH_MM, Area, Sheet, Type, line_mm
from appliance.symbols import draw_symbol
from runtime.classification import Call
from runtime.codes import Flag
from runtime.count import counted
from runtime.pipeline import Analysis
from runtime.provenance import Provenance
from runtime.selection import Verdict
from runtime.study import Study

PAGE = Area(10, 8, WIDTH_MM - 20, HEIGHT_MM - 16)
_GAP = 3.0
_HEAD, _FOOT, _TABLE, _CALL = 37.0, 23.0, 15.5, 29.0
_PICTURES, _FURTHER = 64.0, 42.0
_SERIES_AT_LEAST = 15.0
_TITLE = Type(8.5, 8.5, bold=True, colour=GREY)
_LABEL = Type(7.5, 7.5, colour=GREY)
_FLAGS = Type(11, 6.5)
_SERIES = Type(9, 6.5)
_POSITIVE = (Call.IH, Call.IS)


def render_report(outcome: Outcome) -> bytes:
    """The report's PDF: one page, the same bytes for the same outcome."""
    sheet = Sheet(f"Strokebox report {outcome.drop}__{outcome.key}", outcome.finished)
    _head(sheet, PAGE.top(_HEAD), outcome)
    body = PAGE.below(_HEAD + _GAP)
    body = body.top(body.height - _FOOT - _GAP)
    if outcome.analysis is not None:
        _call(sheet, body.top(_CALL), outcome, outcome.analysis)
        _table(sheet, body.below(_CALL + _GAP).top(_TABLE), outcome.analysis)
        _pictures_and_lists(sheet, body.below(_CALL + _TABLE + 2 * _GAP), outcome, outcome.analysis)
    else:
        height = body.height * 0.45
        _not_analysed(sheet, body.top(height), outcome)
        _lists(sheet, body.below(height + _GAP), outcome)
    _foot(sheet, PAGE.below(PAGE.height - _FOOT), outcome)
    return sheet.finish()


def _head(sheet: Sheet, area: Area, outcome: Outcome) -> None:
    """Whose images these are, as large as the finding: a report on the wrong patient is the worst one."""
    study = outcome.study
    sheet.text(area.top(4), "STROKEBOX head CT report. Research use only.", _TITLE)
    sheet.text(area.top(4).part(95, 95), f"Copied in: {outcome.drop}", Type(8.5, 6.5, colour=GREY), align="R")
    rest = area.below(4.5)
    if study is None:
        sheet.text(rest.top(11), "Patient unknown", Type(22, 14, bold=True))
        sheet.text(rest.below(12), f"Find the patient by what was copied in: “{outcome.drop}”.", Type(14, 7, bold=True))
        return
    name = person_name(study.patient.name) or "No name in the images"
    sheet.text(rest.top(11), name, Type(22, 9, bold=True))
    fields = [
        ("Patient ID", study.patient.id or "none", rest.below(11.5).part(0, 93)),
        ("Born", _born(study), rest.below(11.5).part(95, 63)),
        ("Sex", study.patient.sex or "unknown", rest.below(11.5).part(160, 30)),
        ("Accession", study.accession or "none", rest.below(21.5).part(0, 93)),
        ("Scanned", _moment(study), rest.below(21.5).part(95, 95)),
    ]
    for label, value, place in fields:
        sheet.text(place.top(3.5), label, _LABEL)
        sheet.text(place.below(3.2).top(6.5), value, Type(15, 7, bold=True))
    sheet.line([(area.x, area.bottom), (area.x + area.width, area.bottom)], 0.3)


def _call(sheet: Sheet, area: Area, outcome: Outcome, analysis: Analysis) -> None:
    """The call: white on black where something is suspected, framed where not, dashed where nobody knows."""
    call = analysis.finding.call
    positive = call in _POSITIVE
    ink = WHITE if positive else BLACK
    if positive:
        sheet.fill(area, BLACK)
    else:
        sheet.frame(area.inset(0.6), 1.2, dash=3.0 if call is Call.INCONCLUSIVE else 0.0)
    draw_symbol(sheet, call, area.inset(4).part(0, area.height - 8), ink)
    text = area.inset(3).part(area.height - 1, area.width - area.height - 5)
    words = wording.words_of(outcome)
    large, small = Type(24, 14, bold=True, colour=ink), Type(12.5, 8, colour=ink)
    headline, instruction = text.top(text.height * 0.55), text.top(text.height * 0.45)
    used = sheet.text_height(headline, words.headline, large)
    spare = text.height - used - sheet.text_height(instruction, words.instruction, small)
    sheet.text(headline.moved(spare / 2), words.headline, large)
    sheet.text(instruction.moved(spare / 2 + used), words.instruction, small)


def _not_analysed(sheet: Sheet, area: Area, outcome: Outcome) -> None:
    """The same box, larger: that there is no result, why, and what to do."""
    sheet.frame(area.inset(0.6), 1.2)
    sheet.frame(area.inset(2.4), 0.4)
    inner = area.inset(6)
    draw_symbol(sheet, None, inner.top(22).part(0, 22), BLACK)
    heading = inner.part(28, inner.width - 28)
    sheet.text(heading.top(15), wording.NOT_ANALYSED.upper(), Type(34, 34, bold=True))
    sheet.text(heading.below(15).top(7), wording.status_words(outcome.status), Type(14, 10))
    if outcome.reason is None:
        return
    failed = outcome.status is Status.FAILED
    why = outcome.reason.code.message if failed else outcome.reason.message  # an engine's own words are for IT, in JSON
    parts = (
        ("Why", why, Type(17, 8, bold=True), 0.36),
        ("What to do", outcome.reason.code.action, Type(17, 8, bold=True), 0.32),
        ("Until then", wording.UNKNOWN, Type(14, 8), 0.32),
    )
    rest = inner.below(26)
    top = 0.0
    for label, text, face, share in parts:
        row = rest.below(top).top(rest.height * share - 1)
        sheet.text(row.part(0, 28).below(0.8), label, Type(11, 11, colour=GREY))
        sheet.text(row.part(28, row.width - 28), text, face)
        top += rest.height * share


def _table(sheet: Sheet, area: Area, analysis: Analysis) -> None:
    """Per class: how much, where, and how sure; in bold what the call is about, and both where it is inconclusive."""
    columns = ((0.0, 46.0), (48.0, 40.0), (90.0, 38.0), (130.0, area.width - 130.0))
    titles = ("", "Marked volume", "Side", "Strength of the signs (V)")
    rows = [
        (
            name,
            wording.volume_words(analysis.finding.measures[stroke].volume_ml),
            wording.side_words(analysis.lesions, stroke) or "–",
            wording.measure_words(analysis.finding.measures[stroke]),
        )
        for stroke, name in wording.CLASS_NAMES.items()
    ]
    for (left, width), title in zip(columns, titles, strict=True):
        sheet.text(area.top(4).part(left, width), title, _LABEL)
    for number, (stroke, row) in enumerate(zip(wording.CLASS_NAMES, rows, strict=True)):
        line = area.below(3.6 + number * 5.7)
        counts = analysis.finding.call.value in (stroke.value, Call.INCONCLUSIVE.value)
        for column, ((left, width), value) in enumerate(zip(columns, row, strict=True)):
            face = Type(12 if column < 3 else 9.5, 7, bold=column < 3 and counts)
            sheet.text(line.top(5.6).part(left, width), value, face)


def _pictures_and_lists(sheet: Sheet, area: Area, outcome: Outcome, analysis: Analysis) -> None:
    """The three main pictures always; further ones where the flags and the series leave room for them."""
    pictures = key_pictures(analysis)
    main, further = pictures[:3], pictures[3:]
    height = row_height(main, area.width, _PICTURES)
    draw_row(sheet, area.top(height), main, analysis)
    used = sheet.text(area.below(height).top(8), _legend(analysis, pictures), Type(8, 7, colour=GREY), align="C")
    rest = area.below(height + used + _GAP / 2)
    wanted = sheet.listing_height(area.width, _flag_items(outcome.flags), _FLAGS.size, _FLAGS) + line_mm(_TITLE.size)
    further_height = row_height(further, area.width, _FURTHER) if further else 0.0
    if further and rest.height - further_height - wanted - _GAP >= _SERIES_AT_LEAST:
        draw_row(sheet, rest.top(further_height), further, analysis)
        rest = rest.below(further_height + _GAP / 2)
    _lists(sheet, rest, outcome)


def _legend(analysis: Analysis, pictures: Sequence[Picture]) -> str:
    """With a word about areas that have no picture of their own, where there are any. The largest has one."""
    if not any(lesion.volume_ml < SMALLEST_PICTURED_ML for lesion in analysis.lesions[1:]):
        return legend(pictures)
    return f"{legend(pictures)} Further areas under {SMALLEST_PICTURED_ML:g} ml have no picture of their own."


def _lists(sheet: Sheet, area: Area, outcome: Outcome) -> None:
    """What to know, then the series; the flags may take all but a few lines."""
    flags = _flag_items(outcome.flags)
    used = 0.0
    if flags:
        used = sheet.text(area, "Know this when reading the result" if outcome.analysis else "Also noticed", _TITLE)
        room = area.below(used).top(area.height - used - _SERIES_AT_LEAST - _GAP)
        used += sheet.listing(room, flags, _FLAGS, lambda count: f"+{count} more, see result.json") + _GAP
    rest = area.below(used)
    used = sheet.text(rest, "Series", _TITLE)
    items = _series_items(outcome)
    sheet.listing(rest.below(used), items, _SERIES, lambda count: f"+{count} more, see result.json")


def _foot(sheet: Sheet, area: Area, outcome: Outcome) -> None:
    """By what it was made, when, and what it must not be used for."""
    sheet.line([(area.x, area.y), (area.x + area.width, area.y)], 0.3)
    engines = _engines(outcome.engines) if outcome.engines else "Engines: none were used."
    seconds = sum(outcome.seconds.values())
    finished = outcome.finished.strftime("%Y-%m-%d %H:%M:%S %z")
    made = f"Strokebox {outcome.software_version}; finished {finished} after {seconds:.0f} s; study {outcome.key}."
    used = sheet.text(area.below(1).top(7), engines, Type(8, 6))
    sheet.text(area.below(1 + used).top(4), made, Type(8, 6))
    box = area.below(13.5).top(9.5)
    sheet.frame(box, 0.5)
    sheet.text(box.below(2).part(3, box.width - 6), wording.INTENDED_USE, Type(12, 9, bold=True), align="C")


def _flag_items(flags: Sequence[Flag]) -> list[str]:
    """Those that forbid a negative call first; what to do behind an arrow, where there is something to do."""
    ordered = sorted(flags, key=lambda flag: not flag.forbids_none)
    return [f"{flag.message} → {flag.code.action}" if flag.code.asks_for_action else flag.message for flag in ordered]


def _series_items(outcome: Outcome) -> list[str]:
    """The analysed series with its geometry, what else came with it, and why the others were not used."""
    verdicts = sorted(outcome.verdicts, key=lambda verdict: not verdict.accepted)
    items = [_verdict(verdict, outcome) for verdict in verdicts]
    if not items:
        items = ["None could be looked at."]
    others = [f"{study.date or 'undated'} {study.description}".strip() for study in outcome.other_studies]
    if others:
        items.insert(1, f"Other studies in this drop, not analysed: {'; '.join(others)}")
    return items


def _verdict(verdict: Verdict, outcome: Outcome) -> str:
    series = verdict.series
    number = "Series" if series.number is None else f"Series {series.number}"
    title = (
        f"{number} “{series.description or series.protocol or 'no description'}”, {series.modality or 'no modality'}"
    )
    images = counted(len(series.images), "image")
    if verdict.accepted and outcome.analysis is not None:
        z, y, x = outcome.analysis.native.geometry.spacing_mm
        resampled = ", resampled for the analysis" if outcome.analysis.is_resampled else ""
        return f"ANALYSED: {title}, {images}, {z:.2f} mm apart, pixels {x:.2f} × {y:.2f} mm{resampled}."
    use = "Chosen" if verdict.accepted else "Not used"
    return f"{use}: {title}, {images}. {verdict.reason}"


def _engines(engines: Provenance) -> str:
    return (
        f"Engines: {engines.name} {engines.version} (no. {engines.serial}, manifest {engines.manifest_sha256[:12]}), "
        f"{engines.models} models, {engines.backend}, {engines.precision}, on {engines.device}."
    )


def _born(study: Study) -> str:
    born = study.patient.birth_date
    if born is None:
        return "unknown"
    age = _years(born, study.date) if study.date else None
    return f"{born.isoformat()} ({age} y)" if age is not None and age >= 0 else born.isoformat()


def _years(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _moment(study: Study) -> str:
    day = study.date.isoformat() if study.date else "date unknown"
    return f"{day} {study.time:%H:%M}" if study.time else day
