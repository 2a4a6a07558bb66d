"""DICOM files to studies: what their headers say, grouped. Pixels are read in runtime/pixels.py.

Lenient but explicit: what is absent or malformed in a header is None or empty, never guessed; what can't be read at all
is listed. It neither chooses nor orders.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from runtime import images
from runtime.codes import Code
from runtime.count import counted
from runtime.elements import READ_ERRORS, date_of, integer_of, items_of, text_of, time_of
from runtime.errors import StudyRejected
from runtime.images import MOST_FRAMES, TooManyFrames, images_of
from runtime.part10 import HEAD_BYTES, PIXEL_DATA_GROUP, plain_meta, read_header
from runtime.progress import Progress, silent
from runtime.study import Image, Patient, Series, Study
from runtime.syntaxes import DEFLATED

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
_CT_IMAGES = (CT_IMAGE_STORAGE, images.ENHANCED_CT_IMAGE_STORAGE)
DIRECTORY_STORAGE = "1.2.840.10008.1.3.10"
"""A DICOMDIR and its relatives: lists of files, never followed."""

_KEYWORDS = [
    *images.KEYWORDS, "SpecificCharacterSet", "StudyDate", "StudyTime", "AccessionNumber", "Modality",
    "StudyDescription", "SeriesDescription", "PatientName", "PatientID", "PatientBirthDate", "PatientSex",
    "BodyPartExamined", "ContrastBolusAgent", "ContrastBolusAgentSequence", "ProtocolName", "StudyInstanceUID",
    "SeriesInstanceUID", "SeriesNumber",
]  # fmt: skip
_TAGS = [Tag(keyword) for keyword in _KEYWORDS]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the files of a drop turned out to be: studies newest first, and how many files were not readable images."""

    studies: tuple[Study, ...]
    damaged: int
    """DICOM files that can't be read: broken, empty, deflated, or of too many frames."""
    others: int
    """Files that are not DICOM images: documents, viewers, DICOMDIRs."""


def read_studies(files: Sequence[Path], progress: Progress = silent) -> Reading:
    """Read the headers of `files` (regular files; any names) and group them.

    StudyRejected: NO_IMAGES where there are no files, NOT_DICOM where none is DICOM, UNREADABLE or UNSUPPORTED_SYNTAX
    where none of the DICOM files can be read, TOO_LARGE where they have too many frames, CONFLICTING_PATIENTS where
    they belong to several patients.
    """
    headers: list[tuple[Dataset, Image]] = []
    damaged = others = deflated = large = 0
    with quiet():
        for number, path in enumerate(files, start=1):
            progress("files", number, len(files))
            try:
                with path.open("rb") as file:
                    head = file.read(HEAD_BYTES)
                    if not _looks_like_dicom(head):
                        others += 1
                        continue
                    meta = plain_meta(head)
                    if meta is None and _is_deflated(path, head):
                        deflated += 1
                        continue
                    dataset = read_header(file, meta, _TAGS)
                    end = file.tell()
                    has_pixels = file.read(2) in PIXEL_DATA_GROUP
                storage = str(getattr(dataset.file_meta, "MediaStorageSOPClassUID", ""))
                if storage == DIRECTORY_STORAGE:
                    others += 1
                elif "SOPInstanceUID" not in dataset or "StudyInstanceUID" not in dataset:
                    damaged += 1
                else:
                    found = images_of(path, dataset, end)
                    if found[0].sop_class_uid in _CT_IMAGES and not has_pixels:  # it breaks off before them
                        damaged += 1
                    else:
                        headers += [(dataset, image) for image in found]
            except TooManyFrames:
                large += 1
            except READ_ERRORS:
                damaged += 1
    if not headers:
        if large:
            raise StudyRejected(Code.TOO_LARGE, f"A file of more than {MOST_FRAMES} frames.")
        if deflated:
            raise StudyRejected(Code.UNSUPPORTED_SYNTAX, "Found: deflated files, which are never unpacked.")
        if damaged:
            raise StudyRejected(Code.UNREADABLE, f"Damaged: {counted(damaged, 'file')}.")
        if others:
            raise StudyRejected(Code.NOT_DICOM, f"Found: {counted(others, 'file')}.")
        raise StudyRejected(Code.NO_IMAGES)
    with quiet():
        if _patients_differ(headers):
            raise StudyRejected(Code.CONFLICTING_PATIENTS)
        return Reading(_studies(headers), damaged + deflated + large, others)


def _looks_like_dicom(head: bytes) -> bool:
    """Part 10 files carry 'DICM' behind 128 bytes; older exports start with a tag of group 0008 straight away.

    EOFError for one that is empty, that ends before that, or that holds zeros only, as programs that copy make room for
    a file before they fill it: it may have been an image.
    """
    if head[128:132] == b"DICM" or head[:2] == b"\x08\x00":
        return True
    if not any(head[:128]):
        raise EOFError("nothing where a file begins")
    return False


