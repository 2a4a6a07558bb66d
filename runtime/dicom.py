"""DICOM files to studies (headers), and one series to Hounsfield units: the only reader of DICOM.

Lenient but explicit: what is absent or malformed in a header is None or empty, never guessed; what can't be read at all
is listed. Pixels are checked before they are decoded: transfer syntax, budget, length. It neither chooses nor orders.
"""

from __future__ import annotations

import logging
import re
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException
from pydicom.multival import MultiValue
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from runtime.codes import Code
from runtime.errors import StudyRejected
from runtime.progress import Progress, silent
from runtime.study import Image, Patient, Series, Study
from runtime.volume import AIR_HU

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
SUPPORTED_SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian)
SUSPICIOUS_ZERO_SHARE = 0.1
"""An image that ends in this share more zero rows than its series' median was not copied to its end."""
DIRECTORY_STORAGE = "1.2.840.10008.1.3.10"
"""A DICOMDIR and its relatives: lists of files, never followed."""

_HEADER_KEYWORDS = [
    "SpecificCharacterSet", "ImageType", "SOPClassUID", "SOPInstanceUID", "StudyDate", "StudyTime", "SeriesDate",
    "SeriesTime", "AccessionNumber", "Modality", "StudyDescription", "SeriesDescription", "PatientName", "PatientID",
    "PatientBirthDate", "PatientSex", "BodyPartExamined", "ContrastBolusAgent", "ProtocolName",
    "ConvolutionKernel", "StudyInstanceUID", "SeriesInstanceUID", "SeriesNumber",
    "InstanceNumber", "ImagePositionPatient", "ImageOrientationPatient", "NumberOfFrames", "Rows",
    "Columns", "PixelSpacing", "RescaleIntercept", "RescaleSlope",
]  # fmt: skip
_READ_ERRORS = (
    OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, NotImplementedError,
    AssertionError, RecursionError, MemoryError, struct.error, zlib.error, BytesLengthException,
)  # fmt: skip
"""What pydicom raises on damaged files; a test mutates files to find others."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one study may cost, checked before anything is allocated."""

    rows: int = 4096
    columns: int = 4096
    slices: int = 5000
    decoded_bytes: int = 8 << 30

    def check(self, slices: int, rows: int, columns: int) -> None:
        """StudyRejected: TOO_LARGE where a stack of int16 images would exceed the budget, UNREADABLE for empty ones."""
        if min(rows, columns) < 1:
            raise StudyRejected(Code.UNREADABLE, "Images without rows or columns.")
        if rows > self.rows or columns > self.columns or slices > self.slices:
            raise StudyRejected(
                Code.TOO_LARGE,
                f"{slices} images of {rows} x {columns}; the limit is {self.slices} of {self.rows} x {self.columns}.",
            )
        if 2 * slices * rows * columns > self.decoded_bytes:
            raise StudyRejected(
                Code.TOO_LARGE, f"Decoded it would need more than {self.decoded_bytes >> 20} MiB of memory."
            )


@dataclass(frozen=True, slots=True)
class Reading:
    """What the files of a drop turned out to be: studies newest first, and how many files were not readable images."""

    studies: tuple[Study, ...]
    damaged: int
    """DICOM files that can't be read: broken, empty, or deflated."""
    others: int
    """Files that are not DICOM images: documents, viewers, DICOMDIRs."""


def read_studies(files: Sequence[Path], progress: Progress = silent) -> Reading:
    """Read the headers of `files` (regular files; any names) and group them.

    StudyRejected: NO_IMAGES where there are no files, NOT_DICOM where none is DICOM, UNREADABLE or UNSUPPORTED_SYNTAX
    where none of the DICOM files can be read, CONFLICTING_PATIENTS where they belong to several patients.
    """
    headers: list[tuple[Dataset, Image]] = []
    damaged = others = deflated = 0
    with _quiet():
        for number, path in enumerate(files, start=1):
            progress("files", number, len(files))
            try:
                if not _looks_like_dicom(path):
                    others += 1
                    continue
                if _is_deflated(path):
                    deflated += 1
                    continue
                dataset = _read_header(path)
                storage = str(getattr(dataset.file_meta, "MediaStorageSOPClassUID", ""))
                if storage == DIRECTORY_STORAGE:
                    others += 1
                elif "SOPInstanceUID" not in dataset or "StudyInstanceUID" not in dataset:
                    damaged += 1
                else:
                    headers.append((dataset, _image(path, dataset)))
            except _READ_ERRORS:
                damaged += 1
    if not headers:
        if deflated:
            raise StudyRejected(Code.UNSUPPORTED_SYNTAX, "Found: deflated files, which are never unpacked.")
        if damaged:
            raise StudyRejected(Code.UNREADABLE, f"{damaged} files are damaged.")
        raise StudyRejected(Code.NOT_DICOM, f"{others} files were found.") if others else StudyRejected(Code.NO_IMAGES)
    with _quiet():
        if _patients_differ(headers):
            raise StudyRejected(Code.CONFLICTING_PATIENTS)
        return Reading(_studies(headers), damaged + deflated, others)


