"""What a synthetic head was made by: a hash over the sources that its voxels depend on, for model cards to quote."""

from __future__ import annotations

import hashlib
from importlib.resources import files

MODULES = (
    "anatomy",
    "beam_hardening",
    "brain",
    "cohort",
    "csf",
    "difficulty",
    "donor",
    "face",
    "fields",
    "haemorrhage",
    "head",
    "ischaemia",
    "layers",
    "lesions",
    "membranes",
    "motion",
    "pitfalls",
    "plans",
    "scanner",
    "shapes",
    "skull",
    "synthesis",
)
"""Of this package. What writes DICOM, or is a command, changes no voxel and is left out."""


def generator_hash() -> str:
    """SHA-256 over names and sources of MODULES, in hexadecimal; line ends don't count."""
    digest = hashlib.sha256()
    for name in MODULES:
        source = files("phantom").joinpath(f"{name}.py").read_text(encoding="utf-8")
        digest.update(f"{name}\0{source}\0".encode())
    return digest.hexdigest()
