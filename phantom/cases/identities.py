"""Cases of who and what images say they are: patients, identifiers, dates, names, kinds of object, strays."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pydicom
from pydicom.uid import MRImageStorage

from phantom.cases.case import IDENTITY, SPACING_MM, WHEN_READ, Case, coarse, edit, settings
from phantom.companions import write_dose_report
from phantom.identity import Patient, StudyIdentity, uid
from phantom.series import write_series
from runtime.codes import Code
from runtime.volume import Volume

_CYRILLIC, _JAPANESE, _CHINESE = "Иванов^Пётр", "Yamada^Tarou=山田^太郎=やまだ^たろう", "王^小东"
_STRAYS = slice(25, 28)


def _named(name: str, *character_sets: str) -> Callable[[Volume, Path], None]:
    identity = replace(IDENTITY, patient=replace(IDENTITY.patient, name=name), character_sets=character_sets)

    def write(head: Volume, drop: Path) -> None:
        write_series(head, drop, settings(study=identity))

    return write


def _wrong_bytes(head: Volume, drop: Path) -> None:
    name = IDENTITY.patient.name.encode()
    for path in write_series(head, drop, settings()):
        path.write_bytes(path.read_bytes().replace(name, name[:-2] + b"\xff\xe9"))


def _with_elements(mm: float = SPACING_MM[0], **elements: object) -> Callable[[Volume, Path], None]:
    """All images of a series of this spacing changed alike."""

    def write(head: Volume, drop: Path) -> None:
        for path in write_series(coarse(head, mm), drop, settings()):
            edit(path, **elements)

    return write


def _mr(head: Volume, drop: Path) -> None:
    write_series(coarse(head), drop, settings(modality="MR"))


def _copied_twice(head: Volume, drop: Path) -> None:
    write_series(head, drop / "CT", settings())
    shutil.copytree(drop / "CT", drop / "CT - Copy")


def _same_name_other_pixels(head: Volume, drop: Path) -> None:
    paths = write_series(coarse(head), drop, settings())
    shutil.copy(paths[12], drop / "copy")
    edit(drop / "copy", PixelData=pydicom.dcmread(paths[6]).PixelData)


def _same_name_other_place(head: Volume, drop: Path) -> None:
    paths = write_series(coarse(head), drop, settings())
    edit(paths[13], SOPInstanceUID=pydicom.dcmread(paths[12]).SOPInstanceUID)


def _same_place_other_pixels(head: Volume, drop: Path) -> None:
    paths = write_series(coarse(head), drop, settings())
    shutil.copy(paths[12], drop / "copy")
    edit(drop / "copy", PixelData=pydicom.dcmread(paths[6]).PixelData, SOPInstanceUID=uid("another"))


def _strays(**elements: object) -> Callable[[Volume, Path], None]:
    """Slices of another series that carry this one's identifier, a little above its own."""

    def write(head: Volume, drop: Path) -> None:
        paths = write_series(head, drop, settings())
        for number, path in enumerate(paths[_STRAYS]):
            stray = drop / f"stray{number}"
            shutil.copy(path, stray)
            x, y, z = pydicom.dcmread(path).ImagePositionPatient
            edit(stray, SOPInstanceUID=uid("stray", number), ImagePositionPatient=[x, y, float(z) + 0.5], **elements)

    return write


def _strays_of_another_matrix(head: Volume, drop: Path) -> None:
    write_series(head, drop / "a", settings())
    for path in write_series(coarse(head), drop / "b", settings(number=9, matrix=256))[3:]:
        path.unlink()
    for path in (drop / "b").iterdir():
        edit(path, SeriesInstanceUID=settings().series_uid)


def _slices_of_another_series(head: Volume, drop: Path) -> None:
    write_series(head, drop, settings())
    for path in write_series(coarse(head), drop / "b", settings(number=9))[3:]:
        path.unlink()


def _two_patients(head: Volume, drop: Path) -> None:
    write_series(coarse(head), drop / "1", settings())
    other = StudyIdentity.of(12, Patient(name="Other^Patient", id="OTHER"))
    write_series(coarse(head), drop / "2", settings(study=other))


def _report_first(**elements: object) -> Callable[[Volume, Path], None]:
    """A dose report of the study, with these elements of its own, that lies before the slices."""

    def write(head: Volume, drop: Path) -> None:
        write_series(head, drop / "b", settings())
        edit(write_dose_report(drop / "a", IDENTITY), **elements)

    return write


def _newer_without_rescale(head: Volume, drop: Path) -> None:
    for path in write_series(coarse(head), drop / "new", settings()):
        edit(path, RescaleSlope=None, RescaleIntercept=None)
    earlier = replace(IDENTITY, seed=12, when=IDENTITY.when - timedelta(days=300))
    write_series(head, drop / "old", settings(study=earlier))


