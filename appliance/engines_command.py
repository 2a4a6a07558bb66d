"""`strokebox engines`: what IT does with engine bundles."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from appliance import shipped
from appliance.cache import cache_folder
from appliance.prepared import local_time
from appliance.progress_bar import progress_bar
from runtime.bundle import open_bundle
from runtime.engines.build_report import NAME
from runtime.engines.building import add_build_options, build_bundle, targets_of
from runtime.engines.plans import Plans


def add_engines_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `engines` and what comes after it."""
    engines = commands.add_parser("engines", help="what a box does with engine bundles")
    actions = engines.add_subparsers(required=True, metavar="ACTION")

    build = actions.add_parser("build", help="build a bundle's networks into TensorRT plans for the GPU")
    add_build_options(build)
    build.add_argument(
        "--out", type=Path, metavar="DIR", help="where plans and report go (default: where analyses look)"
    )
    build.add_argument("bundle", type=Path, nargs="?", metavar="BUNDLE", help="a folder (default: the shipped one)")
    build.set_defaults(run=_build)


def _build(options: argparse.Namespace) -> int:
    bundle, targets = open_bundle(options.bundle or shipped.FOLDER), targets_of(options)
    plans = Plans(options.out) if options.out else Plans.within(cache_folder())
    print(f"{targets[0].tensorrt}, for {', '.join(map(str, targets))}")
    with progress_bar() as progress:
        report = build_bundle(bundle, targets, plans, local_time(), print, progress)
    if not options.capability:
        plans.choose(replace(targets[0].options, capability=""))
    print(report.memory)
    print(f"plans   {plans.folder}")
    print(f"report  {plans.folder / NAME}.md")
    return 0
