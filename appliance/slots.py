"""The folder of engine slots: verified bundles, each in a read-only folder of its own, and the one document that says
which is active.

Whoever updates engines writes here, under a lock; the service only reads. What is active decides the rename of one
file, so that there is no moment without engines.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.durable_files import DurableFiles
from appliance.lock import alone
from appliance.logs import about
from appliance.owner import require_owner
from appliance.slot_state import SlotState
from appliance.stop import Stop, Stopped, stopping
from appliance.verification import Signed
from runtime.bundle import MANIFEST, SIGNATURE
from runtime.errors import BundleError, ConfigurationError

STATE = "engines.json"
BUILT = "built"
"""Of the update's plans, which the service reads."""
_SLOTS, _LOCK, _PART = "slots", "update.lock", ".part"
SPARE_BYTES = 256 << 20
"""What must stay free beside a bundle."""

log = logging.getLogger(__name__)


class Slots:
    """See the module. `files` is how they are written."""

    def __init__(self, folder: Path, files: DurableFiles | None = None) -> None:
        self.folder = folder
        self._files = files or DurableFiles()

    def path(self, slot: str) -> Path:
        """Where a slot's bundle is."""
        return self.folder / _SLOTS / slot

    def state(self) -> SlotState:
        """As it was saved last; the shipped engines where nothing was. ConfigurationError where it can't be read."""
        path = self.folder / STATE
        try:
            return SlotState.decoded(path.read_bytes())
        except FileNotFoundError:
            return SlotState()
        except OSError as error:
            raise ConfigurationError(f"{path} can't be read: {error.strerror}.") from error
        except ValueError as error:
            raise ConfigurationError(
                f"{path} is damaged ({error}). Remove it: the shipped engines are active then. Install again."
            ) from error

    @contextmanager
    def updating(self) -> Iterator[Stop]:
        """The only update for the block: waits for another one to end. ConfigurationError where nobody may write,
        UsageError where the folder is another user's.

        SIGTERM and Ctrl-C end it at the next safe point, as KeyboardInterrupt.
        """
        require_owner(self.folder)
        try:
            self._files.make_folder(self.folder / _SLOTS)
            with stopping() as stop, alone(self.folder / _LOCK, stop):
                yield stop
        except Stopped as stopped:
            raise KeyboardInterrupt from stopped
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConfigurationError(
                f"Engines can't be updated in {self.folder}: {reason}. Run it as the user that the folder belongs to, "
                "and see that there is room."
            ) from error

    def save(self, state: SlotState) -> None:
        self._files.replace(self.folder / STATE, state.encoded())

    def add(self, signed: Signed) -> Path:
        """Copy a bundle into its slot, hashed on the way. BundleError: altered, or no room. OSError."""
        final = self.path(signed.slot)
        free = shutil.disk_usage(self.folder).free
        if free < signed.size + SPARE_BYTES:
            needed = (signed.size + SPARE_BYTES - free) >> 20
            raise BundleError(f"There is no room for {signed.title}: free {needed + 1} MiB where {self.folder} is.")
        if final.exists():  # was left by an update that was cut off before it said so, or was altered since
            self._files.remove(final)
        part = final.with_name(f"{signed.slot}{_PART}")
        if part.exists():
            self._files.remove(part)
        self._files.make_folder(part)
        try:
            self._files.write_new(part / MANIFEST, [signed.raw])
            self._files.write_new(part / SIGNATURE, [signed.signature])

            def take(name: str, blocks: Iterator[bytes]) -> None:
                self._files.make_folder((part / name).parent)
                self._files.write_new(part / name, blocks)

            signed.contents(take)  # type: ignore[arg-type]  # an iterator is an iterable
            self._files.seal(part)
        except (BundleError, OSError):
            self._files.remove(part)
            raise
        self._files.rename(part, final)
        return final

    def sweep(self, state: SlotState) -> None:
        """Remove what neither the state nor an update in progress needs. Nothing is lost where that fails."""
        for path in (self.folder / _SLOTS).iterdir():
            if path.name not in state.slots:
                try:
                    self._files.remove(path)
                except OSError as error:
                    log.warning("%s can't be removed: %s", path, error.strerror, extra=about("slot not removed"))
