"""Whose engine bundles a box takes: an Ed25519 signature over the manifest's raw bytes, by one of its trusted keys.

The check is made before anything is parsed. Holds public keys only; private ones are the workstation's (export/).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from runtime.bundle import LARGEST_MANIFEST_BYTES, MANIFEST, SIGNATURE, Bundle, open_bundle
from runtime.errors import BundleError, ConfigurationError

SIGNATURE_BYTES = 64
KEY_ENDING = ".pub"
_LARGEST_KEY_BYTES = 4096
_INSTEAD = "It is ignored: remove it, or put the publisher's .pub file in its place, for all to read."


@dataclass(frozen=True, slots=True)
class Trust:
    """The keys that count on this box, by the names of their files; several at a time, so that keys can change."""

    keys: Mapping[str, Ed25519PublicKey] = field(default_factory=dict)
    ignored: Mapping[str, str] = field(default_factory=dict)
    """Files that should be keys and aren't, by name: what is wrong with each, and what to do."""

    def signer(self, manifest: bytes, signature: bytes) -> str:
        """The name of the key that signed these bytes. BundleError where none of them did."""
        if len(signature) != SIGNATURE_BYTES:
            raise BundleError(f"{SIGNATURE} has {len(signature)} bytes; a signature has {SIGNATURE_BYTES}.")
        for name, key in self.keys.items():
            try:
                key.verify(signature, manifest)
            except InvalidSignature:
                continue
            return name
        ignored = f" Ignored: {', '.join(sorted(self.ignored))}." if self.ignored else ""
        if not self.keys:
            raise BundleError(
                f"This box trusts no key: put the publisher's .pub file into the folder of trusted keys.{ignored}"
            )
        raise BundleError(
            f"The manifest is not signed by a key that this box trusts ({', '.join(sorted(self.keys))}), or it was "
            f"altered: get the bundle again from its publisher.{ignored}"
        )


def load_trust(folder: Path) -> Trust:
    """The keys in the folder's *.pub files, PEM; none where there is no folder. One bad file costs no other key.

    ConfigurationError where the folder can't be read.
    """
    keys, ignored = {}, {}
    try:
        paths = sorted(path for path in folder.iterdir() if path.name.endswith(KEY_ENDING))
    except FileNotFoundError:
        return Trust()
    except OSError as error:
        raise ConfigurationError(f"The trusted keys in {folder} can't be read: {error.strerror}.") from error
    for path in paths:
        try:
            keys[path.name] = _key(path)
        except ValueError as error:
            ignored[path.name] = str(error)
    return Trust(keys, ignored)


def _key(path: Path) -> Ed25519PublicKey:
    """ValueError says what is wrong with it."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_KEY_BYTES)
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}. {_INSTEAD}") from error
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"{path} is no public Ed25519 key in PEM. {_INSTEAD}")
    return key


def open_signed(folder: Path, trust: Trust) -> Bundle:
    """The bundle in `folder`, its signature checked before anything is parsed. BundleError as open_bundle's, too."""
    manifest, signature = (_read(folder / name) for name in (MANIFEST, SIGNATURE))
    trust.signer(manifest, signature)
    bundle = open_bundle(folder)
    if bundle.manifest_sha256 != hashlib.sha256(manifest).hexdigest():
        raise BundleError("The manifest changed while it was read: nobody may write to the folder of an engine.")
    return bundle


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_MANIFEST_BYTES + 1)
    except FileNotFoundError as error:
        if path.name == SIGNATURE:
            raise BundleError(f"{SIGNATURE} is missing: the bundle was never signed.") from error
        raise BundleError(f"No engine bundle at {path.parent}: {error.strerror}.") from error
    except OSError as error:
        raise BundleError(f"{path} can't be read: {error.strerror}.") from error
