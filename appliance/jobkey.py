"""The job key: what makes two drops the same study, whatever their names and the junk beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from runtime.study import Study

KEY_DIGITS = 8


def job_key(studies: Sequence[Study], files: Iterable[Path], digests: Mapping[Path, str]) -> str:
    """64 hex digits over the sorted (SOP Instance UID, SHA-256) of the images, or of all `files` where none is one.

    `files` are the drop's own where what is in it could not be listed: two broken zips are not the same study.

    `digests` are the SHA-256 that are known already.
    """
    images = {image.path: image.sop_instance_uid for study in studies for one in study.series for image in one.images}
    pairs = sorted({(images.get(path, ""), digests.get(path) or _sha256(path)) for path in (images or files)})
    return hashlib.sha256("\n".join(f"{uid} {digest}" for uid, digest in pairs).encode()).hexdigest()


def _sha256(path: Path) -> str:
    """Empty where the file can't be read, or is none: the drop then still has a key, if not that of the whole study."""
    if not path.is_file():
        return ""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError:
        return ""
    return digest.hexdigest()
