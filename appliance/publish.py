"""Write a result folder so that it appears whole or not at all.

All files go into a hidden folder beside the final place, each flushed to disk, result.json last with the SHA-256 of its
siblings; one rename makes the folder visible. A folder that exists is never touched.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from appliance.acceptance import flush_folder
from runtime.errors import PublishError

RESULT = "result.json"
READABLE = 0o644
"""Whatever the umask: who gets in is the results folder's to say."""


def publish(out: Path, name: str, document: Mapping[str, Any], siblings: Mapping[str, bytes], token: str = "") -> Path:
    """Write `document` as result.json and `siblings` (file name to content) into a new folder `out/name`.

    Where that folder exists, '_2', '_3' ... is appended. Returns the folder. PublishError where writing fails, and
    where `out` is missing: a share may be away, and would hide what is written in its place.
    `token` names the hidden folder: what a killed process left under it is removed first.
    """
    try:
        hidden = hidden_folder(out, token or secrets.token_hex(8))
        shutil.rmtree(hidden, ignore_errors=True)
        hidden.mkdir()
        try:
            hidden.chmod(0o755)
            for file_name, content in siblings.items():
                _write(hidden / file_name, content)
            files = [
                {"name": file_name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
                for file_name, content in siblings.items()
            ]
            text = json.dumps({**document, "files": files}, indent=2, ensure_ascii=False, allow_nan=False)
            _write(hidden / RESULT, f"{text}\n".encode())
            flush_folder(hidden)
            return _appear(hidden, out, name)
        except BaseException:
            shutil.rmtree(hidden, ignore_errors=True)
            raise
    except OSError as error:
        raise PublishError(f"The result can't be written to {out}: {error.strerror}.") from error


def hidden_folder(out: Path, token: str) -> Path:
    """Where a result is written before it is renamed to its place."""
    return out / f".{token}.part"


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        os.fchmod(file.fileno(), READABLE)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _appear(hidden: Path, out: Path, name: str) -> Path:
    """Rename to the first free name: one step, which fails on any folder that has something in it."""
    number = 1
    while True:
        folder = out / (name if number == 1 else f"{name}_{number}")
        try:
            hidden.rename(folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise
            number += 1
            continue
        flush_folder(out)
        return folder
