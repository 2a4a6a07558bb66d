"""The bundle that ships with the package: where it is, and the manifest hash by which it is trusted."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "bundle" / "default"
MANIFEST_SHA256 = "c3d503e935e10c5452ff1ed3b9b1c2e42bd2b4cddeae08beced203061fdd925a"
"""Pinned: replace it together with the bundle (a test compares them)."""
