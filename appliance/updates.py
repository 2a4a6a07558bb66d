"""An engine update from the bundle that was brought to the switch, and back: the order of steps, and what is said.

Engines are verified, copied into a slot, tried, and only then active. A trial that fails, or is cut off twice, leaves
everything as it was. Reads and writes through Slots; runs engines only through the trial that it is given.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from appliance.arrival import arrived
from appliance.audit import Audit, Event
from appliance.logs import about
from appliance.slot_state import MOST_TRIES, SHIPPED, SlotState, serial_of
from appliance.slots import Slots
from appliance.trial import Measured
from appliance.trust import Trust, open_signed
from appliance.verification import Signed, drain, signed
from runtime.bundle import Bundle
from runtime.errors import AlreadyActive, BundleError, EngineError

log = logging.getLogger(__name__)


class Trial(Protocol):
    """Tries the engines in a folder. EngineError says why they failed; `check` may raise to end it."""

    def __call__(self, bundle: Path, check: Callable[[], None]) -> Measured: ...


@dataclass(frozen=True, slots=True)
class Updates:
    """What a box does with engines; each switch is in the audit before it is made.

    shipped_serial: of the engines that came with the software
    """

    slots: Slots
    trust: Trust
    trial: Trial
    audit: Audit
    shipped_serial: int

    def verify(self, path: Path) -> str:
        """Check a bundle whole and change nothing. Returns a sentence; BundleError."""
        with arrived(path) as arrival:
            found = signed(arrival, self.trust)
            found.contents(drain)
        return f"{found.title} is whole and signed by {found.signer}."

    def install(self, path: Path, check: Callable[[], None]) -> str:
        """Verify, stage and try a bundle; it is active afterwards. Under `slots.updating`.

        Returns a sentence. BundleError: refused; EngineError: its trial failed. Nothing has changed then.
        """
        if said := self._mended(path):
            return said
        self.stage(path)
        return self.activate(check)

    def stage(self, path: Path) -> str:
        """Verify a bundle and copy it into a slot, to be tried. Returns a sentence; BundleError."""
        state = self.slots.state()
        with arrived(path) as arrival:
            found = signed(arrival, self.trust)
            self._check_age(found, state)
            self.slots.add(found)
        self.slots.save(state := state.staged(found.slot))
        self.slots.sweep(state)
        log.info("engines %s are staged, signed by %s", found.slot, found.signer, extra=about("engines staged"))
        return f"{found.title} is verified and waits for its trial: strokebox engines activate."

    def activate(self, check: Callable[[], None]) -> str:
        """Try the engines that are staged, and switch to them. Returns a sentence; BundleError, EngineError."""
        state = self.slots.state().tried()
        assert state.candidate is not None  # noqa: S101  # or `tried` has raised
        slot = state.candidate.slot
        if state.candidate.tries > MOST_TRIES:
            reason = f"The trial was cut off {MOST_TRIES} times."
            self._refuse(state, reason)
            raise EngineError(f"{_failed(slot)} {reason} {_AFTER_FAILURE}")
        self.slots.save(state)
        try:
            bundle = open_signed(self.slots.path(slot), self.trust)
            measured = self.trial(bundle.folder, check)
        except (BundleError, EngineError) as error:
            self._refuse(state, str(error))
            raise EngineError(f"{_failed(slot)} {error} {_AFTER_FAILURE}") from error
        state = state.committed()
        self.audit.write(Event.UPDATED, engines=slot, instead=state.retained)
        self.slots.save(state)
        self.slots.sweep(state)
        log.info("engines %s are active, after %s", slot, state.retained, extra=about("engines active"))
        manifest = bundle.manifest
        return (
            f"{manifest.name} {manifest.version} (serial {manifest.serial}) is active: {measured.cases} golden cases "
            f"agree on {measured.backend}; loaded in {measured.load_seconds:.0f} s, a study takes about "
            f"{measured.study_seconds:.0f} s, {measured.peak_mib:.0f} MiB of memory."
        )

    def rollback(self, shipped: Bundle) -> str:
        """Back to the engines that were active before. Returns a sentence; BundleError where there are none."""
        state = self.slots.state().rolled_back()
        bundle = shipped if state.active == SHIPPED else open_signed(self.slots.path(state.active), self.trust)
        self.audit.write(Event.ROLLED_BACK, engines=state.active, instead=state.retained)
        self.slots.save(state)
        back = about("engines rolled back")
        log.info("engines %s are active again, instead of %s", state.active, state.retained, extra=back)
        return f"{bundle.manifest.name} {bundle.manifest.version} (serial {bundle.manifest.serial}) is active again."

    def listing(self, shipped: Bundle) -> Iterator[str]:
        """A line for each of the engines here, the active ones first."""
        state = self.slots.state()
        yield f"active    {self._about(state.active, shipped)}"
        if state.retained:
            yield f"retained  {self._about(state.retained, shipped)}"
        if state.candidate:
            tries = f", trial cut off {state.candidate.tries} times" if state.candidate.tries else ""
            yield f"staged    {self._about(state.candidate.slot, shipped)}{tries}"
        for refusal in state.refused:
            yield f"refused   {refusal.slot}: {refusal.reason}"
        if SHIPPED not in (state.active, state.retained):
            yield f"shipped   {self._about(SHIPPED, shipped)}"
        yield f"keys      {', '.join(sorted(self.trust.keys)) or 'none'}"
        yield from self.complaints()

    def complaints(self) -> Iterator[str]:
        """A line for each trusted key that can't be used."""
        yield from (f"ignored   {sentence}" for sentence in self.trust.ignored.values())

    def _about(self, slot: str, shipped: Bundle) -> str:
        try:
            bundle = shipped if slot == SHIPPED else open_signed(self.slots.path(slot), self.trust)
        except BundleError as error:
            return f"{slot}  can't be used: {error}"
        return f"{slot}  {bundle.manifest.name} {bundle.manifest.version}, {len(bundle.manifest.models)} models"

    def _mended(self, path: Path) -> str:
        """Where the bundle's own slot is in use and damaged, put it there again; a sentence, else ''. BundleError."""
        state = self.slots.state()
        with arrived(path) as arrival:
            found = signed(arrival, self.trust)
            if found.slot not in (state.active, state.retained) or self._is_whole(found.slot):
                return ""
            self.slots.add(found)  # the same bytes, which were tried before
        log.warning("engines %s are whole again", found.slot, extra=about("engines mended"))
        return f"{found.title} was damaged on this box and is whole again: restart the worker."

    def _is_whole(self, slot: str) -> bool:
        try:
            open_signed(self.slots.path(slot), self.trust)
        except BundleError:
            return False
        return True

    def _check_age(self, found: Signed, state: SlotState) -> None:
        if found.slot == state.active:
            raise AlreadyActive(f"{found.title} is active already.")
        if found.slot == state.retained:
            raise BundleError(f"{found.title} was active before: strokebox engines rollback goes back to it.")
        newest = state.newest_serial(self.shipped_serial)
        if found.manifest.serial <= newest:
            raise BundleError(
                f"{found.title} is not newer than serial {newest}, which is or was active here: ask for a newer one."
            )

    def _refuse(self, state: SlotState, reason: str) -> None:
        state = state.refusing(reason)
        refused = state.refused[-1].slot
        self.audit.write(Event.REFUSED, engines=refused, instead=state.active)
        self.slots.save(state)
        self.slots.sweep(state)
        log.warning("engines %s were refused, others stay active: %s", refused, reason, extra=about("engines refused"))


_AFTER_FAILURE = "The engines that were active stay so; ask the publisher for others."


def _failed(slot: str) -> str:
    return f"The engines with serial {serial_of(slot)} failed their trial."
