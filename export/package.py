"""A signed bundle as one zip, to drop into a box's folder for incoming engines.

Holds the manifest, its signature and the files that the manifest lists, under those names, and nothing else: what a box
asks for (appliance/arrival.py).
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from runtime.bundle import MANIFEST, SIGNATURE, open_bundle
from runtime.errors import BundleError, UsageError

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Of every entry, so that the same bundle gives the same zip."""


def write_package(folder: Path, out: Path) -> Path:
    """Write `out`, a new .zip. UsageError where it is there, BundleError where the bundle is broken or not signed."""
    if out.suffix != ".zip" or out.exists():
        raise UsageError(f"{out} must be a new file that ends with .zip.")
    bundle = open_bundle(folder)
    if not (folder / SIGNATURE).is_file():
        raise BundleError(f"{folder} is not signed: python -m export sign {folder} --key FILE.")
    part = out.with_name(f"{out.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as package:
        for name in (MANIFEST, SIGNATURE, *sorted(bundle.manifest.files)):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
            package.writestr(entry, (folder / name).read_bytes())
    part.replace(out)
    return out
