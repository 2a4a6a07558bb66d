"""Keys and signatures of bundles: Ed25519, over the manifest's raw bytes, in a file of its own.

For the workstation alone: a private key never lives on a box. What a box makes of signatures: appliance/trust.py.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from runtime.bundle import MANIFEST, SIGNATURE, Bundle, open_bundle
from runtime.errors import UsageError
from runtime.whole_files import write_whole

PRIVATE, PUBLIC = "strokebox-engines.key", "strokebox-engines.pub"


def write_keys(out: Path, passphrase: str | None = None, name: str | None = None) -> tuple[Path, Path]:
    """A new pair in `out`: the private key, for its owner's eyes only, and the public one for the boxes.

    UsageError where one is there already: a lost key can't be had again.
    """
    private, public = (out / (f"{name}{Path(file).suffix}" if name else file) for file in (PRIVATE, PUBLIC))
    if private.exists() or public.exists():
        raise UsageError(f"There is a key in {out} already: name another folder, or give --name.")
    key = Ed25519PrivateKey.generate()
    cipher: KeySerializationEncryption = NoEncryption()
    if passphrase:
        cipher = BestAvailableEncryption(passphrase.encode())
    out.mkdir(parents=True, exist_ok=True)
    _write_new(private, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, cipher), 0o600)
    _write_new(public, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o644)
    return private, public


def load_key(path: Path, passphrase: str | None = None) -> Ed25519PrivateKey:
    """The private key of a file. UsageError where it is none, others may read it, or its passphrase is another."""
    try:
        if path.stat().st_mode & 0o077:
            raise UsageError(f"Others may read the private key {path}: chmod 600 it, and ask who has had it.")
        key = load_pem_private_key(path.read_bytes(), passphrase.encode() if passphrase else None)
    except OSError as error:
        raise UsageError(f"The key {path} can't be read: {error.strerror}.") from error
    except TypeError as error:
        needs = "has no passphrase: leave it out" if passphrase else "has a passphrase: give --passphrase-file"
        raise UsageError(f"The key {path} {needs}.") from error
    except ValueError as error:
        raise UsageError(f"{path} is no private key in PEM, or its passphrase is another.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{path} is no Ed25519 key: make one with `python -m export key`.")
    return key


def sign(folder: Path, key: Ed25519PrivateKey) -> Bundle:
    """Write the signature of a whole bundle, last of all its files. BundleError where it is not whole."""
    bundle = open_bundle(folder)
    write_whole(folder / SIGNATURE, key.sign((folder / MANIFEST).read_bytes()))
    (folder / SIGNATURE).chmod(0o644)
    return bundle


def _write_new(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
