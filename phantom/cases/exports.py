"""Cases of which series a folder holds: the whole export of a stroke protocol, and exports that lack the one needed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from phantom.cases.case import IDENTITY, Case, coarse, settings
from phantom.companions import write_dicomdir, write_dose_report, write_localizer, write_secondary_capture
from phantom.orientation import Orientation
from phantom.series import write_series
from runtime.codes import Code
from runtime.volume import Volume

_PERFUSED_PLACES, _PERFUSED_TIMES = 3, 6


def _thick(head: Volume, folder: Path) -> None:
    write_series(coarse(head), folder, settings(number=2, description="HEAD 5.0 H31s"))


def _soft(head: Volume, folder: Path) -> None:
    write_series(head, folder, settings(number=3, description="HEAD 2.5 H31s"))


def _bone(head: Volume, folder: Path) -> None:
    write_series(head, folder, settings(number=4, description="HEAD 2.5 H60s", kernel="H60s"))


def _cta(head: Volume, folder: Path) -> None:
    """Contrast by name only."""
    write_series(head, folder, settings(number=5, description="CTA HEAD 0.6 H20f", kernel="H20f"))


def _perfusion(head: Volume, folder: Path) -> None:
    """The same few places again and again, under a name that says nothing."""
    middle = coarse(head, 10.0)
    few = middle.cropped((slice(4, 4 + _PERFUSED_PLACES), slice(0, middle.shape[1]), slice(0, middle.shape[2])))
    for time in range(_PERFUSED_TIMES):
        first = 1 + time * _PERFUSED_PLACES
        write_series(few, folder / str(time), settings(number=6, description="Head 10.0", first_instance=first))


def _mpr(head: Volume, folder: Path) -> None:
    changes = {"number": 7, "description": "HEAD COR 1.0", "image_type": ("DERIVED", "SECONDARY", "MPR")}
    write_series(head, folder, settings(orientation=Orientation("L", "F"), **changes))


def _coronal(head: Volume, folder: Path) -> None:
    """As some scanners write reformats: as if they were originals."""
    write_series(head, folder, settings(orientation=Orientation("L", "F"), description="HEAD COR 1.0"))


def _localizer(head: Volume, folder: Path) -> None:
    write_localizer(head, folder, IDENTITY)


def _capture(head: Volume, folder: Path) -> None:
    write_secondary_capture(head, folder, IDENTITY)


def _dose(_head: Volume, folder: Path) -> None:
    write_dose_report(folder, IDENTITY)


_PARTS: tuple[Callable[[Volume, Path], None], ...] = (
    _localizer,
    _thick,
    _soft,
    _bone,
    _cta,
    _perfusion,
    _mpr,
    _capture,
    _dose,
)


def _everything(head: Volume, drop: Path) -> None:
    """A folder for each, the viewer and its list of files beside."""
    for number, part in enumerate(_PARTS):
        part(head, drop / f"SER{number:04d}")
    write_dicomdir(drop)
    (drop / "autorun.exe").write_bytes(b"MZ" + bytes(1000))
    (drop / "README.TXT").write_text("Please start the viewer.", encoding="utf-8")


def _all_in_one_folder(head: Volume, drop: Path) -> None:
    """The same, without folders and with meaningless names."""
    parts = drop.with_name(drop.name + ".parts")
    _everything(head, parts)
    drop.mkdir()
    for number, path in enumerate(sorted(path for path in parts.rglob("*") if path.is_file())):
        path.rename(drop / f"{number:04d}.bin")
    shutil.rmtree(parts)


def _changed(**changes: Any) -> Callable[[Volume, Path], None]:
    def write(head: Volume, drop: Path) -> None:
        write_series(head, drop, settings(**changes))

    return write


CASES = (
    Case(
        "whole export",
        "Localizer, 5 mm, thin soft, thin bone, CTA, perfusion, reformat, screenshot, dose report.",
        _everything,
    ),
    Case("whole export in one folder", "The same in one folder, under meaningless names.", _all_in_one_folder),
    Case("thick only", "A 5 mm series.", _thick),
    Case("localizer only", "The overview picture.", _localizer, Code.NO_SUITABLE_SERIES),
    Case("bone only", "A series with a bone kernel.", _bone, Code.NO_SUITABLE_SERIES),
    Case("CTA only", "A series that is named CTA.", _cta, Code.CONTRAST_ENHANCED),
    Case(
        "contrast by tag",
        "A series whose header names a contrast agent.",
        _changed(contrast_agent="Iomeron 350"),
        Code.CONTRAST_ENHANCED,
    ),
    Case(
        "contrast by name",
        "A series named 'post contrast'.",
        _changed(description="HEAD post contrast"),
        Code.CONTRAST_ENHANCED,
    ),
    Case("perfusion only", "The same places scanned again and again.", _perfusion, Code.NO_SUITABLE_SERIES),
    Case("reformat only", "A coronal reformat, computed.", _mpr, Code.NO_SUITABLE_SERIES),
    Case("coronal only", "A coronal series that calls itself original.", _coronal, Code.NO_SUITABLE_SERIES),
    Case("screenshot only", "A secondary capture with Modality CT.", _capture, Code.NOT_CT),
    Case("dose report only", "A structured report.", _dose, Code.NOT_CT),
    Case(
        "body part by tag",
        "A head that calls itself a chest.",
        _changed(body_part="CHEST", description="Routine", protocol=""),
        Code.NOT_HEAD,
    ),
)
