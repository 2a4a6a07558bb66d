"""DICOM files element by element, for what no well-behaved writer would write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from runtime.dicom import CT_IMAGE_STORAGE


def write_image(
    path: Path,
    stored: NDArray[Any] | None = None,
    number: int = 1,
    *,
    syntax: UID = ExplicitVRLittleEndian,
    **elements: object,
) -> Path:
    """A CT image of `stored` values (int16 or uint16) at z = number; `elements` replace or, as None, remove."""
    stored = np.zeros((4, 5), np.int16) if stored is None else stored
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(CT_IMAGE_STORAGE)
    meta.MediaStorageSOPInstanceUID = UID(f"1.2.3.{number}")
    meta.TransferSyntaxUID = syntax
    dataset = FileDataset(path, {}, file_meta=meta, preamble=bytes(128))
    values: dict[str, object] = {
        "SOPClassUID": CT_IMAGE_STORAGE,
        "SOPInstanceUID": f"1.2.3.{number}",
        "StudyInstanceUID": "1.2.1",
        "SeriesInstanceUID": "1.2.2",
        "SeriesNumber": 2,
        "InstanceNumber": number,
        "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "PatientName": "Doe^Jane",
        "PatientID": "17",
        "StudyDate": "20260301",
        "StudyTime": "101500.25",
        "ImagePositionPatient": [0, 0, number],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [0.5, 0.5],
        "Rows": stored.shape[0],
        "Columns": stored.shape[1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": int(stored.dtype.kind == "i"),
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
        "PixelData": stored.tobytes(),
    }
    for keyword, value in {**values, **elements}.items():
        if value is not None:
            setattr(dataset, keyword, value)
    dataset.save_as(path, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=True, enforce_file_format=True)
    return path
