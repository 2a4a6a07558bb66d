"""Toy bundles with a golden case, signed by keys that tests make."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.trust import Trust
from export.golden import save_case
from export.package import write_package
from runtime.bundle import MANIFEST, SIGNATURE
from runtime.golden import GoldenCase
from runtime.planes import Plane
from tests.toy_bundle import write_toy_bundle

KEY, OTHER_KEY = (Ed25519PrivateKey.from_private_bytes(bytes([number] * 32)) for number in (1, 2))
TRUST = Trust({"first.pub": KEY.public_key()})


def write_signed(
    folder: Path, serial: int = 2, key: Ed25519PrivateKey = KEY, *, is_wrong: bool = False, golden: bool = True
) -> Path:
    """The toy bundle; `is_wrong` where its golden case is not what its networks compute."""
    write_toy_bundle(folder)
    if golden:
        (folder / "golden").mkdir()
        hu = np.zeros((4, 32, 32), np.int16)
        hu[1:3, 8:16, 8:16] = 2500
        expected = np.zeros((2, *hu.shape), np.uint8)
        expected[1, hu > 2000] = 255
        if is_wrong:
            expected = 255 - expected
        save_case(GoldenCase(hu, dict.fromkeys(Plane, expected)), folder / "golden/box.npz")
    relist(folder, serial=serial, version=f"{serial}.0")
    resign(folder, key)
    return folder


def relist(folder: Path, **changes: object) -> None:
    """Write the manifest anew: all files as they are, and `changes` of other keys."""
    document = json.loads((folder / MANIFEST).read_text()) | changes
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in (MANIFEST, SIGNATURE)]
    document["files"] = [
        {
            "path": path.relative_to(folder).as_posix(),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "size": path.stat().st_size,
        }
        for path in paths
    ]
    (folder / MANIFEST).write_text(json.dumps(document))


def resign(folder: Path, key: Ed25519PrivateKey = KEY) -> None:
    (folder / SIGNATURE).write_bytes(key.sign((folder / MANIFEST).read_bytes()))


def zipped(folder: Path) -> Path:
    """Beside it, as the workstation packs it."""
    return write_package(folder, folder.with_suffix(".zip"))


def write_trusted(folder: Path, keys: Mapping[str, Ed25519PrivateKey]) -> None:
    """The public halves, as a box keeps them."""
    folder.mkdir(exist_ok=True)
    for name, key in keys.items():
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (folder / name).write_bytes(pem)