def read_pixels(series: Series, budget: Budget, progress: Progress = silent) -> NDArray[np.int16]:
    """The images of `series` in Hounsfield units: int16 (N, rows, columns), in the order of `series.images`.

    Rescale slope and intercept are each image's own (PS3.3 C.11.1.1.2); padding (C.7.5.1.1.2) and all below air become
    air. MONOCHROME1 says how to display, not what is stored (C.7.6.3.1.2), so it changes nothing here.
    StudyRejected: TOO_LARGE, UNSUPPORTED_SYNTAX, TRUNCATED, UNREADABLE.
    """
    first = series.images[0]
    budget.check(len(series.images), first.rows, first.columns)
    hu = np.empty((len(series.images), first.rows, first.columns), dtype=np.int16)
    zero_rows = np.zeros(len(series.images), dtype=np.intp)
    with _quiet():
        for number, (plane, image) in enumerate(zip(hu, series.images, strict=True), start=1):
            progress("images", number, len(hu))
            if image.transfer_syntax_uid not in SUPPORTED_SYNTAXES:
                name = pydicom.uid.UID(image.transfer_syntax_uid).name
                raise StudyRejected(Code.UNSUPPORTED_SYNTAX, f"Found: {name or 'no transfer syntax'}.")
            try:
                dataset = pydicom.dcmread(image.path, force=True)
                dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(image.transfer_syntax_uid)
                plane[:] = _hounsfield(dataset)
                zero_rows[number - 1] = _zero_rows_at_the_end(dataset)
            except _READ_ERRORS as error:
                raise StudyRejected(Code.UNREADABLE, "The pixels of an image can't be decoded.") from error
    if (zero_rows > np.median(zero_rows) + first.rows * SUSPICIOUS_ZERO_SHARE).any():
        raise StudyRejected(Code.TRUNCATED, "The end of an image is empty, as after a copy that broke off.")
    return hu


def _zero_rows_at_the_end(dataset: Dataset) -> int:
    """How many whole rows of zero bytes the pixel data ends with, as a file has that was made ahead of its copy."""
    pixels = bytes(dataset.PixelData)
    return (len(pixels) - len(pixels.rstrip(b"\0"))) // (len(pixels) // int(dataset.Rows))


def _hounsfield(dataset: Dataset) -> NDArray[np.int16]:
    """One image's pixels, int16 (rows, columns) in HU."""
    if int(dataset.get("SamplesPerPixel", 1)) != 1 or int(dataset.BitsAllocated) not in (8, 16, 32):
        raise StudyRejected(Code.UNREADABLE, "An image is not single-channel 8, 16 or 32 bit.")
    expected = int(dataset.Rows) * int(dataset.Columns) * int(dataset.BitsAllocated) // 8
    if len(dataset.get("PixelData", b"")) < expected:
        raise StudyRejected(Code.TRUNCATED)
    stored = dataset.pixel_array
    hu = stored * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
    if "PixelPaddingValue" in dataset:
        low = high = int(dataset.PixelPaddingValue)
        if "PixelPaddingRangeLimit" in dataset:
            low, high = sorted((low, int(dataset.PixelPaddingRangeLimit)))
        hu[(stored >= low) & (stored <= high)] = AIR_HU
    clipped: NDArray[np.int16] = np.rint(np.clip(hu, AIR_HU, np.iinfo(np.int16).max)).astype(np.int16)
    return clipped


def _looks_like_dicom(path: Path) -> bool:
    """Part 10 files carry 'DICM' behind 128 bytes; older exports start with a tag of group 0008 straight away.

    EOFError for an empty file: it may have been an image before the copy broke off.
    """
    with path.open("rb") as file:
        start = file.read(132)
    if not start:
        raise EOFError("empty file")
    return start[128:] == b"DICM" or start[:2] == b"\x08\x00"


def _is_deflated(path: Path) -> bool:
    """Whether reading would inflate without a limit; told by the file meta information, which is never deflated."""
    with path.open("rb") as file:
        if file.read(132)[128:] != b"DICM":
            return False
    meta = pydicom.filereader.read_file_meta_info(path)
    return str(meta.get("TransferSyntaxUID", "")) == DeflatedExplicitVRLittleEndian


def _patients_differ(headers: list[tuple[Dataset, Image]]) -> bool:
    """By ID and by name; case, trailing carets and other scripts don't make another patient, nor do missing values."""
    pictures = [dataset for dataset, image in headers if image.rows]
    ids = {_text(dataset, "PatientID") for dataset in pictures}
    names = {_text(dataset, "PatientName").split("=")[0].rstrip("^ ").casefold() for dataset in pictures}
    return len(ids - {""}) > 1 or len(names - {""}) > 1


def _read_header(path: Path) -> Dataset:
    return pydicom.dcmread(path, force=True, stop_before_pixels=True, specific_tags=list(_HEADER_KEYWORDS))


@contextmanager
def _quiet() -> Iterator[None]:
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


