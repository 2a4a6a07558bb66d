"""The bundle that ships with the package: where it is, and the manifest hash by which it is trusted."""

from __future__ import annotations

from pathlib import Path

from runtime.bundle import Bundle, open_bundle
from runtime.errors import BundleError

FOLDER = Path(__file__).parent / "bundle" / "default"
MANIFEST_SHA256 = "c71fb9b2c7fe8ffaaf693ac740d16e9bdc2d9c6bdc3f286252b1a3524edaaaa9"
"""Pinned: replace it together with the bundle (a test compares them)."""


def shipped_bundle() -> Bundle:
    """It, verified. BundleError where it isn't the one that belongs to this version."""
    bundle = open_bundle(FOLDER)
    if bundle.manifest_sha256 != MANIFEST_SHA256:
        raise BundleError(f"The engines at {FOLDER} are not those of this version: install Strokebox again.")
    return bundle
