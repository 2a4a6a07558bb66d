"""C compiled on the spot: libraries that stand in for those of a driver or a vendor."""

from __future__ import annotations

import subprocess
from pathlib import Path


def shared_library(source: str, path: Path) -> Path:
    """Compile C into the library `path`, which is also the name that it is loaded by. Needs a C compiler."""
    command = ["cc", "-shared", "-fPIC", f"-Wl,-soname,{path.name}", "-o", str(path), "-x", "c", "-"]
    subprocess.run(command, input=source, text=True, check=True)
    return path
