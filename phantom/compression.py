"""A DICOM file in another transfer syntax, compressed by GDCM, which the appliance has for reading anyway.

GDCM is given files, not arrays: what its Python objects share in memory is freed under them where images are made by
hand.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

import gdcm
import pydicom
from pydicom import uid

Compressed: TypeAlias = Literal[
    "rle", "jpeg lossless", "jpeg lossless sv1", "jpeg-ls", "jpeg-ls near-lossless", "jpeg 2000", "jpeg 2000 lossy"
]
NEAR_LOSSLESS_ERROR = 2
"""How far a stored value of a near-lossless image may be off."""
LOSSY_RATIO = 8.0


def _near_lossless() -> gdcm.JPEGLSCodec:
    codec = gdcm.JPEGLSCodec()
    codec.SetLossless(False)
    codec.SetLossyError(NEAR_LOSSLESS_ERROR)
    return codec


def _lossy() -> gdcm.JPEG2000Codec:
    codec = gdcm.JPEG2000Codec()
    codec.SetReversible(False)
    codec.SetRate(0, LOSSY_RATIO)
    return codec


SYNTAXES: Mapping[str, uid.UID] = {
    "rle": uid.RLELossless,
    "jpeg lossless": uid.JPEGLossless,
    "jpeg lossless sv1": uid.JPEGLosslessSV1,
    "jpeg-ls": uid.JPEGLSLossless,
    "jpeg-ls near-lossless": uid.JPEGLSNearLossless,
    "jpeg 2000": uid.JPEG2000Lossless,
    "jpeg 2000 lossy": uid.JPEG2000,
}
LOSSY: Mapping[str, Callable[[], object]] = {
    "jpeg-ls near-lossless": _near_lossless,
    "jpeg 2000 lossy": _lossy,
}
"""And how to say how lossy."""


def compress(path: Path, syntax: str) -> None:
    """Compress the pixel data of the file in place, as one of `SYNTAXES`. ValueError where GDCM can't.

    Only the pixels are GDCM's: it would tell an enhanced image's geometry anew.
    """
    with tempfile.TemporaryDirectory() as scratch:
        recoded = Path(scratch, "recoded")
        if not _recode(path, recoded, syntax):
            raise ValueError(f"{path} can't be compressed as {syntax}")
        data, coded = pydicom.dcmread(path), pydicom.dcmread(recoded)
    data.file_meta.TransferSyntaxUID = SYNTAXES[syntax]
    data["PixelData"] = coded["PixelData"]
    if syntax in LOSSY:
        data.LossyImageCompression = "01"
    data.save_as(path)


def _recode(path: Path, target: Path, syntax: str) -> bool:
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(path))
    if not reader.Read():
        return False
    wanted = gdcm.TransferSyntax.GetTSType(str.__str__(SYNTAXES[syntax]))
    change.SetTransferSyntax(gdcm.TransferSyntax(wanted))
    codec = LOSSY[syntax]() if syntax in LOSSY else None  # kept until the change is made, which does not own it
    if codec is not None:
        change.SetUserCodec(codec)
    change.SetInput(reader.GetImage())
    if not change.Change():
        return False
    writer.SetFileName(str(target))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    return bool(writer.Write())
