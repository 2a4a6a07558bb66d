"""Series to make mutants of: a small one in every form that is read, and real ones where ../shared/data is."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from appliance.acceptance import DROP, FILES, Source, Taken, file_name
from appliance.inbox import Entry
from appliance.prepared import Prepared, prepare, reader
from phantom.cases.forms import READ
from phantom.compression import LOSSY
from phantom.enhanced import write_enhanced
from phantom.identity import StudyIdentity
from phantom.series import SeriesSettings, write_series
from runtime.codes import Code
from runtime.volume import Geometry, Volume
from tests.requirements import DATA
from tests.resilience.mutations import Mutant, Original

SHAPE, SPACING_MM = (36, 16, 20), (3.0, 4.0, 4.0)
REAL = "ge-tilted-head.zip"


@dataclass(frozen=True)
class Specimen:
    """A series as the intake would have taken it over, and what comes of it whole."""

    name: str
    files: tuple[Path, ...]
    originals: tuple[Original, ...]
    hu: NDArray[np.int16] | None
    flags: frozenset[Code]
    is_lossy: bool = False

    @classmethod
    def of(cls, name: str, folder: Path, *, is_lossy: bool = False) -> Specimen:
        files = tuple(sorted(path for path in folder.rglob("*") if path.is_file()))
        whole = prepare(folder, reader())
        hu = whole.volume.hu if whole.volume else None
        originals = tuple(Original.of(path.read_bytes()) for path in files)
        return cls(name, files, originals, hu, frozenset(flag.code for flag in whole.flags), is_lossy)

    def drop(self, folder: Path, which: int, mutant: Mutant) -> None:
        """A folder of the spool with the series, one of whose files is the mutant."""
        (folder / FILES).mkdir(parents=True)
        sources = []
        for number, path in enumerate(self.files):
            content = mutant.content if number == which else self.originals[number].content
            entry = Entry(f"study/IM{number}", len(content), 0, 0)
            sources.append(Source(number, entry, hashlib.sha256(content).hexdigest()))
            place = folder / FILES / file_name(number, entry)
            if number == which:
                place.write_bytes(content)
            else:
                os.link(path, place)
        taken = Taken("study", False, tuple(sources), ("study",))
        (folder / DROP).write_text(json.dumps(asdict(taken)))

    def is_silent(self, prepared: Prepared) -> bool:
        """Whether a mutant that is short passes for whole: a volume of other pixels, and nothing said about it."""
        if prepared.volume is None or {flag.code for flag in prepared.flags} - self.flags:
            return False
        return self.hu is None or not np.array_equal(prepared.volume.hu, self.hu)


def specimens(folder: Path, seed: int) -> Iterator[Specimen]:
    """Written into `folder`, which is new."""
    hu = np.random.default_rng(seed).integers(-20, 21, SHAPE).cumsum(axis=2).astype(np.int16)
    volume = Volume(hu, Geometry.axis_aligned(SHAPE, SPACING_MM))
    plain = SeriesSettings(StudyIdentity.of(seed), matrix=None)
    for syntax in READ:
        settings = SeriesSettings(StudyIdentity.of(seed), matrix=None, syntax=syntax)  # type: ignore[arg-type]
        write_series(volume, folder / syntax, settings)
        yield Specimen.of(syntax, folder / syntax, is_lossy=syntax in LOSSY)
    write_enhanced(volume, folder / "enhanced/IM1", plain)
    yield Specimen.of("enhanced", folder / "enhanced")
    compressed = SeriesSettings(StudyIdentity.of(seed), matrix=None, syntax="jpeg-ls")
    write_enhanced(volume, folder / "enhanced jpeg-ls/IM1", compressed)
    yield Specimen.of("enhanced jpeg-ls", folder / "enhanced jpeg-ls")
    if (DATA / "head-ct" / REAL).exists():
        with zipfile.ZipFile(DATA / "head-ct" / REAL) as zipped:
            zipped.extractall(folder / "real")
        yield Specimen.of("real", folder / "real")
