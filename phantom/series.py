"""A volume as a CT series in DICOM, the way scanners write them: the settings, and `write_series`.

Every attribute of type 1 and 2 of the CT Image IOD (DICOM PS3.3 A.3) is there. What is not a series of slices is in
companions.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MRImageStorage,
)

from phantom import compression
from phantom.compression import Compressed, compress
from phantom.identity import StudyIdentity, uid
from phantom.orientation import AXIAL, Orientation, Slices
from runtime.volume import Volume

Uncompressed: TypeAlias = Literal["explicit", "implicit", "big endian", "deflated"]
SYNTAXES: Mapping[str, UID] = {
    "explicit": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "big endian": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
}


@dataclass(frozen=True, slots=True)
class SeriesSettings:
    """How a series is written.

    number: also tells the series of a study apart, and so their UIDs
    matrix: side of the square field of air around the head, in pixels; None writes the volume as it is
    padding_hu: value outside the scanned circle, announced as PixelPaddingValue; None leaves the corners in air
    rescale: (slope, intercept), taken in turn by the slices
    thickness_mm: what SliceThickness says; None for the median distance of the slices
    shuffle_seed: hand the file names out in this random order instead of the slices'
    """

    study: StudyIdentity
    number: int = 2
    description: str = "HEAD 1.0 H30s"
    modality: Literal["CT", "MR"] = "CT"
    image_type: tuple[str, ...] = ("ORIGINAL", "PRIMARY", "AXIAL")
    body_part: str = "HEAD"
    kernel: str = "H30s"
    protocol: str = "Head Routine"
    contrast_agent: str = ""
    patient_position: str = "HFS"
    orientation: Orientation = AXIAL
    matrix: int | None = 512
    air_hu: int = -1000
    padding_hu: int | None = None
    signed: bool = True
    rescale: tuple[tuple[float, float], ...] = ((1.0, 0.0),)
    photometric: Literal["MONOCHROME2", "MONOCHROME1"] = "MONOCHROME2"
    syntax: Uncompressed | Compressed = "explicit"
    thickness_mm: float | None = None
    first_instance: int = 1
    instances_descend: bool = False
    shuffle_seed: int | None = None

    def __post_init__(self) -> None:
        if not self.rescale or any(slope <= 0 for slope, _ in self.rescale):
            raise ValueError("rescale needs at least one (slope, intercept), with slopes above 0")
        if self.padding_hu is not None and self.matrix is None:
            raise ValueError("padding lies outside the circle of a matrix, and there is none")

    @property
    def series_uid(self) -> UID:
        return uid(self.study.seed, "series", self.number)

    def instance_uid(self, instance: int) -> UID:
        return uid(self.study.seed, "series", self.number, "instance", instance)


def write_series(volume: Volume, folder: Path, settings: SeriesSettings) -> list[Path]:
    """Write one file per slice, IM000001 and on, into `folder` (made where missing); their paths in the slices' order.

    ValueError where the volume does not fit the matrix, the orientation, or the stored values' range.
    """
    images = images_of(volume, settings)
    folder.mkdir(parents=True, exist_ok=True)
    names = np.arange(len(images))
    if settings.shuffle_seed is not None:
        names = np.random.default_rng(settings.shuffle_seed).permutation(len(images))
    paths = []
    for data, name in zip(images, names, strict=True):
        path = folder / f"IM{name + 1:06d}"
        write_dataset(data, path, settings.syntax)
        paths.append(path)
    return paths


def images_of(volume: Volume, settings: SeriesSettings) -> list[Dataset]:
    """The slices as CT images, in their order. ValueError: see `write_series`."""
    slices = Slices.of(volume, settings.orientation)
    if settings.matrix is not None:
        slices = slices.embedded(settings.matrix, settings.air_hu)
    return [_image(slices, index, volume.geometry.tilt_degrees, settings) for index in range(len(slices.hu))]


def write_dataset(data: Dataset, path: Path, syntax: Uncompressed | Compressed = "explicit") -> None:
    """Write a data set with its file meta information (DICOM PS3.10 7.1); its pixels are 8 or 16 bit, little endian."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = data.get("SOPClassUID", CTImageStorage)
    meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian if syntax in compression.SYNTAXES else SYNTAXES[syntax]
    meta.ImplementationClassUID = uid("implementation")
    meta.ImplementationVersionName = "STROKEBOX"
    if syntax == "big endian" and data.BitsAllocated == 16:
        data = copy(data)
        data.PixelData = np.frombuffer(data.PixelData, "<u2").byteswap().tobytes()
    data.file_meta = meta
    data.save_as(path, enforce_file_format=True)
    if syntax in compression.SYNTAXES:
        compress(path, syntax)


