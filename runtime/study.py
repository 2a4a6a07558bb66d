"""Study, Series, Image, Patient: what DICOM headers say, as plain types. Knows no file format and decides nothing."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Patient:
    """Who the images say they are of; empty strings and None where they don't."""

    name: str
    id: str
    birth_date: datetime.date | None
    sex: str


@dataclass(frozen=True, slots=True)
class Pixels:
    """How a file holds the pixels of its images (PS3.3 C.7.6.3), and where; None where absent or malformed.

    signed: whether the stored values are two's complement
    padding: the lowest and the highest stored value that stand for no measurement (C.7.5.1.1.2)
    at: the byte at which the element with the pixel data begins; implicit_vr, little_endian: how it is written
    """

    samples: int
    bits_allocated: int | None
    bits_stored: int | None
    signed: bool | None
    padding: tuple[int, int] | None
    at: int
    implicit_vr: bool
    little_endian: bool


@dataclass(frozen=True, slots=True)
class Image:
    """One image's header, as far as the analysis needs it; None where absent or malformed.

    frames: how many images the file holds; frame: which of them this one is, from 0
    pixels: how the file holds them
    rescale: slope and intercept
    lossy: whether it ever was compressed with loss
    """

    path: Path
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    image_type: tuple[str, ...]
    instance_number: int | None
    rows: int
    columns: int
    pixels: Pixels
    frames: int
    frame: int
    frame_of_reference_uid: str
    position: tuple[float, float, float] | None
    orientation: tuple[float, float, float, float, float, float] | None
    pixel_spacing: tuple[float, float] | None
    kernel: str
    rescale: tuple[float, float] | None
    lossy: bool


@dataclass(frozen=True, slots=True)
class Series:
    """Images of one series that share kind, orientation, matrix and pixel size: what can be stacked, in file order."""

    uid: str
    study_uid: str
    number: int | None
    modality: str
    description: str
    protocol: str
    body_part: str
    kernel: str
    contrast_agent: str
    images: tuple[Image, ...]


@dataclass(frozen=True, slots=True)
class Study:
    """One study of one patient; series in the order of their numbers."""

    uid: str
    patient: Patient
    accession: str
    date: datetime.date | None
    time: datetime.time | None
    description: str
    series: tuple[Series, ...]