def _is_deflated(path: Path, head: bytes) -> bool:
    """Whether reading would inflate without a limit; told by the file meta information, which is never deflated."""
    if head[128:132] != b"DICM":
        return False
    meta = pydicom.filereader.read_file_meta_info(path)
    return str(meta.get("TransferSyntaxUID", "")) == DEFLATED


def _patients_differ(headers: list[tuple[Dataset, Image]]) -> bool:
    """By ID and by name; case, trailing carets and other scripts don't make another patient, nor do missing values.

    What is no picture counts where it calls itself a part of a study that has some.
    """
    pictured = {text_of(dataset, "StudyInstanceUID") for dataset, image in headers if image.rows}
    members = [dataset for dataset, _ in headers if text_of(dataset, "StudyInstanceUID") in pictured]
    ids = {text_of(dataset, "PatientID") for dataset in members}
    names = {text_of(dataset, "PatientName").split("=")[0].rstrip("^ ").casefold() for dataset in members}
    return len(ids - {""}) > 1 or len(names - {""}) > 1


@contextmanager
def quiet() -> Iterator[None]:
    """pydicom warns of odd values and logs them, patients' too; those that matter are found by our own checks."""
    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _studies(headers: list[tuple[Dataset, Image]]) -> tuple[Study, ...]:
    """Group by study, then by series and by what can be stacked."""
    groups: dict[str, dict[tuple[object, ...], list[tuple[Dataset, Image]]]] = {}
    for dataset, image in headers:
        stack = (text_of(dataset, "SeriesInstanceUID"), *_kind(image))
        groups.setdefault(text_of(dataset, "StudyInstanceUID"), {}).setdefault(stack, []).append((dataset, image))
    studies = [
        _study(uid, [_series(members) for members in stacks.values()], _speaker(list(stacks.values())))
        for uid, stacks in groups.items()
    ]
    return tuple(sorted(studies, key=lambda study: (study.date or date.min, study.time or time.min), reverse=True))


def _speaker(stacks: Sequence[Sequence[tuple[Dataset, Image]]]) -> Dataset:
    """The header that tells patient and study: a scan's before a picture's before a document's, whatever lies first."""
    members = [member for stack in stacks for member in stack]
    return max(members, key=lambda member: (member[1].sop_class_uid in _CT_IMAGES, member[1].rows > 0))[0]


def _kind(image: Image) -> tuple[object, ...]:
    """What images of one stack have in common beside their series."""
    orientation = image.orientation and tuple(round(cosine, 3) + 0.0 for cosine in image.orientation)
    pixel = image.pixel_spacing and tuple(float(f"{mm:.4g}") for mm in image.pixel_spacing)
    matrix = (image.rows, image.columns, pixel, image.frames > 1)
    kind = (image.sop_class_uid, "LOCALIZER" in image.image_type, image.kernel)
    return (*kind, orientation, image.frame_of_reference_uid, matrix)


def _series(members: list[tuple[Dataset, Image]]) -> Series:
    dataset = members[0][0]
    return Series(
        uid=text_of(dataset, "SeriesInstanceUID"),
        study_uid=text_of(dataset, "StudyInstanceUID"),
        number=integer_of(dataset, "SeriesNumber"),
        modality=text_of(dataset, "Modality"),
        description=text_of(dataset, "SeriesDescription"),
        protocol=text_of(dataset, "ProtocolName"),
        body_part=text_of(dataset, "BodyPartExamined"),
        kernel=members[0][1].kernel,
        contrast_agent=next(filter(None, (_contrast_agent(one) for one, _ in members)), ""),
        images=tuple(image for _, image in members),
    )


def _contrast_agent(dataset: Dataset) -> str:
    """What was given; enhanced images, and others where they like, tell it in a sequence (PS3.3 C.7.6.4b)."""
    agent = text_of(dataset, "ContrastBolusAgent")
    for item in items_of(dataset, "ContrastBolusAgentSequence"):
        agent = agent or text_of(item, "CodeMeaning") or "an agent without a name"
    return agent


def _study(uid: str, series: list[Series], dataset: Dataset) -> Study:
    return Study(
        uid=uid,
        patient=Patient(
            name=text_of(dataset, "PatientName"),
            id=text_of(dataset, "PatientID"),
            birth_date=date_of(dataset, "PatientBirthDate"),
            sex=text_of(dataset, "PatientSex"),
        ),
        accession=text_of(dataset, "AccessionNumber"),
        date=date_of(dataset, "StudyDate"),
        time=time_of(dataset, "StudyTime"),
        description=text_of(dataset, "StudyDescription"),
        series=tuple(sorted(series, key=lambda one: (one.number is None, one.number or 0, one.uid, -len(one.images)))),
    )
