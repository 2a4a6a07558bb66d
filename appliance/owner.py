"""Who may run a command that writes: the owner of the folder that it writes to, and nobody else, root included.

Whatever root made there, the service could not open afterwards.
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from runtime.errors import UsageError


def require_owner(folder: Path) -> None:
    """UsageError where it belongs to another user. One that isn't there belongs to nobody yet."""
    try:
        owner = folder.stat().st_uid
    except OSError:
        return  # whoever writes to it says why that can't be
    if owner != os.geteuid():
        raise UsageError(
            f"{folder} belongs to the user {_name(owner)}, and this command writes to it: run it as that user, with "
            f"sudo -u {_name(owner)}."
        )


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"'#{user}'"  # as sudo takes a number
