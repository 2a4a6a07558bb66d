"""A series as one enhanced multi-frame CT image (DICOM PS3.3 A.38): the same slices, told in functional groups."""

from __future__ import annotations

from copy import copy
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage

from phantom.series import SeriesSettings, images_of, write_dataset
from runtime.volume import Volume

_OF_A_SLICE = (
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "RescaleIntercept",
    "RescaleSlope", "RescaleType", "ConvolutionKernel", "KVP", "XRayTubeCurrent", "ExposureTime",
    "GantryDetectorTilt", "WindowCenter", "WindowWidth", "AcquisitionNumber", "ContrastBolusAgent",
)  # fmt: skip
"""What an enhanced image has no place for outside its groups."""


def enhanced_image(volume: Volume, settings: SeriesSettings) -> Dataset:
    """The series in one data set, its frames in the order of `shuffle_seed`. ValueError as of `write_series`."""
    slices = images_of(volume, settings)
    if settings.shuffle_seed is not None:
        order = np.random.default_rng(settings.shuffle_seed).permutation(len(slices))
        slices = [slices[index] for index in order]
    first = slices[0]
    data = copy(first)
    data.SOPClassUID = EnhancedCTImageStorage
    data.SOPInstanceUID = settings.instance_uid(1)
    data.ImageType = [*settings.image_type[:2], "VOLUME", "NONE"]
    data.InstanceNumber = 1
    data.NumberOfFrames = len(slices)
    data.VolumetricProperties, data.VolumeBasedCalculationTechnique = "VOLUME", "NONE"
    data.LossyImageCompression = "00"
    if settings.contrast_agent:
        data.ContrastBolusAgentSequence = _item(CodeMeaning=settings.contrast_agent)
    shared = Dataset()
    shared.PixelMeasuresSequence = _item(PixelSpacing=first.PixelSpacing, SliceThickness=first.SliceThickness)
    shared.PlaneOrientationSequence = _item(ImageOrientationPatient=first.ImageOrientationPatient)
    shared.CTImageFrameTypeSequence = _item(FrameType=data.ImageType)
    shared.CTReconstructionSequence = _item(ConvolutionKernel=settings.kernel)
    data.SharedFunctionalGroupsSequence = Sequence([shared])
    data.PerFrameFunctionalGroupsSequence = Sequence([_group(one, number) for number, one in enumerate(slices, 1)])
    data.PixelData = b"".join(one.PixelData for one in slices)
    data["PixelData"].VR = "OW"
    for keyword in _OF_A_SLICE:
        if keyword in data:
            delattr(data, keyword)
    return data


def write_enhanced(volume: Volume, path: Path, settings: SeriesSettings) -> Path:
    """Write the series as one file, into a folder that is made where missing. ValueError as of `write_series`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_dataset(enhanced_image(volume, settings), path, settings.syntax)
    return path


def _group(image: Dataset, number: int) -> Dataset:
    """What is a frame's own."""
    group = Dataset()
    group.FrameContentSequence = _item(
        StackID="1", InStackPositionNumber=int(image.InstanceNumber), DimensionIndexValues=[1, number]
    )
    group.PlanePositionSequence = _item(ImagePositionPatient=image.ImagePositionPatient)
    transformation = {keyword: image[keyword].value for keyword in ("RescaleIntercept", "RescaleSlope", "RescaleType")}
    group.PixelValueTransformationSequence = _item(**transformation)
    return group


def _item(**elements: object) -> Sequence:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return Sequence([item])
