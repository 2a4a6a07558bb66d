"""What heads something was made with or measured on, as it may be told outside: how many, and of what.

Seeds of phantoms are told, so that they can be made again. Of patients nothing is but their number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.heads import LabelledHead


@dataclass(frozen=True, slots=True)
class Material:
    """Heads for one purpose. ValueError where there is none, or phantoms without seeds.

    synthetic: how many phantoms; None where a record only tells their seeds
    seeds: the lowest and the highest of the phantoms; None without any
    patients: how many, each once, however many heads are theirs
    """

    synthetic: int | None
    seeds: tuple[int, int] | None
    patients: int

    def __post_init__(self) -> None:
        if (self.synthetic == 0) != (self.seeds is None) or self.patients < 0:
            raise ValueError("phantoms have seeds, and only phantoms")
        if not self.seeds and not self.patients:
            raise ValueError("there is no head")

    @classmethod
    def of(cls, heads: Sequence[LabelledHead]) -> Material:
        """What these heads are."""
        seeds = {head.seed for head in heads if head.seed is not None}
        patients = {head.patient for head in heads if head.patient is not None}
        return cls(len(seeds), (min(seeds), max(seeds)) if seeds else None, len(patients))

    @classmethod
    def of_calibration(cls, calibration: Mapping[str, Any]) -> Material:
        """What the heads of a calibration's document are; those without a seed are patients."""
        every = [head["seed"] for head in calibration["heads"]]
        seeds = [seed for seed in every if seed is not None]
        return cls(len(seeds), (min(seeds), max(seeds)) if seeds else None, len(every) - len(seeds))

    @classmethod
    def from_json(cls, document: Any) -> Material:
        """From a manifest; also from one of 0.2.0 or before, a list of the lowest and the highest seed.

        KeyError, TypeError and ValueError where it is none.
        """
        if isinstance(document, list):
            low, high = document
            return cls(None, (low, high), 0)
        seeds = document["seeds"]
        return cls(document["synthetic"], (seeds[0], seeds[1]) if seeds else None, document["patients"])

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        seeds = list(self.seeds) if self.seeds else None
        return {"synthetic": self.synthetic, "seeds": seeds, "patients": self.patients}

    def __str__(self) -> str:
        parts = []
        if self.seeds:
            count = "" if self.synthetic is None else f"{self.synthetic} "
            parts.append(f"{count}synthetic heads, seeds {self.seeds[0]} to {self.seeds[1]}")
        if self.patients:
            parts.append(f"heads of {self.patients} patient{'s' if self.patients > 1 else ''}")
        return ", and ".join(parts)
