"""`strokebox doctor`: prints the checks, and writes the support bundle."""

from __future__ import annotations

import argparse
from pathlib import Path

from appliance.doctor import Machine, checks, is_clock_kept
from appliance.prepared import local_time
from appliance.settings import read_settings
from appliance.support import write_support_bundle
from runtime.errors import ConfigurationError, PublishError


def add_doctor_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `doctor`."""
    doctor = commands.add_parser("doctor", help="is this box set up right? What to do where it isn't")
    doctor.add_argument("--config", type=Path, required=True, metavar="FILE", help="the settings, TOML")
    doctor.add_argument("--bundle", type=Path, metavar="FILE.zip", help="write a support bundle, without patient data")
    doctor.set_defaults(run=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    settings = read_settings(options.config)
    found = []
    for check in checks(settings, Machine(local_time, is_clock_kept, config=options.config.absolute())):
        print(check, flush=True)
        found.append(check)
    if options.bundle:
        try:
            write_support_bundle(options.bundle, settings, [str(check) for check in found])
        except OSError as error:
            raise PublishError(f"The support bundle can't be written to {options.bundle}: {error.strerror}.") from error
        print(f"bundle  {options.bundle}")
    return ConfigurationError.exit_code if any(check.advice for check in found) else 0
