"""The bundle that ships with the package: where it is, and the manifest hash by which it is trusted."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "bundle" / "default"
MANIFEST_SHA256 = "0" * 64
"""Pinned: replace it together with the bundle (a test compares them)."""
