"""`python -m appliance.reader_child FOLDER SECONDS PARENT [DROP]`: read one drop, in a process that may die.

The drop is what was taken over into FOLDER of the spool, or DROP where it lies. Files that nobody trusts are parsed
here and nowhere else, under limits that the process sets itself before it opens one. What was found is left in
`FOLDER/prepared`; how far it has come is told on standard output, a line a step. An error is told in one line without
what it says, which may name a patient; libraries are silenced. Exit code 3 where the box has no room, whatever was
dropped.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import resource
import signal
import sys
from dataclasses import replace
from pathlib import Path

from appliance.acceptance import FILES, flush_folder, load_taken
from appliance.allowance import allow
from appliance.drop import clean_name
from appliance.logs import log_to
from appliance.prepared import Prepared, Reader, prepare, reader
from appliance.prepared_files import save_prepared
from runtime.codes import Code, Flag
from runtime.errors import ConfigurationError
from runtime.progress import Progress

PREPARED = "prepared"
_OWN_BYTES = 2 << 30
"""Of address space, for the interpreter and its libraries."""
_OPEN_FILES = 256
_PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that comes when the parent ends."""


def main(folder: Path, seconds: int, parent: int, drop: Path | None = None) -> None:
    """Take the limits on, then read. The process ends after `seconds`, and with its parent, whoever watches it."""
    _silence()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before that
        sys.exit(1)
    signal.alarm(seconds)
    within = limited(seconds)
    try:
        read_taken(folder, within) if drop is None else read_drop(drop, folder, within, _tell)
    except ConfigurationError:
        sys.exit(ConfigurationError.exit_code)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        sys.exit(ConfigurationError.exit_code)


def limited(cpu_seconds: int) -> Reader:
    """What this process reads drops with, once it has limited itself."""
    within = replace(reader(), allow=allow)
    _limit(resource.RLIMIT_CPU, cpu_seconds)
    _limit(resource.RLIMIT_AS, 3 * within.budget.decoded_bytes + _OWN_BYTES)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _limit(resource.RLIMIT_CORE, 0)
    return within


def _silence() -> None:
    """Nothing is written to standard error from now on but the one line about an error that ends the process."""
    ours = os.fdopen(os.dup(sys.stderr.fileno()), "w")
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), sys.stderr.fileno())
    log_to(ours, "reader")
    logging.disable(logging.ERROR)  # libraries complain of every file; what ends the process is critical


def read_taken(folder: Path, within: Reader) -> None:
    """Read the drop that was taken over into `folder`; what was found appears there whole or not at all, and once.

    ValueError where files of it are missing by now.
    """
    if (folder / PREPARED).exists():
        return
    taken = load_taken(folder)
    if not taken.is_whole(folder):
        raise ValueError("files that were taken over are missing: what is left is not the study")
    prepared = prepare(folder / FILES, within, digests=taken.digests(folder), scratch=folder)
    flags = prepared.flags + ((Flag(Code.PARTIAL),) if taken.is_partial else ())
    _leave(replace(prepared, drop=clean_name(taken.name), flags=flags), folder)


def read_drop(drop: Path, folder: Path, within: Reader, progress: Progress) -> None:
    """Read the drop where it lies; what was found appears in `folder`, whole or not at all."""
    _leave(prepare(drop, within, progress, scratch=folder), folder)


def _tell(what: str, done: int, total: int) -> None:
    print(what, done, total, flush=True)


def _leave(prepared: Prepared, folder: Path) -> None:
    hidden = folder / f"{PREPARED}.{os.getpid()}.part"
    save_prepared(prepared, hidden)
    flush_folder(hidden)
    hidden.rename(folder / PREPARED)
    flush_folder(folder)


def _limit(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    os.umask(0o077)
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *map(Path, sys.argv[4:]))
