"""Which file system a folder lies on, from /proc/self/mountinfo (proc(5)): shares send no events."""

from __future__ import annotations

import re
from pathlib import Path

MOUNTINFO = Path("/proc/self/mountinfo")
NETWORK = frozenset(
    {"9p", "afs", "ceph", "cifs", "davfs", "fuse.davfs2", "fuse.glusterfs", "fuse.sshfs", "glusterfs", "lustre"}
    | {"ncpfs", "nfs", "nfs4", "smb3", "smbfs", "virtiofs"}
)
_OCTAL = re.compile(r"\\([0-7]{3})")


def file_system(folder: Path, mountinfo: str) -> str:
    """The type of the innermost mount that `folder`, absolute and without links, lies on; '' where none does."""
    best, kind = -1, ""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        point = Path(_OCTAL.sub(lambda digits: chr(int(digits[1], 8)), before.split()[4]))
        # The last line wins among equals: a mount hides the one below it.
        if folder.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), after.split()[0]
    return kind


def is_network(folder: Path) -> bool:
    """Whether it, or what it links to, lies on a share. Links are looked up last: a share that hangs holds that up."""
    mountinfo = MOUNTINFO.read_text()
    return file_system(folder.absolute(), mountinfo) in NETWORK or file_system(folder.resolve(), mountinfo) in NETWORK
