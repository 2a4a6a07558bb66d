"""Sets of labelled slices on disk: two folders of pictures, `images` and `masks`, and which third is kept for the end.

Owns how the sets in ../shared/data/lesions-2d are laid out (its README.md): a mask has the name of its image, as PNG,
and any colour in it is lesion. Reads; decides nothing but who is in which part.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from calibration.slices import BRAIN_WINDOW, LabelledSlice, Window
from runtime.classification import StrokeClass
from runtime.errors import UsageError

SIDE = 512
"""Pixels of a side of what is computed on, as of a CT's matrix; larger and smaller pictures are resampled to it."""


class Part(str, Enum):
    """Which slices may be looked at for what."""

    CHOICE = "choice"
    """Two thirds, which may guide choices, and never a gradient."""
    TEST = "test"
    """One third, which is read once, at the end."""

    @classmethod
    def of(cls, name: str) -> Part:
        """By the SHA-256 of the image's file name, modulo 3."""
        return cls.TEST if int(hashlib.sha256(name.encode()).hexdigest(), 16) % 3 == 0 else cls.CHOICE


@dataclass(frozen=True, slots=True)
class SliceSet:
    """A folder of slices, the class that all of its lesions are of, and the window it is in; None to fit one."""

    name: str
    stroke: StrokeClass
    window: Window | None


SETS = (SliceSet("cpaisd", StrokeClass.IS, None), SliceSet("ct-ich", StrokeClass.IH, BRAIN_WINDOW))


def open_slices(folder: Path, one: SliceSet, part: Part) -> tuple[LabelledSlice, ...]:
    """The slices of one part of the set under `folder`, by file name. UsageError where there are none to read."""
    images = folder / one.name / "images"
    paths = sorted(path for path in images.glob("*") if Part.of(path.name) is part)
    if not paths:
        raise UsageError(
            f"No slices of the part '{part.value}' under {images}: give the folder that holds {one.name}/."
        )
    return tuple(_open(path, images.with_name("masks") / f"{path.stem}.png", one.stroke) for path in paths)


def _open(path: Path, mask: Path, stroke: StrokeClass) -> LabelledSlice:
    try:
        with Image.open(path) as picture, Image.open(mask) as lesions:
            if picture.size != lesions.size:
                raise UsageError(f"{path} has {picture.size} pixels and its mask {lesions.size}: they must fit.")
            grey = np.asarray(picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR))
            colours = np.asarray(lesions.convert("RGB").resize((SIDE, SIDE), Image.Resampling.NEAREST))
    except (OSError, UnidentifiedImageError) as error:
        raise UsageError(
            f"{path} or its mask can't be read ({error}): give PNG or JPEG, and a mask for each."
        ) from error
    return LabelledSlice(path.name, stroke, grey, colours.max(axis=2) > 0)
