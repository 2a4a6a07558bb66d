"""Our units as their files say, and as installed below a scratch root."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "systemd"
SERVICES = tuple(sorted(path.name for path in FOLDER.glob("*.service")))
UNITS = tuple(sorted(path.name for path in FOLDER.glob("strokebox*") if path.suffix != ".toml"))


def values(unit: str, key: str) -> list[str]:
    """What the unit says of `key`, line by line; '' clears what was before."""
    lines = (FOLDER / unit).read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(f"{key}=")]


def value(unit: str, key: str) -> str:
    """The last word on `key`; '' where there is none."""
    return (values(unit, key) or [""])[-1]


def in_root(script: str, root: Path, arguments: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run install.sh or uninstall.sh below a scratch root."""
    environment = {**os.environ, "DESTDIR": str(root)}
    command = [str(FOLDER / script), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
