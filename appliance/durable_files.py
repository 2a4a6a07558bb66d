"""Writing that a power cut leaves whole: every step flushed before the next one, names after contents.

`step` is told before each one, and may raise: what a power cut at that point would leave is left.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from appliance.acceptance import flush_folder

READ_ONLY_FILE, READ_ONLY_FOLDER = 0o444, 0o555


class DurableFiles:
    """The file system, one flushed step at a time. Everything raises OSError as the system does."""

    def __init__(self, step: Callable[[str], None] = lambda _what: None) -> None:
        self._step = step

    def make_folder(self, folder: Path) -> None:
        """With those above it; others may read it."""
        self._step(f"make {folder.name}")
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)

    def write_new(self, path: Path, blocks: Iterable[bytes]) -> None:
        """A file that is not there yet, flushed, then closed to writers."""
        self._step(f"open {path.name}")
        with path.open("xb") as file:
            for block in blocks:
                self._step(f"write {path.name}")
                file.write(block)
            file.flush()
            self._step(f"flush {path.name}")
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), READ_ONLY_FILE)

    def seal(self, folder: Path) -> None:
        """Close a tree of folders to writers and make the names in them durable, inner before outer."""
        for inner, _, _ in os.walk(folder, topdown=False):
            self._step(f"seal {Path(inner).name}")
            Path(inner).chmod(READ_ONLY_FOLDER)
            flush_folder(Path(inner))

    def rename(self, old: Path, new: Path) -> None:
        """Within one folder, durably."""
        self._step(f"rename {new.name}")
        old.rename(new)
        self._step(f"flush {new.parent.name}")
        flush_folder(new.parent)

    def replace(self, path: Path, content: bytes) -> None:
        """Old content or new, never between."""
        part = path.with_name(f".{path.name}.part")
        self._step(f"open {part.name}")
        with part.open("wb") as file:
            self._step(f"write {part.name}")
            file.write(content)
            file.flush()
            self._step(f"flush {part.name}")
            os.fsync(file.fileno())
        part.chmod(0o644)
        self.rename(part, path)

    def remove(self, folder: Path) -> None:
        """A tree, also one that was sealed."""
        self._step(f"remove {folder.name}")
        for inner, _, _ in os.walk(folder):
            Path(inner).chmod(0o755)
        shutil.rmtree(folder)