def _image(path: Path, dataset: Dataset) -> Image:
    spacing = _numbers(dataset, "PixelSpacing", 2)
    return Image(
        path=path,
        sop_instance_uid=_text(dataset, "SOPInstanceUID"),
        sop_class_uid=_text(dataset, "SOPClassUID"),
        transfer_syntax_uid=str(getattr(dataset.file_meta, "TransferSyntaxUID", ImplicitVRLittleEndian)),
        image_type=tuple(_texts(dataset, "ImageType")),
        instance_number=_integer(dataset, "InstanceNumber"),
        rows=_integer(dataset, "Rows") or 0,
        columns=_integer(dataset, "Columns") or 0,
        frames=_integer(dataset, "NumberOfFrames") or 1,
        position=_numbers(dataset, "ImagePositionPatient", 3),
        orientation=_numbers(dataset, "ImageOrientationPatient", 6),
        pixel_spacing=spacing if spacing and min(spacing) > 0 else None,
        has_rescale=None not in (_number(dataset, "RescaleSlope"), _number(dataset, "RescaleIntercept")),
    )


def _studies(headers: list[tuple[Dataset, Image]]) -> tuple[Study, ...]:
    """Group by study, then by series and by what can be stacked."""
    groups: dict[str, dict[tuple[object, ...], list[tuple[Dataset, Image]]]] = {}
    for dataset, image in headers:
        orientation = image.orientation and tuple(round(cosine, 3) + 0.0 for cosine in image.orientation)
        localizer = "LOCALIZER" in image.image_type
        pixel = image.pixel_spacing and tuple(float(f"{mm:.4g}") for mm in image.pixel_spacing)
        matrix = (image.rows, image.columns, pixel, image.frames)
        stack = (_text(dataset, "SeriesInstanceUID"), image.sop_class_uid, localizer, orientation, matrix)
        groups.setdefault(_text(dataset, "StudyInstanceUID"), {}).setdefault(stack, []).append((dataset, image))
    studies = [
        _study(uid, [_series(members) for members in stacks.values()], next(iter(stacks.values()))[0][0])
        for uid, stacks in groups.items()
    ]
    return tuple(sorted(studies, key=lambda study: (study.date or date.min, study.time or time.min), reverse=True))


def _series(members: list[tuple[Dataset, Image]]) -> Series:
    dataset = members[0][0]
    return Series(
        uid=_text(dataset, "SeriesInstanceUID"),
        study_uid=_text(dataset, "StudyInstanceUID"),
        number=_integer(dataset, "SeriesNumber"),
        modality=_text(dataset, "Modality"),
        description=_text(dataset, "SeriesDescription"),
        protocol=_text(dataset, "ProtocolName"),
        body_part=_text(dataset, "BodyPartExamined"),
        kernel=" ".join(_texts(dataset, "ConvolutionKernel")),
        contrast_agent=_text(dataset, "ContrastBolusAgent"),
        images=tuple(image for _, image in members),
    )


def _study(uid: str, series: list[Series], dataset: Dataset) -> Study:
    return Study(
        uid=uid,
        patient=Patient(
            name=_text(dataset, "PatientName"),
            id=_text(dataset, "PatientID"),
            birth_date=_date(_text(dataset, "PatientBirthDate")),
            sex=_text(dataset, "PatientSex"),
        ),
        accession=_text(dataset, "AccessionNumber"),
        date=_date(_text(dataset, "StudyDate")),
        time=_time(_text(dataset, "StudyTime")),
        description=_text(dataset, "StudyDescription"),
        series=tuple(sorted(series, key=lambda one: (one.number is None, one.number or 0, one.uid, -len(one.images)))),
    )


def _value(dataset: Dataset, keyword: str) -> Any:
    """The element's value, or None where it is absent, empty or can't be converted."""
    try:
        value = dataset.get(keyword)
    except _READ_ERRORS:
        return None
    return None if value is None or value == "" else value


def _text(dataset: Dataset, keyword: str) -> str:
    value = _value(dataset, keyword)
    return "" if value is None else str(value).strip("\0 ")


def _texts(dataset: Dataset, keyword: str) -> list[str]:
    value = _value(dataset, keyword)
    if value is None:
        return []
    return [str(part).strip() for part in (value if isinstance(value, MultiValue) else [value])]


def _number(dataset: Dataset, keyword: str) -> float | None:
    try:
        number = float(_value(dataset, keyword))
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _integer(dataset: Dataset, keyword: str) -> int | None:
    number = _number(dataset, keyword)
    return None if number is None else int(number)


def _numbers(dataset: Dataset, keyword: str, count: int) -> Any:
    """`count` finite floats as a tuple, or None."""
    try:
        numbers = tuple(float(part) for part in _value(dataset, keyword))
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) == count and np.isfinite(numbers).all() else None


def _date(text: str) -> date | None:
    match = re.fullmatch(r"(\d{4})[.-]?(\d\d)[.-]?(\d\d)", text)
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


def _time(text: str) -> time | None:
    match = re.match(r"(\d\d):?(\d\d)?:?(\d\d)?", text)
    try:
        hour, minute, second = (int(part or 0) for part in match.groups()) if match else (24, 0, 0)
        return time(hour, minute, second)
    except ValueError:
        return None
