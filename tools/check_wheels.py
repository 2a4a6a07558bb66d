"""Checks that a JetPack 6 box (Python 3.10, aarch64, glibc 2.35) can install the appliance from wheels alone.

Resolves the base dependencies and the `gpu-cu12` extra as pip would on that box, with the pins of constraints.txt,
downloading metadata only. PyCUDA is left out: it is built on the box against its CUDA.

pip takes the tags of wheels from its options but evaluates environment markers for the Python it runs on. So the
markers of the pins and of every package found are evaluated here, and what only the box needs is asked for in another
round.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from importlib.metadata import requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
EXTRA = "gpu-cu12"
BUILT_ON_THE_BOX = {"pycuda"}
BOX = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "aarch64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.10.12",
    "python_version": "3.10",
    "sys_platform": "linux",
}
GLIBC = range(17, 36)  # manylinux_2_17 to manylinux_2_35, which is Ubuntu 22.04's
PLATFORMS = [*(f"manylinux_2_{minor}_aarch64" for minor in reversed(GLIBC)), "manylinux2014_aarch64"]


def applies(requirement: Requirement, extras: set[str]) -> bool:
    """Returns whether the box needs this requirement of a package that was asked for with these extras."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**BOX, "extra": extra}) for extra in extras | {""})


def wanted() -> list[Requirement]:
    """Returns what the installed distribution asks of the box."""
    requirements = map(Requirement, requires("strokebox") or [])
    return [r for r in requirements if applies(r, {EXTRA}) and canonicalize_name(r.name) not in BUILT_ON_THE_BOX]


def pins() -> list[str]:
    """Returns the pins of constraints.txt that hold on the box, without their markers."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return [f"{r.name}{r.specifier}" for r in requirements if applies(r, set())]


def bare(requirement: Requirement) -> str:
    """Returns the requirement without its marker, which pip would evaluate for the wrong machine."""
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}{requirement.specifier}"


def resolve(requirements: set[str], constraints: Path) -> list[dict[str, Any]]:
    """Returns pip's report of what it would install on the box; ends the program where there is no such wheel."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--dry-run"]
        command += ["--ignore-installed", "--target", folder, "--report", str(report), "--only-binary", ":all:"]
        command += ["--implementation", "cp", "--python-version", "3.10", "--constraint", str(constraints)]
        command += [f"--platform={platform}" for platform in PLATFORMS]
        result = subprocess.run([*command, *sorted(requirements)], capture_output=True, text=True)
        if result.returncode != 0:
            errors = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
            _, found, why = result.stdout.partition("The conflict is caused by:")
            errors += [line for line in (found + why).splitlines() if line.strip()]
            sys.exit("Python 3.10 on aarch64 can't install the appliance from wheels alone:\n" + "\n".join(errors))
        installed: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["install"]
    return installed


def missing(installed: list[dict[str, Any]]) -> set[str]:
    """Returns what the packages found need on the box and pip, evaluating their markers elsewhere, left out."""
    names = {canonicalize_name(item["metadata"]["name"]) for item in installed}
    return {
        bare(requirement)
        for item in installed
        for requirement in map(Requirement, item["metadata"].get("requires_dist", []))
        if applies(requirement, set(item.get("requested_extras", [])))
        and canonicalize_name(requirement.name) not in names
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder, "constraints.txt")
        constraints.write_text("\n".join(pins()), encoding="utf-8")
        requirements = {bare(requirement) for requirement in wanted()}
        installed = resolve(requirements, constraints)
        while more := missing(installed):
            requirements |= more
            installed = resolve(requirements, constraints)
    print(f"wheels for Python 3.10 on aarch64: {len(installed)} packages, none missing")


if __name__ == "__main__":
    main()
