"""Provenance: which engines made a result, and on what."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.bundle import Bundle
from runtime.engines.base import Ensemble


@dataclass(frozen=True, slots=True)
class Provenance:
    """The bundle's identity and the backend's, as every result carries them."""

    name: str
    version: str
    serial: int
    manifest_sha256: str
    backend: str
    precision: str
    device: str
    models: int

    @classmethod
    def of(cls, bundle: Bundle, ensemble: Ensemble) -> Provenance:
        backend = ensemble.backend
        return cls(
            name=bundle.manifest.name,
            version=bundle.manifest.version,
            serial=bundle.manifest.serial,
            manifest_sha256=bundle.manifest_sha256,
            backend=f"{backend.name} {backend.version}",
            precision=backend.precision,
            device=backend.device,
            models=ensemble.size,
        )
