"""The bundle that ships with the package: where it is, and the manifest hash by which it is trusted."""

from __future__ import annotations

from pathlib import Path

from runtime.bundle import Bundle, open_bundle
from runtime.errors import BundleError

FOLDER = Path(__file__).parent / "bundle" / "default"
MANIFEST_SHA256 = "a8123b345075e6d9b239ee58ea0775194a1d2d2587bad4a0a08b8191219d6022"
"""Pinned: replace it together with the bundle (a test compares them)."""


def shipped_bundle() -> Bundle:
    """It, verified. BundleError where it isn't the one that belongs to this version."""
    bundle = open_bundle(FOLDER)
    if bundle.manifest_sha256 != MANIFEST_SHA256:
        raise BundleError(f"The engines at {FOLDER} are not those of this version: install Strokebox again.")
    return bundle
