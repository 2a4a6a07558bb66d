"""What heads something was made with or measured on, as it may be told outside: how many, and of what.

Seeds of phantoms are told, so that they can be made again. Of patients nothing is but their number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from runtime.count import counted
from training.generators import Generator
from training.heads import LabelledHead


@dataclass(frozen=True, slots=True)
class Material:
    """Heads for one purpose. ValueError where there is none, or phantoms without seeds.

    synthetic: how many phantoms; None where a record only tells their seeds
    seeds: the lowest and the highest of the phantoms; None without any
    patients: how many, each once, however many heads are theirs
    pixel_mm: the smallest and the largest pixel in plane; None where a record doesn't tell
    generators: what made the phantoms, where their folders tell
    """

    synthetic: int | None
    seeds: tuple[int, int] | None
    patients: int
    pixel_mm: tuple[float, float] | None = None
    generators: tuple[Generator, ...] = ()

    def __post_init__(self) -> None:
        if (self.synthetic == 0) != (self.seeds is None) or self.patients < 0:
            raise ValueError("phantoms have seeds, and only phantoms")
        if not self.seeds and not self.patients:
            raise ValueError("there is no head")

    @classmethod
    def of(cls, heads: Sequence[LabelledHead], generators: Sequence[Generator] = ()) -> Material:
        """What these heads are, made by these."""
        seeds = {head.seed for head in heads if head.seed is not None}
        patients = {head.patient for head in heads if head.patient is not None}
        pixels = [side for head in heads for side in head.spacing_mm[1:]]
        return cls(
            len(seeds),
            (min(seeds), max(seeds)) if seeds else None,
            len(patients),
            (round(min(pixels), 2), round(max(pixels), 2)) if pixels else None,
            tuple(generators),
        )

    @classmethod
    def of_calibration(cls, calibration: Mapping[str, Any]) -> Material:
        """What the heads of a calibration's document are; in older ones, those without a seed are patients."""
        if "material" in calibration:
            return cls.from_json(calibration["material"])
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
        seeds, pixel_mm = document["seeds"], document.get("pixel_mm")
        return cls(
            document["synthetic"],
            (seeds[0], seeds[1]) if seeds else None,
            document["patients"],
            (pixel_mm[0], pixel_mm[1]) if pixel_mm else None,
            tuple(Generator(**one) for one in document.get("generators", ())),
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        document = asdict(self)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in document.items()}

    def __str__(self) -> str:
        parts = []
        if self.seeds:
            heads = "synthetic heads" if self.synthetic is None else counted(self.synthetic, "synthetic head")
            low, high = self.seeds
            parts.append(f"{heads}, " + (f"seed {low}" if low == high else f"seeds {low} to {high}"))
        if self.patients:
            parts.append(f"heads of {counted(self.patients, 'patient')}")
        about = [*([f"pixels of {self.pixel_mm[0]:.2f} to {self.pixel_mm[1]:.2f} mm"] if self.pixel_mm else [])]
        return ", and ".join(parts) + "".join(f"; {one}" for one in (*about, *self.generators))
