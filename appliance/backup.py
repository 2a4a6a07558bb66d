"""`strokebox backup` and `strokebox restore`: the job database as one file, and back.

A backup holds names of drops, which can be patients' names: it is made for its owner alone. What is in the spool is not
in it. When an older state is restored, studies that were received since and have no result yet are in the spool still:
they are taken up again.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from appliance.acceptance import flush_folder
from appliance.audit import NAME as AUDIT
from appliance.audit import Audit
from appliance.jobs import Jobs
from appliance.lock import alone, is_held
from appliance.orphans import end_published, take_up
from appliance.owner import require_owner
from appliance.service import DATABASE, RoleName, lock_of
from appliance.settings import read_settings
from appliance.spool import Spool
from appliance.stop import stopping
from runtime.count import counted
from runtime.errors import ConfigurationError, PublishError, UsageError


def add_backup_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `backup` and `restore`."""
    backup = commands.add_parser("backup", help="copy the job database, also while the service runs")
    restore = commands.add_parser(
        "restore", help="put a backup of the job database in its place; stop the service first"
    )
    for command, run in ((backup, _backup), (restore, _restore)):
        command.add_argument("--config", type=Path, required=True, metavar="FILE", help="the settings, TOML")
        command.add_argument("file", type=Path, metavar="BACKUP", help="the backup, one file")
        command.set_defaults(run=run)


def _backup(options: argparse.Namespace) -> int:
    jobs = Jobs.reading(read_settings(options.config).folders.state / DATABASE)
    try:
        jobs.back_up(options.file)
    except (OSError, sqlite3.Error) as error:
        raise PublishError(f"The backup can't be written to {options.file}: {error}.") from error
    finally:
        jobs.close()
    print(f"backup  {options.file}")
    return 0


def _restore(options: argparse.Namespace) -> int:
    state = read_settings(options.config).folders.state
    require_owner(state)
    if not options.file.is_file():
        raise UsageError(f"There is no file {options.file}.")
    for role in (None, *RoleName):
        if is_held(lock_of(role, state)):
            raise ConfigurationError("The service runs: stop it, then restore.")
    with stopping() as stop, alone(lock_of(None, state), stop):
        restore(options.file, state)
        taken_up = _take_up(state)
    print(f"restored {options.file}")
    if taken_up:
        print(f"{counted(taken_up, 'study')} received since the backup will be analysed")
    return 0


def restore(backup: Path, state: Path) -> None:
    """Put it in the database's place, and what was there beside it, whatever state that is in.

    ConfigurationError where it is no whole backup.
    """
    database, part = state / DATABASE, state / f".{DATABASE}.restored"
    try:
        part.unlink(missing_ok=True)
        part.touch(0o600)
        part.write_bytes(backup.read_bytes())
        _check(part, backup)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        _set_aside(database)
        part.replace(database)
        flush_folder(state)
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(f"{backup} can't be restored: {error}.") from error
    finally:
        for ending in ("", "-wal", "-shm"):
            part.with_name(f"{part.name}{ending}").unlink(missing_ok=True)


def _set_aside(database: Path) -> None:
    """Rename it and its parts: it may be damaged, or of a newer version. Made one file again where that can be done."""
    kept = database.with_name(f"{DATABASE}.before-restore")
    for ending in ("-wal", "-shm", ""):
        kept.with_name(f"{kept.name}{ending}").unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            database.with_name(f"{DATABASE}{ending}").rename(kept.with_name(f"{kept.name}{ending}"))
    if kept.exists():
        with suppress(sqlite3.Error), closing(sqlite3.connect(kept)) as before:
            before.execute("PRAGMA journal_mode = DELETE")


def _check(part: Path, backup: Path) -> None:
    """Open it as the service will, which also brings an older one to this version."""
    found = sqlite3.connect(part)
    try:
        answer = found.execute("PRAGMA integrity_check").fetchone()[0]
        version = found.execute("PRAGMA user_version").fetchone()[0]
    finally:
        found.close()
    if answer != "ok" or not version:
        raise ConfigurationError(f"{backup} is not a whole backup of a job database.")
    jobs = Jobs(part)
    jobs.close()


def _take_up(state: Path) -> int:
    jobs = Jobs(state / DATABASE)
    try:
        audit = Audit(state / AUDIT, time.time)
        end_published(jobs, audit)
        return take_up(jobs, Spool(state / "spool"), audit, time.time()).count
    except (OSError, sqlite3.Error) as error:
        raise PublishError(f"What waits in the spool can't be taken up: {error}. The service does it.") from error
    finally:
        jobs.close()
