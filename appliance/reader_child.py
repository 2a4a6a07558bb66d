"""`python -m appliance.reader_child FOLDER SECONDS`: read one drop of the spool, in a process that may be killed.

Files that nobody trusts are parsed here and nowhere else, under limits that the process sets itself before it opens
one. What was found is left in `FOLDER/prepared`.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from dataclasses import replace
from pathlib import Path

from appliance.acceptance import FILES, flush_folder, load_taken
from appliance.analyse import reader
from appliance.drop import clean_name
from appliance.prepared import Reader, prepare
from appliance.prepared_files import save_prepared
from runtime.codes import Code, Flag

PREPARED = "prepared"
_OWN_BYTES = 2 << 30
"""Of address space, for the interpreter and its libraries."""
_OPEN_FILES = 256


def main(folder: Path, seconds: int) -> None:
    """Take the limits on, then read. After `seconds` the process ends even where nobody watches it any more."""
    signal.alarm(seconds)
    _limit(resource.RLIMIT_CPU, seconds)
    within = reader()
    _limit(resource.RLIMIT_AS, 3 * within.budget.decoded_bytes + _OWN_BYTES)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _limit(resource.RLIMIT_CORE, 0)
    read_taken(folder, within)


def read_taken(folder: Path, within: Reader) -> None:
    """Read the drop that was taken over into `folder`; what was found appears there whole or not at all, and once."""
    if (folder / PREPARED).exists():
        return
    taken = load_taken(folder)
    prepared = prepare(folder / FILES, within, digests=taken.digests(folder), scratch=folder)
    flags = prepared.flags + ((Flag(Code.PARTIAL),) if taken.is_partial else ())
    hidden = folder / f"{PREPARED}.{os.getpid()}.part"  # a killed intake's child may still be at it, too
    save_prepared(replace(prepared, drop=clean_name(taken.name), flags=flags), hidden)
    flush_folder(hidden)
    hidden.rename(folder / PREPARED)
    flush_folder(folder)


def _limit(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    os.umask(0o077)
    main(Path(sys.argv[1]), int(sys.argv[2]))
