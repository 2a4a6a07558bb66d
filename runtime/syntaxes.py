"""Transfer syntaxes: which forms of pixel data are read and with what, and which of them lose something.

An allow-list (docs/adr/0009): whatever is not in the table is refused by its name. Decodes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from pydicom import uid


class Coding(Enum):
    """How an image's pixels are laid down, as far as it has to be told apart here."""

    NATIVE = "one after the other"
    RLE = "run lengths, DICOM PS3.5 annex G"
    JPEG = "marker segments: JPEG and JPEG-LS"
    JPEG_2000 = "a JPEG 2000 codestream"


@dataclass(frozen=True, slots=True)
class Syntax:
    """One form of pixel data that is read.

    decoder: pydicom's name for what decodes it; empty for native data
    lossy: whether the syntax itself allows a loss
    """

    coding: Coding
    decoder: str = ""
    lossy: bool = False


SUPPORTED: Mapping[str, Syntax] = {
    uid.ImplicitVRLittleEndian: Syntax(Coding.NATIVE),
    uid.ExplicitVRLittleEndian: Syntax(Coding.NATIVE),
    uid.ExplicitVRBigEndian: Syntax(Coding.NATIVE),
    uid.RLELossless: Syntax(Coding.RLE, "pydicom"),
    uid.JPEGLossless: Syntax(Coding.JPEG, "gdcm"),
    uid.JPEGLosslessSV1: Syntax(Coding.JPEG, "gdcm"),
    uid.JPEGLSLossless: Syntax(Coding.JPEG, "gdcm"),
    uid.JPEGLSNearLossless: Syntax(Coding.JPEG, "gdcm", lossy=True),
    uid.JPEG2000Lossless: Syntax(Coding.JPEG_2000, "gdcm"),
    uid.JPEG2000: Syntax(Coding.JPEG_2000, "gdcm", lossy=True),
}
"""By UID (DICOM PS3.6 annex A)."""
DEFLATED = str(uid.DeflatedExplicitVRLittleEndian)
"""Never read: nothing in the file bounds what it inflates to."""


def is_lossy(syntax_uid: str) -> bool:
    return syntax_uid in SUPPORTED and SUPPORTED[syntax_uid].lossy


def name_of(syntax_uid: str) -> str:
    """The standard's name for a transfer syntax, or the UID itself."""
    return uid.UID(syntax_uid).name or "no transfer syntax"
