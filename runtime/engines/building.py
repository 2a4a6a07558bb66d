"""Building all plans of a bundle: what `strokebox engines build` and `python -m export plan` do, and their options."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from runtime.bundle import Bundle
from runtime.choice import one_of
from runtime.engines.build_report import BuildReport, ModelPlan
from runtime.engines.bundle_plans import Target, made_plan
from runtime.engines.gpu import Gpu, find_gpu
from runtime.engines.memory_plan import bundle_memory
from runtime.engines.plans import Plans
from runtime.engines.tensorrt_build import AskedOptions, BuildOptions
from runtime.engines.vendor import Vendor, find_tensorrt
from runtime.errors import ConfigurationError, EngineError, UsageError
from runtime.progress import Progress, silent

DEFAULTS = BuildOptions()


def add_build_options(parser: argparse.ArgumentParser) -> None:
    """All that Targets are made of."""
    parser.add_argument("--vendor", **one_of(Vendor), help="default: whichever is installed")
    parser.add_argument(
        "--capability",
        action="append",
        default=[],
        metavar="SM86",
        help="build ahead for GPUs of this compute capability, and again for each further one; TensorRT for RTX only",
    )
    parser.add_argument(
        "--workspace",
        type=int,
        metavar="MIB",
        help=f"memory that kernels may ask for (default: {DEFAULTS.workspace_mib}; on a Jetson a quarter of its own)",
    )
    parser.add_argument(
        "--level",
        type=int,
        metavar="0..5",
        help=f"how long to look for kernels (default: {DEFAULTS.optimisation_level})",
    )


def targets_of(options: argparse.Namespace, gpu: Callable[[], Gpu] = find_gpu) -> list[Target]:
    """What was asked for. UsageError, ConfigurationError: no such TensorRT; EngineError: no GPU where one is needed."""
    build, tensorrt = partial(_options, options), find_tensorrt(options.vendor)
    if options.capability:
        elsewhere = build(None)
        return [Target(tensorrt, replace(elsewhere, capability=one), None) for one in dict.fromkeys(options.capability)]
    build(None)  # what was asked for is wrong with and without a GPU
    try:
        found = gpu()
        return [Target.this_machine(tensorrt, build(found), found)]
    except EngineError as error:
        ahead = " To build ahead, name what for: --capability SM86." if tensorrt.vendor is Vendor.RTX else ""
        raise EngineError(f"{error}{ahead}") from error


def _options(asked: argparse.Namespace, gpu: Gpu | None) -> BuildOptions:
    level = DEFAULTS.optimisation_level if asked.level is None else asked.level
    try:
        return AskedOptions(asked.workspace or 0, level).of(gpu)
    except ValueError as error:
        raise UsageError(f"--workspace or --level can't be right: {error}.") from error


def build_bundle(
    bundle: Bundle,
    targets: Sequence[Target],
    plans: Plans,
    now: datetime,
    built: Callable[[ModelPlan], None],
    progress: Progress = silent,
) -> BuildReport:
    """Find or build every plan, for one TensorRT, and leave the report beside them; `built` hears of each.

    EngineError, ConfigurationError: also where the folder can't be written.
    """
    models = []
    with _kept_in(plans.folder):
        plans.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for target in targets:
        for file, plane in bundle.manifest.models:
            plan = made_plan(bundle, file, plane, target, plans, progress)
            if not plan.kept:
                raise ConfigurationError(f"The plan of {file} can't be kept in {plans.folder}.")
            models.append(ModelPlan.of(file, plane, target, plan))
            built(models[-1])
    report = BuildReport(now, bundle, targets, models, bundle_memory(bundle, targets[0].options.workspace_mib))
    with _kept_in(plans.folder):
        report.write(plans.folder)
    return report


@contextmanager
def _kept_in(folder: Path) -> Iterator[None]:
    """ConfigurationError where the block can't write there."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(f"Plans can't be kept in {folder}: {error.strerror}.") from error
