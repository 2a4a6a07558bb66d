"""Writes constraints.txt: the exact version of everything that pyproject.toml brings, for each Python we support.

Resolves every extra with uv, once per Python and machine, without installing anything. A package that has one version
everywhere gets one plain line; otherwise each version gets a marker for the Pythons it is for. Versions already pinned
stay unless `--upgrade` is given.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONSTRAINTS = ROOT / "constraints.txt"
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
MACHINES = ("x86_64", "aarch64")
HEADER = """\
# Exact versions of everything that pyproject.toml brings, all extras, on Linux, Python 3.10 to 3.13.
# Used as `pip install --constraint constraints.txt`. Written by tools/pin.py:
#   make constraints               after a change to the dependencies in pyproject.toml
#   make constraints UPGRADE=yes   to move everything to what is newest
"""

Pins = dict[str, str]


def resolve(python: str, machine: str, *, upgrade: bool) -> Pins:
    """Returns {package: version} as uv resolves all extras for one interpreter and machine (glibc 2.35: JetPack 6)."""
    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder, CONSTRAINTS.name)  # uv prefers what its output file already says
        if CONSTRAINTS.exists() and not upgrade:
            shutil.copy(CONSTRAINTS, pinned)
        command = [str(Path(sys.executable).with_name("uv")), "pip", "compile", "pyproject.toml", "--all-extras"]
        command += ["--quiet", "--no-header", "--no-annotate", "--output-file", str(pinned)]
        command += ["--python-version", python, "--python-platform", f"{machine}-manylinux_2_35"]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(f"no resolution for Python {python} on {machine}:\n{result.stderr}")
        return dict(line.split("==", 1) for line in pinned.read_text(encoding="utf-8").split())


def resolve_both(python: str, *, upgrade: bool) -> Pins:
    """Returns the union of the machines' pins; stops where they disagree on a version."""
    pins: Pins = {}
    for machine in MACHINES:
        for package, version in resolve(python, machine, upgrade=upgrade).items():
            if pins.setdefault(package, version) != version:
                sys.exit(f"{package}: {' and '.join(MACHINES)} need different versions for Python {python}")
    return pins


def marker(pythons: list[str]) -> str:
    """Returns the marker for a run of neighbouring Pythons, such as '>= 3.11 and < 3.12'; '' for all of them."""
    after = PYTHONS.index(pythons[-1]) + 1
    parts = [f'python_version >= "{pythons[0]}"'] if pythons[0] != PYTHONS[0] else []
    parts += [f'python_version < "{PYTHONS[after]}"'] if after < len(PYTHONS) else []
    return f" ; {' and '.join(parts)}" if parts else ""


def main() -> None:
    upgrade = "--upgrade" in sys.argv[1:]
    pythons_of: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for python in PYTHONS:
        for package, version in resolve_both(python, upgrade=upgrade).items():
            pythons_of[package][version].append(python)
    lines = [
        f"{package}=={version}" + (marker(pythons) if len(versions) > 1 else "")
        for package, versions in sorted(pythons_of.items())
        for version, pythons in versions.items()
    ]
    CONSTRAINTS.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{CONSTRAINTS.name}: {len(lines)} pins of {len(pythons_of)} packages")


if __name__ == "__main__":
    main()
