"""What lies in an export beside the slices: localizers, screenshots, dose reports, a DICOMDIR. Nothing to analyse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    MediaStorageDirectoryStorage,
    SecondaryCaptureImageStorage,
    XRayRadiationDoseSRStorage,
)

from phantom.identity import StudyIdentity, uid
from phantom.series import common_attributes, write_dataset
from runtime.volume import Volume


def write_localizer(volume: Volume, folder: Path, study: StudyIdentity, *, number: int = 1) -> Path:
    """A lateral scout view: the volume's mean along x, as one CT image of type LOCALIZER."""
    hu = np.flip(volume.hu.mean(axis=2), axis=0)
    dz, dy, _ = volume.geometry.spacing_mm
    data = common_attributes(study, CTImageStorage, "CT", number)
    _identify(data, study, number)
    data.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    data.SeriesDescription = "Topogram 0.6 T20s"
    data.BodyPartExamined = "HEAD"
    data.PatientPosition = "HFS"
    data.KVP = 120
    data.AcquisitionNumber = 1
    data.SliceThickness = "0.6"
    data.FrameOfReferenceUID = study.frame_uid
    data.PositionReferenceIndicator = ""
    data.PixelSpacing = [f"{dz:.6g}", f"{dy:.6g}"]
    data.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    top = volume.geometry.origins[-1]
    data.ImagePositionPatient = [f"{value:.6g}" for value in (0.0, top[1], top[2])]
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = "0", "1", "HU"
    _put_pixels(data, np.rint(hu).astype("<i2"))
    return _write(data, folder, "LOC")


def write_secondary_capture(volume: Volume, folder: Path, study: StudyIdentity, *, number: int = 501) -> Path:
    """A screenshot of the middle slice: 8 bits, Modality CT, no position."""
    middle = volume.hu[len(volume.hu) // 2].astype(np.float32)
    data = common_attributes(study, SecondaryCaptureImageStorage, "CT", number)
    _identify(data, study, number)
    data.ImageType = ["DERIVED", "SECONDARY", "SCREEN SAVE"]
    data.ConversionType = "WSD"
    data.SeriesDescription = "Screen Save"
    data.PatientOrientation = ""
    _put_pixels(data, np.clip((middle / 80) * 255, 0, 255).astype(np.uint8))
    return _write(data, folder, "SC")


def write_dose_report(folder: Path, study: StudyIdentity, *, number: int = 999) -> Path:
    """A radiation dose structured report with a title and nothing else."""
    data = common_attributes(study, XRayRadiationDoseSRStorage, "SR", number)
    _identify(data, study, number)
    data.SeriesDescription = "Dose Report"
    data.ReferencedPerformedProcedureStepSequence = Sequence()
    data.PerformedProcedureCodeSequence = Sequence()
    data.CompletionFlag = "COMPLETE"
    data.VerificationFlag = "UNVERIFIED"
    data.ValueType = "CONTAINER"
    data.ContinuityOfContent = "SEPARATE"
    title = Dataset()
    title.CodeValue, title.CodingSchemeDesignator = "113701", "DCM"
    title.CodeMeaning = "X-Ray Radiation Dose Report"
    data.ConceptNameCodeSequence = Sequence([title])
    return _write(data, folder, "SR")


def write_dicomdir(folder: Path) -> Path:
    """A list of files (DICOM PS3.3 annex F) that lists none: it is never to be followed."""
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID = MediaStorageDirectoryStorage, uid("dicomdir")
    data.FileSetID = "EXPORT"
    data.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity = 0
    data.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity = 0
    data.FileSetConsistencyFlag = 0
    data.DirectoryRecordSequence = Sequence()
    folder.mkdir(parents=True, exist_ok=True)
    write_dataset(data, folder / "DICOMDIR")
    return folder / "DICOMDIR"


def _identify(data: Dataset, study: StudyIdentity, number: int) -> None:
    data.SOPInstanceUID = uid(study.seed, "series", number, "instance", 1)
    data.InstanceNumber = 1


def _put_pixels(data: Dataset, pixels: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> None:
    """Grey values, int16 or uint8 (rows, columns)."""
    bits = 8 * pixels.dtype.itemsize
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.Rows, data.Columns = pixels.shape
    data.BitsAllocated, data.BitsStored, data.HighBit = bits, bits, bits - 1
    data.PixelRepresentation = int(pixels.dtype.kind == "i")
    content = pixels.tobytes()
    data.PixelData = content + b"\0" * (len(content) % 2)
    data["PixelData"].VR = "OW"


def _write(data: Dataset, folder: Path, prefix: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{prefix}000001"
    write_dataset(data, path)
    return path
