"""`strokebox audit verify`: is the audit as it was written?"""

from __future__ import annotations

import argparse
from pathlib import Path

from appliance.audit import NAME, Verdict, verify
from appliance.settings import read_settings
from runtime.count import counted
from runtime.errors import ConfigurationError


def add_audit_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `audit` and what comes after it."""
    audit = commands.add_parser("audit", help="the record of all that became of studies and engines")
    actions = audit.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser("verify", help="look whether it is as it was written; name the first line that isn't")
    check.add_argument("--config", type=Path, required=True, metavar="FILE", help="the settings, TOML")
    check.set_defaults(run=_verify)


def _verify(options: argparse.Namespace) -> int:
    settings = read_settings(options.config)
    for what, folder in (("studies", settings.folders.state), ("engines", settings.engines.folder)):
        verdict = _whole(folder / NAME)
        torn = f", and {counted(verdict.torn, 'piece')} that power cuts left" if verdict.torn else ""
        print(f"{what}  {counted(verdict.lines, 'line')}, whole{torn}\nlast     {verdict.last}")
    return 0


def _whole(path: Path) -> Verdict:
    """What was found; ConfigurationError where it isn't as it was written."""
    try:
        verdict = verify(path)
    except OSError as error:
        raise ConfigurationError(f"The audit {path} can't be read: {error.strerror}.") from error
    if verdict.broken:
        first, showing = verdict.broken
        raise ConfigurationError(
            f"The audit {path} is not as it was written: line {first} was changed, or lines beside it were put in or "
            f"taken out; line {showing} shows it."
        )
    return verdict
