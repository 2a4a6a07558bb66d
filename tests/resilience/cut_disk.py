"""A disk whose power can be cut: ext4 in a file, mounted through a loop device. Needs root.

The cut is ext4's shutdown without flushing its log (EXT4_IOC_SHUTDOWN, fs/ext4/ext4.h): what was not made durable is
gone with the memory that held it, as after a power cut; what was is there when it is mounted again.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SHUTDOWN = 0x8004587D
_WITHOUT_LOG = (2).to_bytes(4, "little")
_OPTIONS = "loop,commit=300"
"""Nothing becomes durable by itself within a test."""
_PATIENCE_SECONDS = 10.0


class CutDisk:
    """Mounted at `place` while the block of `cut_disk` lasts."""

    def __init__(self, image: Path, place: Path) -> None:
        self._image, self.place = image, place

    def cut(self) -> None:
        """From now on everything on it fails, until `restart`."""
        descriptor = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, _WITHOUT_LOG)
        finally:
            os.close(descriptor)

    def restart(self) -> None:
        """Mount it again, with what is left on it. Nobody may have a file of it open."""
        self.unmount()
        self.mount()

    def mount(self) -> None:
        subprocess.run(["mount", "-t", "ext4", "-o", _OPTIONS, self._image, self.place], check=True)

    def unmount(self) -> None:
        """Also while the kernel still closes what a killed process had open."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (done := subprocess.run(["umount", self.place], capture_output=True)).returncode:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{done.stderr!r}; open: {_users(self.place)}")
            time.sleep(0.01)


def _users(place: Path) -> list[str]:
    """Processes that have something below open."""
    found = []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            target = str(link.readlink())
        except OSError:
            continue
        if target.startswith(str(place)):
            found.append(f"{link.parts[2]}: {target}")
    return found


@contextmanager
def cut_disk(folder: Path, megabytes: int = 96) -> Iterator[CutDisk]:
    """A new disk in `folder`, which should be in memory."""
    image, place = folder / "disk.img", folder / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    disk = CutDisk(image, place)
    disk.mount()
    try:
        yield disk
    finally:
        disk.unmount()
