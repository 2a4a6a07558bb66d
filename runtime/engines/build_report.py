"""What building a bundle's plans came to: a Markdown table for people and JSON for machines, beside the plans."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from runtime.bundle import Bundle
from runtime.engines.bundle_plans import Target
from runtime.engines.memory_plan import MemoryPlan
from runtime.engines.plans import Plan
from runtime.engines.tensorrt_build import MIB
from runtime.planes import Plane
from runtime.whole_files import write_whole

NAME = "report"


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """One network and its plan; seconds: of the build, whenever it was."""

    model: str
    plane: str
    target: str
    layers: int
    plan_bytes: int
    seconds: float
    plan: str

    @classmethod
    def of(cls, file: str, plane: Plane, target: Target, plan: Plan) -> ModelPlan:
        size, seconds = len(plan.content), round(plan.seconds, 2)
        return cls(file, plane.value, str(target), plan.layers, size, seconds, plan.path.name)

    def __str__(self) -> str:
        return (
            f"{self.model}, {self.target}: {self.layers} layers, {self.plan_bytes / MIB:.1f} MiB, {self.seconds:.1f} s"
        )


@dataclass(frozen=True, slots=True)
class BuildReport:
    """All of a bundle's plans, of one TensorRT for one target or more, with the same options otherwise."""

    when: datetime
    bundle: Bundle
    targets: Sequence[Target]
    models: Sequence[ModelPlan]
    memory: MemoryPlan

    def document(self) -> dict[str, Any]:
        """For JSON."""
        manifest, first = self.bundle.manifest, self.targets[0]
        return {
            "when": self.when.isoformat(timespec="seconds"),
            "bundle": {
                "name": manifest.name,
                "version": manifest.version,
                "manifest_sha256": self.bundle.manifest_sha256,
            },
            "vendor": first.tensorrt.vendor.value,
            "tensorrt": first.tensorrt.version,
            "gpu": asdict(first.gpu) if first.gpu else None,
            "capabilities": [target.options.capability for target in self.targets if not target.gpu],
            "workspace_mib": first.options.workspace_mib,
            "optimisation_level": first.options.optimisation_level,
            "strongly_typed": True,
            "profiles": {plane.value: asdict(profile) for plane, profile in manifest.profiles.items()},
            "models": [asdict(model) for model in self.models],
            "memory_estimate_bytes": {**asdict(self.memory), "total": self.memory.total},
        }

    def markdown(self) -> str:
        """A table, what it was built with above it, the estimate of memory below."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        manifest, first = self.bundle.manifest, self.targets[0]
        yield f"# Plans of {manifest.name} {manifest.version}"
        yield ""
        yield f"{self.when:%Y-%m-%d %H:%M}, {first.tensorrt}, for {', '.join(map(str, self.targets))}."
        yield (
            f"Strongly typed; workspace {first.options.workspace_mib} MiB, "
            f"optimisation level {first.options.optimisation_level}."
        )
        yield ""
        yield "| model | plane | for | layers | plan, MiB | seconds |"
        yield "|---|---|---|---|---|---|"
        for one in self.models:
            size, seconds = f"{one.plan_bytes / MIB:.1f}", f"{one.seconds:.1f}"
            yield f"| {one.model} | {one.plane} | {one.target} | {one.layers} | {size} | {seconds} |"
        yield ""
        yield f"{self.memory}."
        yield "Not measured: it is worked out from the networks' graphs, at the sizes that plans are fastest at, and"
        yield "without what CUDA, TensorRT and CuPy take for themselves."

    def write(self, folder: Path) -> Path:
        """As report.md and report.json; returns the first. OSError as the file system raises it."""
        write_whole(folder / f"{NAME}.json", json.dumps(self.document(), indent=2).encode())
        path = folder / f"{NAME}.md"
        write_whole(path, self.markdown().encode())
        return path
