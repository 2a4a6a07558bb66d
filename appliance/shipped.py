"""The bundle that ships with the package: where it is, and the manifest hash by which it is trusted."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "bundle" / "default"
MANIFEST_SHA256 = "c71fb9b2c7fe8ffaaf693ac740d16e9bdc2d9c6bdc3f286252b1a3524edaaaa9"
"""Pinned: replace it together with the bundle (a test compares them)."""
