"""An arrived bundle against its signed manifest, in this order: size of manifest and signature, the signature over the
raw bytes, only then the manifest's meaning, the list of names, and each file's size and SHA-256 while it is read.

Reads through the Arrival that it is given; where contents go is the caller's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from appliance.arrival import Arrival
from appliance.trust import SIGNATURE_BYTES, Trust
from runtime.bundle import LARGEST_MANIFEST_BYTES, MANIFEST, SIGNATURE, Manifest
from runtime.errors import BundleError

LARGEST_UNPACKED_BYTES = 4 << 30
DIGITS = 16
"""Of the manifest's SHA-256, in a slot's name."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A manifest that a trusted key signed, with exactly its files beside it; their contents are not read yet."""

    arrival: Arrival
    manifest: Manifest
    raw: bytes
    signature: bytes
    signer: str

    @property
    def slot(self) -> str:
        """The name of its slot: serial and digest."""
        return f"{self.manifest.serial}-{hashlib.sha256(self.raw).hexdigest()[:DIGITS]}"

    @property
    def title(self) -> str:
        return f"{self.manifest.name} {self.manifest.version} (serial {self.manifest.serial})"

    @property
    def size(self) -> int:
        """Bytes, unpacked."""
        return sum(size for _, size in self.manifest.files.values()) + len(self.raw) + len(self.signature)

    def contents(self, take: Callable[[str, Iterable[bytes]], None]) -> None:
        """Give each listed file to `take`, which must read it to its end. BundleError where one was altered."""
        for name, (sha256, size) in self.manifest.files.items():
            take(name, _hashed(name, self.arrival.blocks(name, size), sha256, size))


def signed(arrival: Arrival, trust: Trust) -> Signed:
    """The arrival's manifest, verified as above. BundleError says what is wrong."""
    names = arrival.names
    for name, what in (MANIFEST, "this is no engine bundle"), (SIGNATURE, "the bundle was never signed"):
        if name not in names:
            raise BundleError(f"{name} is missing: {what}.")
    raw = b"".join(arrival.blocks(MANIFEST, LARGEST_MANIFEST_BYTES))
    if len(raw) > LARGEST_MANIFEST_BYTES:
        raise BundleError("The manifest is larger than 1 MiB.")
    signature = b"".join(arrival.blocks(SIGNATURE, SIGNATURE_BYTES))
    signer = trust.signer(raw, signature)
    found = Signed(arrival, Manifest.read(raw), raw, signature, signer)
    if not 0 <= found.manifest.serial < 10**18:
        raise BundleError(f"The serial {found.manifest.serial} is out of range.")
    listed = {MANIFEST, SIGNATURE, *found.manifest.files}
    if surplus := set(names) - listed:
        raise BundleError(f"{min(surplus)} is not in the manifest.")
    if missing := listed - set(names):
        raise BundleError(f"{min(missing)} is missing.")
    if found.size > LARGEST_UNPACKED_BYTES:
        raise BundleError(f"The bundle is larger than {LARGEST_UNPACKED_BYTES >> 30} GiB.")
    return found


def drain(_name: str, blocks: Iterable[bytes]) -> None:
    """For `contents`: read, and keep nothing."""
    for _ in blocks:
        pass


def _hashed(name: str, blocks: Iterable[bytes], sha256: str, size: int) -> Iterator[bytes]:
    digest, count = hashlib.sha256(), 0
    for block in blocks:
        digest.update(block)
        count += len(block)
        if count > size:
            break
        yield block
    if count != size:
        raise BundleError(f"{name} has {'more' if count > size else count} bytes, not {size}.")
    if digest.hexdigest() != sha256:
        raise BundleError(f"{name} was altered: its SHA-256 is not the manifest's.")
