"""A Prepared as two files, `read.json` and `hu.npy`: how the intake hands a study to the worker.

Plain data that is validated when it is loaded, never pickles: who writes them has just read files that nobody trusts.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from appliance.outcome import Reason
from appliance.prepared import Prepared
from runtime.codes import Code, Flag
from runtime.selection import Verdict
from runtime.study import Study
from runtime.volume import Geometry, Volume

READ = "read.json"
HU = "hu.npy"


class _Coded(BaseModel):
    code: str
    detail: str


class _Geometry(BaseModel):
    origins: list[tuple[float, float, float]]
    x_step: tuple[float, float, float]
    y_step: tuple[float, float, float]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    drop: str
    key: str
    studies: tuple[Study, ...]
    study: int | None
    """Which of `studies`."""
    verdicts: tuple[Verdict, ...]
    flags: tuple[_Coded, ...]
    reason: _Coded | None
    geometry: _Geometry | None
    seconds: float


def save_prepared(prepared: Prepared, folder: Path) -> None:
    """Write both files into `folder`, which is made and flushed; read.json last. FileExistsError, OSError."""
    folder.mkdir()
    volume = prepared.volume
    document = _Document(
        drop=prepared.drop,
        key=prepared.key,
        studies=prepared.studies,
        study=prepared.studies.index(prepared.study) if prepared.study else None,
        verdicts=prepared.verdicts,
        flags=tuple(_Coded(code=flag.code.name, detail=flag.detail) for flag in prepared.flags),
        reason=_Coded(code=prepared.reason.code.name, detail=prepared.reason.detail) if prepared.reason else None,
        geometry=_geometry(volume.geometry) if volume else None,
        seconds=prepared.seconds,
    )
    if volume is not None:
        with (folder / HU).open("xb") as file:
            np.save(file, volume.hu, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
    with (folder / READ).open("xb") as file:
        file.write(document.model_dump_json().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def load_prepared(folder: Path) -> Prepared:
    """The inverse of `save_prepared`. OSError where files are missing, ValueError where they are not as written."""
    try:
        return _loaded(_Document.model_validate_json((folder / READ).read_bytes()), folder)
    except ValidationError as error:
        raise ValueError(f"{READ} is not as it was written: {error.error_count()} errors") from error
    except (KeyError, IndexError, EOFError) as error:  # a code of another version, no such study, an array cut short
        raise ValueError(f"{READ} or {HU} is not as it was written") from error


def _loaded(document: _Document, folder: Path) -> Prepared:
    volume = None
    if document.geometry is not None:
        volume = Volume(np.load(folder / HU, allow_pickle=False), Geometry(**_arrays(document.geometry)))
    return Prepared(
        drop=document.drop,
        key=document.key,
        studies=document.studies,
        study=None if document.study is None else document.studies[document.study],
        verdicts=document.verdicts,
        flags=tuple(Flag(Code[flag.code], flag.detail) for flag in document.flags),
        reason=Reason(Code[document.reason.code], document.reason.detail) if document.reason else None,
        volume=volume,
        seconds=document.seconds,
    )


def _geometry(geometry: Geometry) -> _Geometry:
    return _Geometry(
        origins=geometry.origins.tolist(), x_step=geometry.x_step.tolist(), y_step=geometry.y_step.tolist()
    )


def _arrays(geometry: _Geometry) -> dict[str, Any]:
    return {name: np.array(value, dtype=np.float64) for name, value in geometry}
