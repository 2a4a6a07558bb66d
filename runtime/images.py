"""A file's header to its images: one for an ordinary CT image, one a frame for an enhanced one (PS3.3 A.38).

What an enhanced image says of a frame lies in functional groups (C.7.6.16): the frame's own, else the shared one.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from runtime.elements import integer_of, items_of, number_of, numbers_of, text_of, texts_of
from runtime.study import Image
from runtime.syntaxes import is_lossy

ENHANCED_CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2.1"

KEYWORDS = (
    "SOPInstanceUID", "SOPClassUID", "ImageType", "InstanceNumber", "NumberOfFrames", "Rows", "Columns",
    "FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope",
    "RescaleIntercept", "ConvolutionKernel", "LossyImageCompression", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)  # fmt: skip
"""Of a header, what is asked for here."""


def images_of(path: Path, header: Dataset) -> list[Image]:
    """The images that the file holds, in its order. ValueError where a multi-frame image's groups don't fit it."""
    syntax_uid = str(getattr(header.file_meta, "TransferSyntaxUID", ImplicitVRLittleEndian))
    image = Image(
        path=path,
        sop_instance_uid=text_of(header, "SOPInstanceUID"),
        sop_class_uid=text_of(header, "SOPClassUID") or str(getattr(header.file_meta, "MediaStorageSOPClassUID", "")),
        transfer_syntax_uid=syntax_uid,
        image_type=tuple(texts_of(header, "ImageType")),
        instance_number=integer_of(header, "InstanceNumber"),
        rows=integer_of(header, "Rows") or 0,
        columns=integer_of(header, "Columns") or 0,
        frames=integer_of(header, "NumberOfFrames") or 1,
        frame=0,
        frame_of_reference_uid=text_of(header, "FrameOfReferenceUID"),
        position=numbers_of(header, "ImagePositionPatient", 3),
        orientation=numbers_of(header, "ImageOrientationPatient", 6),
        pixel_spacing=_spacing(header),
        kernel=" ".join(texts_of(header, "ConvolutionKernel")),
        rescale=_rescale(header),
        lossy=is_lossy(syntax_uid) or text_of(header, "LossyImageCompression") == "01",
    )
    if image.sop_class_uid != ENHANCED_CT_IMAGE_STORAGE:
        return [image]
    shared = (*items_of(header, "SharedFunctionalGroupsSequence"), Dataset())[0]
    groups = items_of(header, "PerFrameFunctionalGroupsSequence")
    if len(groups) != image.frames:
        raise ValueError(f"{len(groups)} groups for {image.frames} frames")
    return [_frame(image, number, own, shared) for number, own in enumerate(groups)]


def _frame(image: Image, number: int, own: Dataset, shared: Dataset) -> Image:
    """One frame of an enhanced image."""

    def group(keyword: str) -> Dataset:
        return (*items_of(own, keyword), *items_of(shared, keyword), Dataset())[0]

    return replace(
        image,
        frame=number,
        image_type=tuple(texts_of(group("CTImageFrameTypeSequence"), "FrameType")) or image.image_type,
        instance_number=integer_of(group("FrameContentSequence"), "InStackPositionNumber") or number + 1,
        position=numbers_of(group("PlanePositionSequence"), "ImagePositionPatient", 3),
        orientation=numbers_of(group("PlaneOrientationSequence"), "ImageOrientationPatient", 6),
        pixel_spacing=_spacing(group("PixelMeasuresSequence")),
        kernel=" ".join(texts_of(group("CTReconstructionSequence"), "ConvolutionKernel")),
        rescale=_rescale(group("PixelValueTransformationSequence")),
    )


def _spacing(dataset: Dataset) -> tuple[float, float] | None:
    spacing: tuple[float, float] | None = numbers_of(dataset, "PixelSpacing", 2)
    return spacing if spacing and min(spacing) > 0 else None


def _rescale(dataset: Dataset) -> tuple[float, float] | None:
    slope, intercept = number_of(dataset, "RescaleSlope"), number_of(dataset, "RescaleIntercept")
    return None if slope is None or intercept is None else (slope, intercept)