def _two_studies(head: Volume, drop: Path) -> None:
    write_series(head, drop / "new", settings())
    earlier = replace(IDENTITY, seed=12, when=IDENTITY.when - timedelta(days=300))
    write_series(coarse(head), drop / "old", settings(study=earlier))


def _old(head: Volume, drop: Path) -> None:
    write_series(head, drop, settings(study=replace(IDENTITY, when=WHEN_READ - timedelta(hours=25))))


def _child(head: Volume, drop: Path) -> None:
    child = replace(IDENTITY.patient, birth_date=date(IDENTITY.when.year - 17, 6, 1))
    write_series(head, drop, settings(study=replace(IDENTITY, patient=child)))


def _flags(*codes: Code) -> frozenset[Code]:
    return frozenset(codes)


CASES = (
    Case("name in UTF-8", "A Russian name in UTF-8.", _named(_CYRILLIC, "ISO_IR 192"), patient=_CYRILLIC),
    Case(
        "name in ISO 2022 IR 87",
        "A Japanese name with its three writings.",
        _named(_JAPANESE, "", "ISO 2022 IR 87"),
        patient=_JAPANESE,
    ),
    Case("name in GB18030", "A Chinese name in GB18030.", _named(_CHINESE, "GB18030"), patient=_CHINESE),
    Case(
        "name in wrong bytes",
        "A name in bytes that its character set does not have.",
        _wrong_bytes,
        patient="Phantom^Strokeb\ufffd\ufffd",
    ),
    Case("no Modality", "Images without Modality; their SOP class says CT.", _with_elements(Modality=None)),
    Case("wrong Modality", "CT images that call themselves MR.", _with_elements(5.0, Modality="MR"), Code.NOT_CT),
    Case(
        "no SOP class",
        "Images without SOPClassUID; the file meta information says CT.",
        _with_elements(SOPClassUID=None),
    ),
    Case(
        "wrong SOP class",
        "CT images of the SOP class for MR.",
        _with_elements(5.0, SOPClassUID=MRImageStorage),
        Code.NOT_CT,
    ),
    Case("MR", "An MR series.", _mr, Code.NOT_CT),
    Case("copied twice", "The whole series twice, byte for byte.", _copied_twice, flags=_flags(Code.REPEATED_IMAGES)),
    Case(
        "one identifier, other pixels",
        "Two files with one SOPInstanceUID and place, and other pixels.",
        _same_name_other_pixels,
        Code.DUPLICATE_SLICES,
    ),
    Case(
        "one identifier, other place",
        "Two slices at two places with one SOPInstanceUID.",
        _same_name_other_place,
        Code.CONFLICTING_COPIES,
    ),
    Case(
        "one place, other pixels",
        "Two slices at one place, each with its own identifier.",
        _same_place_other_pixels,
        Code.DUPLICATE_SLICES,
    ),
    Case(
        "strays of another kernel",
        "Bone slices that carry the soft series' identifier.",
        _strays(ConvolutionKernel="H60s"),
        flags=_flags(Code.MIXED_SERIES),
    ),
    Case(
        "strays of another frame of reference",
        "Slices measured from elsewhere, with the series' identifier.",
        _strays(FrameOfReferenceUID=uid("elsewhere")),
        flags=_flags(Code.MIXED_SERIES),
    ),
    Case(
        "strays of another matrix",
        "Larger slices with the series' identifier.",
        _strays_of_another_matrix,
        flags=_flags(Code.MIXED_SERIES),
    ),
    Case("slices of another series", "Three slices of another series in the folder.", _slices_of_another_series),
    Case("two patients", "Studies of two patients in one folder.", _two_patients, Code.CONFLICTING_PATIENTS),
    Case(
        "a report of another patient",
        "A dose report in the same study that names another patient.",
        _report_first(PatientName="Other^Patient", PatientID="OTHER"),
        Code.CONFLICTING_PATIENTS,
    ),
    Case(
        "a report without a name",
        "A dose report without a name, with a date of its own, that lies before the slices.",
        _report_first(PatientName="", PatientID="", StudyDate="20010101"),
        patient=IDENTITY.patient.name,
    ),
    Case(
        "newer study without rescale",
        "A scan without slope and intercept, and an earlier one that can be analysed.",
        _newer_without_rescale,
        flags=_flags(Code.OTHER_STUDIES, Code.NEWER_STUDY_NOT_ANALYSED, Code.OLD_STUDY),
    ),
    Case("two studies", "An earlier study of the same patient beside.", _two_studies, flags=_flags(Code.OTHER_STUDIES)),
    Case("old study", "A scan of 25 hours ago.", _old, flags=_flags(Code.OLD_STUDY)),
    Case("child", "A patient of 16 years.", _child, flags=_flags(Code.PAEDIATRIC)),
)
