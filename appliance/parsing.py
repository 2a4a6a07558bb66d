"""One reading child at a time: started, watched, ended when it takes too long; whatever happens to it is an answer."""

from __future__ import annotations

import logging
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from appliance.acceptance import DROP, FILES, load_taken
from appliance.drop import clean_name
from appliance.jobkey import job_key
from appliance.logs import about
from appliance.outcome import Reason
from appliance.prepared import Prepared
from appliance.prepared_files import load_prepared
from appliance.reader_child import PREPARED
from runtime.codes import Code
from runtime.errors import ConfigurationError

POLL_SECONDS = 0.05
log = logging.getLogger(__name__)

_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "HOME")
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def read_in_child(
    folder: Path,
    limit_seconds: float,
    check: Callable[[], None],
    program: Sequence[str] = (sys.executable, "-m", "appliance.reader_child"),
) -> Prepared:
    """Read the drop in the spool's `folder`. A child that fails or is too slow makes READER_FAILED.

    `check` is called all the while and may raise: the child is ended then. ConfigurationError where no child can be
    started or has room to work; OSError, ValueError where what was taken over is no longer there as it was.
    """
    if (folder / PREPARED).exists():
        return load_prepared(folder / PREPARED)
    for left in folder.iterdir():  # by a child that was killed; an orphan has ended by itself
        if left.name not in (FILES, DROP):
            shutil.rmtree(left)
    start = time.monotonic()
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ} | _ONE_THREAD
    command = [*program, str(folder), str(math.ceil(limit_seconds)), str(os.getpid())]
    try:
        started = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    except OSError as error:
        raise ConfigurationError(f"The reading process can't be started: {error.strerror}.") from error
    with started as child:
        try:
            while child.poll() is None and time.monotonic() - start < limit_seconds:
                check()
                time.sleep(POLL_SECONDS)
        finally:
            child.kill()
    detail = "It took too long." if time.monotonic() - start >= limit_seconds else "The reading process ended early."
    if (folder / PREPARED).exists():
        return load_prepared(folder / PREPARED)
    check()  # whoever ends the service may end the child at the same time
    log.warning("the reading process ended with %d", child.returncode, extra=about("reader ended", folder.name))
    if child.returncode == ConfigurationError.exit_code:
        raise ConfigurationError("The reading process found no room to work.")
    taken = load_taken(folder)
    digests = taken.digests(folder)
    key = job_key((), digests, digests)
    reason = Reason(Code.READER_FAILED, detail)
    return Prepared.unread(clean_name(taken.name), key, reason, time.monotonic() - start)
