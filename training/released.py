"""Where weights came from that were taken back out of a released bundle: what only the bundle can tell of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Released:
    """One network of a released bundle.

    bundle: name and version; manifest_sha256: of its manifest; file: of the network, in the bundle
    heads: what the bundle says of the heads that it was trained and validated on, by purpose
    recipe_lacks: settings that are younger than the bundle. The recipe has their defaults, which may not be what the
        code did then: what it did is in the code of that release alone.
    """

    bundle: str
    manifest_sha256: str
    file: str
    heads: Mapping[str, Any]
    recipe_lacks: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "heads": dict(self.heads), "recipe_lacks": list(self.recipe_lacks)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Released:
        """The inverse of `as_json`. KeyError, TypeError where it is none."""
        return cls(**{**document, "recipe_lacks": tuple(document["recipe_lacks"])})
