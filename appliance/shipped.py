"""The bundle that ships with the package: where it is, and the manifest hash by which it is trusted."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "bundle" / "default"
MANIFEST_SHA256 = "427a680df927ff0232f13bc7fc4913a14612dd07530677c395394c76b40aab2e"
"""Pinned: replace it together with the bundle (a test compares them)."""
