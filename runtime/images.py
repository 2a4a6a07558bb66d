"""A file's header to its images: one for an ordinary CT image, one a frame for an enhanced one (PS3.3 A.38).

What an enhanced image says of a frame lies in functional groups (C.7.6.16): the frame's own, else the shared one.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from runtime.elements import integer_of, items_of, number_of, numbers_of, text_of, texts_of
from runtime.study import Image, Pixels
from runtime.syntaxes import is_lossy

ENHANCED_CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2.1"

MOST_FRAMES = 5000
"""As many as a study may have images."""

KEYWORDS = (
    "SOPInstanceUID", "SOPClassUID", "ImageType", "InstanceNumber", "NumberOfFrames", "Rows", "Columns",
    "FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope",
    "RescaleIntercept", "ConvolutionKernel", "LossyImageCompression", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence", "SamplesPerPixel", "BitsAllocated", "BitsStored", "PixelRepresentation",
    "PixelPaddingValue", "PixelPaddingRangeLimit",
)  # fmt: skip
"""Of a header, what is asked for here."""


class TooManyFrames(Exception):  # told apart from what READ_ERRORS say
    """The header says that the file holds more images than a study may have."""


def images_of(path: Path, header: Dataset, end: int) -> list[Image]:
    """The images that the file holds, in its order; the header ends at byte `end` of it, where the pixel data begins.

    ValueError where a multi-frame image's groups don't fit it; TooManyFrames before they are looked at.
    """
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
        pixels=_pixels(header, end),
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
    if image.frames > MOST_FRAMES:
        raise TooManyFrames
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


def _pixels(header: Dataset, end: int) -> Pixels:
    allocated = integer_of(header, "BitsAllocated")
    stored = integer_of(header, "BitsStored") if "BitsStored" in header else allocated
    representation = integer_of(header, "PixelRepresentation") if "PixelRepresentation" in header else 0
    padding = [integer_of(header, keyword) for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    known = [value for value in padding if value is not None]
    implicit_vr, little_endian = header.original_encoding
    return Pixels(
        samples=(integer_of(header, "SamplesPerPixel") if "SamplesPerPixel" in header else 1) or 0,
        bits_allocated=allocated,
        bits_stored=stored,
        signed=bool(representation) if representation in (0, 1) else None,
        padding=(min(known), max(known)) if padding[0] is not None else None,
        at=end,
        implicit_vr=bool(implicit_vr),
        little_endian=little_endian is not False,
    )


def _spacing(dataset: Dataset) -> tuple[float, float] | None:
    spacing: tuple[float, float] | None = numbers_of(dataset, "PixelSpacing", 2)
    return spacing if spacing and min(spacing) > 0 else None


def _rescale(dataset: Dataset) -> tuple[float, float] | None:
    slope, intercept = number_of(dataset, "RescaleSlope"), number_of(dataset, "RescaleIntercept")
    return None if slope is None or intercept is None else (slope, intercept)