def common_attributes(study: StudyIdentity, sop_class: UID, modality: str, series_number: int) -> Dataset:
    """The patient, study, series and equipment modules, of anything in a study."""
    patient, when = study.patient, study.when
    data = Dataset()
    data.SpecificCharacterSet = list(study.character_sets) if len(study.character_sets) > 1 else study.character_sets[0]
    data.SOPClassUID = sop_class
    data.StudyDate = data.SeriesDate = data.AcquisitionDate = data.ContentDate = when.strftime("%Y%m%d")
    data.StudyTime = data.SeriesTime = data.AcquisitionTime = data.ContentTime = when.strftime("%H%M%S")
    data.AccessionNumber = study.accession
    data.Modality = modality
    data.Manufacturer = "Strokebox"
    data.ManufacturerModelName = "phantom"
    data.InstitutionName = study.institution
    data.ReferringPhysicianName = study.referring_physician
    data.StudyDescription = study.description
    data.PatientName = patient.name
    data.PatientID = patient.id
    data.PatientBirthDate = "" if patient.birth_date is None else patient.birth_date.strftime("%Y%m%d")
    data.PatientSex = patient.sex
    data.StudyInstanceUID = study.study_uid
    data.SeriesInstanceUID = uid(study.seed, "series", series_number)
    data.StudyID = str(study.seed % 10**16)
    data.SeriesNumber = series_number
    return data


def _image(slices: Slices, index: int, tilt_degrees: float, settings: SeriesSettings) -> Dataset:
    count = len(slices.hu)
    order = count - 1 - index if settings.instances_descend else index
    instance = settings.first_instance + order
    sop_class = CTImageStorage if settings.modality == "CT" else MRImageStorage
    data = common_attributes(settings.study, sop_class, settings.modality, settings.number)
    data.SOPInstanceUID = settings.instance_uid(instance)
    data.ImageType = list(settings.image_type)
    data.SeriesDescription = settings.description
    data.BodyPartExamined = settings.body_part
    data.ProtocolName = settings.protocol
    data.PatientPosition = settings.patient_position
    data.AcquisitionNumber = 1
    data.InstanceNumber = instance
    if settings.contrast_agent:
        data.ContrastBolusAgent = settings.contrast_agent
    if settings.modality == "CT":
        data.KVP = 120
        data.XRayTubeCurrent = 280
        data.ExposureTime = 1000
        data.ConvolutionKernel = settings.kernel
        data.GantryDetectorTilt = round(tilt_degrees, 3)
    else:
        data.ScanningSequence, data.SequenceVariant, data.ScanOptions, data.MRAcquisitionType = "SE", "NONE", "", "2D"
        data.EchoTime, data.EchoTrainLength, data.RepetitionTime = 10, 1, 500
    thickness = settings.thickness_mm
    if thickness is None:
        thickness = float(np.median(slices.gaps_mm)) if count > 1 else 1.0
    data.SliceThickness = _decimal(thickness)
    data.FrameOfReferenceUID = settings.study.frame_uid
    data.PositionReferenceIndicator = ""
    spacing = [float(np.linalg.norm(step)) for step in (slices.column_step, slices.row_step)]
    data.PixelSpacing = [_decimal(value) for value in spacing]
    directions = (*(slices.row_step / spacing[1]), *(slices.column_step / spacing[0]))
    data.ImageOrientationPatient = [_decimal(value) for value in directions]
    data.ImagePositionPatient = [_decimal(value) for value in slices.positions[index]]
    _put_pixels(data, slices.hu[index], settings.rescale[index % len(settings.rescale)], settings)
    return data


def _put_pixels(data: Dataset, hu: NDArray[np.int16], rescale: tuple[float, float], settings: SeriesSettings) -> None:
    slope, intercept = rescale
    kind = np.int16 if settings.signed else np.uint16
    limits = np.iinfo(kind)
    stored = np.rint((hu.astype(np.float64) - intercept) / slope)
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = settings.photometric
    data.Rows, data.Columns = hu.shape
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
    data.PixelRepresentation = int(settings.signed)
    if settings.padding_hu is not None:
        padding = int(np.rint((settings.padding_hu - intercept) / slope))
        stored[_outside_circle(hu.shape[0])] = padding
        data.add_new("PixelPaddingValue", "SS" if settings.signed else "US", padding)
    if stored.min() < limits.min or stored.max() > limits.max:
        raise ValueError(f"HU from {hu.min()} to {hu.max()} with {rescale} do not fit {kind.__name__}")
    data.WindowCenter, data.WindowWidth = 40, 80
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = _decimal(intercept), _decimal(slope), "HU"
    data.PixelData = stored.astype(np.dtype(kind).newbyteorder("<")).tobytes()
    data["PixelData"].VR = "OW"


def _outside_circle(matrix: int) -> NDArray[np.bool_]:
    at = np.arange(matrix) - (matrix - 1) / 2
    return np.asarray(np.hypot(at[:, None], at[None, :]) > matrix / 2)


def _decimal(value: float) -> str:
    """A decimal string of at most 16 characters (DICOM PS3.5 6.2), as exact as that allows."""
    for digits in range(14, 0, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 16:
            return "0" if float(text) == 0 else text
    raise ValueError(f"{value} is no decimal string")
