"""Names: what the names of segments, ROIs and label values stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runtime.classification import StrokeClass
from training.labels.faults import Fault, LabelsRejected

_OWN: Mapping[str, StrokeClass | None] = {
    **{stroke.value.casefold(): stroke for stroke in StrokeClass},
    **{str(stroke.label): stroke for stroke in StrokeClass},
}


@dataclass(frozen=True, slots=True)
class Names:
    """IS and IH, or 1 and 2, in any case, and what a site calls them; None for what is not to be trained on."""

    others: Mapping[str, StrokeClass | None] = field(default_factory=dict)

    def meaning(self, name: str) -> StrokeClass | None:
        """LabelsRejected: UNKNOWN_NAME."""
        meanings = {**_OWN, **{other.casefold(): stroke for other, stroke in self.others.items()}}
        try:
            return meanings[name.strip().casefold()]
        except KeyError:
            raise LabelsRejected(Fault.UNKNOWN_NAME, f"It is called '{name.strip()}'.") from None
