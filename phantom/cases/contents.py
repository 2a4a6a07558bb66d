"""Cases of what images show: metal, half a head, a chest, no brain, nothing that is an image at all."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from phantom.cases.case import Case, coarse, settings
from phantom.metal import with_clip
from phantom.objects import bone_phantom, chest
from phantom.series import write_series
from runtime.codes import Code
from runtime.volume import Volume

_BASE_MM, _VERTEX_MM = 45.0, 40.0


def _clip(head: Volume, drop: Path) -> None:
    write_series(with_clip(head), drop, settings())


def _part(low_mm: float, high_mm: float) -> Callable[[Volume, Path], None]:
    """Without so much of the head at its lower and its upper end."""

    def write(head: Volume, drop: Path) -> None:
        planes, spacing_mm = head.shape[0], head.geometry.spacing_mm[0]
        kept = slice(round(low_mm / spacing_mm), planes - round(high_mm / spacing_mm))
        write_series(head.cropped((kept, slice(0, head.shape[1]), slice(0, head.shape[2]))), drop, settings())

    return write


def _skull(_head: Volume, drop: Path) -> None:
    write_series(bone_phantom(3, spacing_mm=(5.0, 1.8, 1.8)), drop, settings())


def _chest(_head: Volume, drop: Path) -> None:
    write_series(chest(1, spacing_mm=(10.0, 3.0, 3.0)), drop, settings(body_part="", description="Routine"))


def _nothing(_head: Volume, drop: Path) -> None:
    drop.mkdir()


def _documents(_head: Volume, drop: Path) -> None:
    drop.mkdir()
    (drop / "report.pdf").write_bytes(b"%PDF-1.4")
    (drop / "slice.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(500))


def _link(head: Volume, drop: Path) -> None:
    write_series(coarse(head), drop, settings())
    (drop / "IM").symlink_to("/etc/hostname")


def _deep(head: Volume, drop: Path) -> None:
    write_series(coarse(head), drop.joinpath(*"abcdefghij"), settings())


def _broken_zip(head: Volume, drop: Path) -> None:
    drop.mkdir()
    paths = write_series(coarse(head), drop / "CT", settings())
    with zipfile.ZipFile(drop / "CT.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in paths:
            zipped.write(path, path.name)
            path.unlink()
    (drop / "CT").rmdir()
    whole = (drop / "CT.zip").read_bytes()
    (drop / "CT.zip").write_bytes(whole[: len(whole) // 2])


CASES = (
    Case("metal", "A surgical clip with streaks.", _clip, flags=frozenset({Code.METAL})),
    Case(
        "no vertex",
        "A scan that ends below the vertex.",
        _part(0.0, _VERTEX_MM),
        flags=frozenset({Code.PARTIAL_COVERAGE}),
    ),
    Case(
        "no base",
        "A scan that begins above the skull base.",
        _part(_BASE_MM, 0.0),
        flags=frozenset({Code.PARTIAL_COVERAGE}),
    ),
    Case("skull without brain", "A phantom for quality control.", _skull, Code.NO_BRAIN),
    Case("chest", "A chest that no header tells of.", _chest, Code.NOT_HEAD),
    Case("empty folder", "No file at all.", _nothing, Code.NO_IMAGES),
    Case("documents", "A PDF and a picture.", _documents, Code.NOT_DICOM),
    Case("a link", "A symbolic link among the images.", _link, Code.UNSAFE_FILES),
    Case("too deep", "Images ten folders deep.", _deep, Code.TOO_LARGE),
    Case("broken zip", "A zip that broke off.", _broken_zip, Code.BAD_ARCHIVE),
)
