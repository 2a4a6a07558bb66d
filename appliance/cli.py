"""The command line: parses, calls, prints, and ends with the exit code that the error class carries."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from appliance.analyse import Request, analyse_drop
from appliance.audit_command import add_audit_command
from appliance.backup import add_backup_commands
from appliance.demo import demo
from appliance.doctor_command import add_doctor_command
from appliance.engines_command import add_engines_command
from appliance.retention import add_retention_command
from appliance.service import RoleName, serve
from appliance.settings import read_settings
from appliance.status import status_lines
from appliance.wording import INTENDED_USE
from runtime.choice import one_of
from runtime.engines.loading import Device
from runtime.errors import CUT_OFF, INTERRUPTED, StrokeboxError, UsageError, exit_codes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code, one of runtime/errors.py; the demo has its own 1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of drops may be in no encoding at all
    try:
        try:
            return _carried_out(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # whoever reads what is printed, as `head` does, has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains at its end
        return CUT_OFF


def _carried_out(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
        return code
    except StrokeboxError as error:
        print(f"strokebox: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("strokebox: interrupted; nothing was published.", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    codes = "\n".join(["exit codes:", *(f"  {code:<12}{words}" for code, words in exit_codes().items())])
    lines = argparse.RawDescriptionHelpFormatter
    description = f"Stroke detection on head CT.\n{INTENDED_USE}"
    parser = argparse.ArgumentParser(prog="strokebox", description=description, epilog=codes, formatter_class=lines)
    parser.add_argument("--version", action="version", version=f"strokebox {version('strokebox')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    analyse = commands.add_parser(
        "analyse", help="analyse one folder or zip of DICOM, once", epilog=codes, formatter_class=lines
    )
    analyse.add_argument("input", type=Path, metavar="INPUT", help="a folder, a zip or a file")
    analyse.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the result folder appears")
    analyse.add_argument(
        "--engines", type=Path, metavar="BUNDLE", help="an engine bundle's folder (default: the shipped one)"
    )
    analyse.add_argument(
        "--allow-unsigned", action="store_true", help="accept engines without a trusted signature; flagged"
    )
    analyse.add_argument("--device", **one_of(Device), default=Device.AUTO)
    analyse.add_argument("--save-nifti", action="store_true", help="write the segmentation as NIfTI, too")
    analyse.set_defaults(run=_analyse)

    service = commands.add_parser("serve", help="watch the inbox and analyse what arrives, until stopped")
    service.add_argument("--config", type=Path, required=True, metavar="FILE", help="the settings, TOML")
    service.add_argument("--role", **one_of(RoleName), help="one part only, as under systemd")
    service.add_argument("--supervisor", type=int, help=argparse.SUPPRESS)
    service.set_defaults(run=_serve)

    state = commands.add_parser("status", help="what runs, what waits, what came out last")
    state.add_argument("--config", type=Path, required=True, metavar="FILE", help="the settings, TOML")
    state.set_defaults(run=_status)

    add_engines_command(commands)
    add_audit_command(commands)
    add_retention_command(commands)
    add_backup_commands(commands)
    add_doctor_command(commands)

    demonstration = commands.add_parser("demo", help="make a synthetic study with a planted lesion and analyse it")
    demonstration.add_argument("--out", type=Path, default=Path("out/demo"), metavar="DIR", help="default: out/demo")
    demonstration.add_argument("--seed", type=int, default=7, help="which synthetic patient (default: 7)")
    demonstration.set_defaults(run=_demo)
    return parser


def _analyse(options: argparse.Namespace) -> int:
    request = Request(
        drop=options.input,
        out=options.out,
        engines=options.engines,
        allow_unsigned=options.allow_unsigned,
        device=options.device,
        save_nifti=options.save_nifti,
    )
    published = analyse_drop(request)
    print(published.summary)
    return published.exit_code


def _serve(options: argparse.Namespace) -> int:
    serve(options.config, options.role, options.supervisor)
    return 0


def _status(options: argparse.Namespace) -> int:
    for line in status_lines(read_settings(options.config)):
        print(line)
    return 0


def _demo(options: argparse.Namespace) -> int:
    if options.seed < 0:
        raise UsageError("--seed must be 0 or more.")
    return demo(options.out, options.seed)
