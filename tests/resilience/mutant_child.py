"""A reading child for one drop after another: what appliance/reader_child.py does for one, without its start each time.

`python -m tests.resilience.mutant_child`: a folder of the spool a line on standard input; a line for each that is read
on standard output, empty, or with the error that would have ended a child of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.logs import told
from appliance.reader_child import limited, read_taken

_CPU_SECONDS = 100_000


def main() -> None:
    """Until standard input ends."""
    within = limited(_CPU_SECONDS)
    for line in sys.stdin:
        try:
            read_taken(Path(line.rstrip("\n")), within)
        except Exception as error:  # noqa: BLE001  # any of them would end a child
            print(told(error), flush=True)
        else:
            print(flush=True)


if __name__ == "__main__":
    main()
