"""`strokebox engines`: what IT does with engine bundles. Parses, calls, prints."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from appliance import shipped
from appliance.audit import NAME as AUDIT
from appliance.audit import Audit
from appliance.cache import cache_folder
from appliance.chosen_engines import active_bundle
from appliance.incoming import QUIET_SECONDS, Incoming
from appliance.prepared import local_time
from appliance.progress_bar import progress_bar
from appliance.settings import Settings, read_settings
from appliance.shipped import shipped_bundle
from appliance.slots import BUILT, Slots
from appliance.stop import Stop
from appliance.trial_process import TrialProcess
from appliance.trust import load_trust
from appliance.updates import Updates
from runtime.bundle import Bundle, open_bundle
from runtime.engines.build_report import NAME
from runtime.engines.building import add_build_options, build_bundle, targets_of
from runtime.engines.plans import Plans
from runtime.errors import UsageError

HERE = Path()
"""`--incoming` without a folder: the one of the settings."""


def add_engines_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `engines` and what comes after it."""
    engines = commands.add_parser("engines", help="what a box does with engine bundles")
    actions = engines.add_subparsers(required=True, metavar="ACTION")

    verify = actions.add_parser("verify", help="check a bundle's signature and files; changes nothing")
    _add_config(verify)
    verify.add_argument("bundle", type=Path, metavar="BUNDLE", help="a folder or a .zip")
    verify.set_defaults(run=_verify)

    install = actions.add_parser("install", help="verify a bundle, try it on this machine, and switch to it")
    _add_config(install)
    install.add_argument("--stage-only", action="store_true", help="leave the trial to `activate`")
    install.add_argument(
        "--incoming", type=Path, nargs="?", const=HERE, metavar="DIR", help="all in a folder (default: the settings')"
    )
    install.add_argument("bundle", type=Path, nargs="?", metavar="BUNDLE", help="a folder or a .zip")
    install.set_defaults(run=_install)

    for name, words, run in (
        ("list", "which engines are active, retained, staged or were refused", _list),
        ("activate", "try the engines that are staged, and switch to them", _activate),
        ("rollback", "go back to the engines that were active before", _rollback),
    ):
        action = actions.add_parser(name, help=words)
        _add_config(action)
        action.set_defaults(run=run)

    build = actions.add_parser("build", help="build a bundle's networks into TensorRT plans for the GPU")
    add_build_options(build)
    build.add_argument(
        "--out", type=Path, metavar="DIR", help="where plans and report go (default: where analyses look)"
    )
    build.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the settings, TOML: build the active engines, as the service does",
    )
    build.add_argument("bundle", type=Path, nargs="?", metavar="BUNDLE", help="a folder (default: the shipped one)")
    build.set_defaults(run=_build)


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the settings, TOML")


def updates_of(settings: Settings) -> Updates:
    """What a box of these settings does with engines. ConfigurationError."""
    folder = settings.engines.folder
    return Updates(
        Slots(folder),
        load_trust(settings.engines.trusted_keys),
        TrialProcess(folder / BUILT, settings.analysis.device, folder, settings.folders.state, settings.engines.build),
        Audit(folder / AUDIT, time.time, mode=0o644),
        shipped_bundle().manifest.serial,
    )


def _verify(options: argparse.Namespace) -> int:
    updates = updates_of(read_settings(options.config))
    print(updates.verify(options.bundle))
    for line in updates.complaints():
        print(line)
    return 0


def _install(options: argparse.Namespace) -> int:
    if (options.bundle is None) == (options.incoming is None):
        raise UsageError("Name a bundle, or give --incoming.")
    settings = read_settings(options.config)
    updates = updates_of(settings)
    with updates.slots.updating() as stop:
        if options.bundle is not None:
            print(updates.stage(options.bundle) if options.stage_only else updates.install(options.bundle, stop.check))
            return 0
        folder = settings.engines.incoming if options.incoming == HERE else options.incoming
        incoming = Incoming(folder, updates, partial(_pause, stop), local_time)
        code = 0
        for answer in incoming.process(stop.check):
            print(f"{answer.name}: {answer.sentence}", flush=True)
            code = max(code, answer.exit_code)
        return code


def _pause(stop: Stop) -> None:
    stop.wait(QUIET_SECONDS)
    stop.check()


def _list(options: argparse.Namespace) -> int:
    for line in updates_of(read_settings(options.config)).listing(shipped_bundle()):
        print(line)
    return 0


def _activate(options: argparse.Namespace) -> int:
    updates = updates_of(read_settings(options.config))
    with updates.slots.updating() as stop:
        print(updates.activate(stop.check))
    return 0


def _rollback(options: argparse.Namespace) -> int:
    updates = updates_of(read_settings(options.config))
    with updates.slots.updating():
        print(updates.rollback(shipped_bundle()))
    return 0


def _build(options: argparse.Namespace) -> int:
    bundle, plans = _asked_for(options)
    targets = targets_of(options)
    print(f"{targets[0].tensorrt}, for {', '.join(map(str, targets))}")
    with progress_bar() as progress:
        report = build_bundle(bundle, targets, plans, local_time(), print, progress)
    if not options.capability and not options.config:
        plans.choose(replace(targets[0].options, capability=""))
    print(report.memory)
    print(f"plans   {plans.folder}")
    print(f"report  {plans.folder / NAME}.md")
    return 0


def _asked_for(options: argparse.Namespace) -> tuple[Bundle, Plans]:
    """What to build, and where. With settings, theirs are filled into the options."""
    if options.config is None:
        bundle = open_bundle(options.bundle or shipped.FOLDER)
        return bundle, Plans(options.out) if options.out else Plans.within(cache_folder())
    if options.bundle:
        raise UsageError("Name a bundle, or give --config for the active one.")
    if options.workspace is not None or options.level is not None:
        raise UsageError("With --config, workspace_mib and level of its [engines] count: set them there.")
    engines = read_settings(options.config).engines
    options.workspace, options.level = engines.workspace_mib, engines.level
    plans = Plans(options.out) if options.out else Plans.within(cache_folder(), engines.folder / BUILT, engines.build)
    return active_bundle(engines), plans
