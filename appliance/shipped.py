"""The bundle that ships with the package: where it is, and the manifest hash by which it is trusted."""

from __future__ import annotations

from pathlib import Path

from runtime.bundle import open_bundle
from runtime.errors import BundleError

FOLDER = Path(__file__).parent / "bundle" / "default"
MANIFEST_SHA256 = "c71fb9b2c7fe8ffaaf693ac740d16e9bdc2d9c6bdc3f286252b1a3524edaaaa9"
"""Pinned: replace it together with the bundle (a test compares them)."""


def in_words() -> str:
    """Its name, version and size; or what is wrong with it."""
    try:
        bundle = open_bundle(FOLDER)
    except BundleError as error:
        return str(error)
    trust = "" if bundle.manifest_sha256 == MANIFEST_SHA256 else ", not the ones that belong to this version"
    return f"{bundle.manifest.name} {bundle.manifest.version}, {len(bundle.manifest.models)} models{trust}"
