"""Fetches the bindings of the TensorRT versions that the code is written for, so that the tests can compare names.

Three versions of what is one distribution to pip can't be installed beside each other, so their wheels are unpacked
into .venv/bindings, a folder for each. They are the bindings alone, a megabyte each; TensorRT itself is not in them.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".venv" / "bindings"
WHEELS = {
    "10.3.0": "tensorrt-cu12-bindings==10.3.0",
    "10.13.3.9": "tensorrt-cu13-bindings==10.13.3.9",
    "11.4.0.106": "tensorrt-cu13-bindings==11.4.0.106",
}
"""JetPack 6, JetPack 7, and GPU boxes of today."""
OLDEST = "10.3.0"
OLDEST_IS_FOR_US = platform.machine() == "x86_64" and sys.version_info < (3, 13)
"""NVIDIA made its wheels for no other machine or Python; elsewhere there is only a look into their binary."""


def fetch(version: str, requirement: str) -> None:
    """Unpack the wheel into a folder named for the version. SystemExit where it can't be had."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--quiet", "--no-deps"]
        command += ["--only-binary", ":all:", "--dest", folder, requirement]
        if version == OLDEST and not OLDEST_IS_FOR_US:
            command += ["--python-version", "3.12", "--platform", "manylinux_2_17_x86_64"]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(f"TensorRT's bindings {version} can't be fetched:\n{result.stderr}")
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(FOLDER / version)


def main() -> None:
    for version, requirement in WHEELS.items():
        fetch(version, requirement)
    print(f"bindings of TensorRT: {', '.join(WHEELS)}")


if __name__ == "__main__":
    main()
