"""Which engines are active, which were before, and which are on trial: one small document, and all its transitions.

    staged -> trial -> committed, or refused; committed <-> rolled back

Pure; appliance/slots.py keeps it on disk.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from typing import Any

from runtime.errors import BundleError

SHIPPED = "shipped"
"""In a slot's place: the engines that came with the software."""
MOST_TRIES = 2
"""A trial that was cut off may have met a power cut; one that was cut off twice is not begun again by itself."""
_KEPT_REFUSALS = 5
_SLOT = re.compile(r"(\d{1,18})-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Engines that were verified and copied and are not active yet. tries: how many trials were begun; 0: staged."""

    slot: str
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Engines whose trial failed, and why."""

    slot: str
    reason: str


@dataclass(frozen=True, slots=True)
class SlotState:
    """See the module. ValueError where a name is none of a slot."""

    active: str = SHIPPED
    retained: str | None = None
    candidate: Candidate | None = None
    refused: tuple[Refusal, ...] = ()

    def __post_init__(self) -> None:
        candidates = [self.candidate.slot] if self.candidate else []
        for name in [self.active, *([self.retained] if self.retained else []), *candidates]:
            if name != SHIPPED:
                serial_of(name)
        if self.candidate and self.candidate.tries < 0:
            raise ValueError("tries can't be below 0")

    @property
    def slots(self) -> frozenset[str]:
        """Those that are needed."""
        return frozenset({self.active, self.retained, self.candidate and self.candidate.slot} - {None, SHIPPED})  # type: ignore[arg-type]

    def newest_serial(self, shipped: int) -> int:
        """Of what is or was active: anything to be installed must be newer. `shipped`: the serial of those."""
        names = [self.active, *([self.retained] if self.retained else [])]
        return max(shipped if name == SHIPPED else serial_of(name) for name in names)

    def staged(self, slot: str) -> SlotState:
        """Tries of the same engines that were cut off still count: a trial that ends the machine must have an end."""
        tries = self.candidate.tries if self.candidate and self.candidate.slot == slot else 0
        return replace(
            self, candidate=Candidate(slot, tries), refused=tuple(one for one in self.refused if one.slot != slot)
        )

    def tried(self) -> SlotState:
        """A trial begins. BundleError where there is nothing to try."""
        candidate = self._candidate()
        return replace(self, candidate=replace(candidate, tries=candidate.tries + 1))

    def committed(self) -> SlotState:
        return replace(self, active=self._candidate().slot, retained=self.active, candidate=None)

    def refusing(self, reason: str) -> SlotState:
        refusal = Refusal(self._candidate().slot, reason)
        return replace(self, candidate=None, refused=(*self.refused, refusal)[-_KEPT_REFUSALS:])

    def rolled_back(self) -> SlotState:
        """The retained engines are active, and the others retained. BundleError where there are none."""
        if self.retained is None:
            raise BundleError("There is nothing to go back to: no engines were active before these.")
        return replace(self, active=self.retained, retained=self.active)

    def _candidate(self) -> Candidate:
        if self.candidate is None:
            raise BundleError("No engines are waiting for their trial: install a bundle first.")
        return self.candidate

    def encoded(self) -> bytes:
        return json.dumps({"format": 1, **asdict(self)}, indent=1).encode() + b"\n"

    @classmethod
    def decoded(cls, content: bytes) -> SlotState:
        """The inverse. ValueError where it is of another form."""
        document: Any = json.loads(content)
        try:
            if document["format"] != 1:
                raise ValueError("it is of a newer format")
            candidate = document["candidate"]
            return cls(
                active=str(document["active"]),
                retained=None if document["retained"] is None else str(document["retained"]),
                candidate=None if candidate is None else Candidate(str(candidate["slot"]), int(candidate["tries"])),
                refused=tuple(Refusal(str(one["slot"]), str(one["reason"])) for one in document["refused"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"it is of another form: {error!r}") from error


def serial_of(slot: str) -> int:
    """The serial in a slot's name. ValueError where it is none."""
    if not (match := _SLOT.fullmatch(slot)):
        raise ValueError(f"{slot!r} is no name of a slot")
    return int(match[1])
