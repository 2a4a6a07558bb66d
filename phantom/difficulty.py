"""How hard a head is made: the ranges that its lesions, its scanner and its hard negatives are drawn from.

STANDARD is what demonstrations, tests and the first engines were made of, and stays as it is to the bit. COHORT is
what docs/cohort.md defines, written before anything was trained on it. Draws nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from runtime.classification import StrokeClass

Range: TypeAlias = tuple[float, float]
"""From and to, both included."""


@dataclass(frozen=True, slots=True)
class Difficulty:
    """One difficulty; what is a Range is drawn uniformly unless it says otherwise.

    volume_ml: of a lesion, log-uniform
    smallest_ml, largest_ml, shares: by kind of lesion, where they are not those of phantom/plans.py
    infarct_hu: fall of an infarct's mean below its own tissue; None for the first one's rule, 6 to 13 HU below a mean
    mixed_blood: whether clots reach down to 40 HU and hold unclotted blood, patches and levels
    noise_hu, blur_mm, profile_mm, hardening: see phantom/scanner.py
    halo_hu: how much brighter bone makes what touches it
    rough_mm: height of the ridges on the skull's base
    ValueError where a range runs backwards or below 0.
    """

    name: str
    volume_ml: Mapping[StrokeClass, Range]
    noise_hu: Range = (3.0, 6.0)
    blur_mm: Range = (0.40, 0.70)
    profile_mm: Range = (0.30, 0.55)
    hardening: Range = (0.3, 1.2)
    infarct_hu: Range | None = None
    mixed_blood: bool = False
    halo_hu: Range = (0.0, 0.0)
    rough_mm: Range = (0.0, 0.0)
    smallest_ml: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    largest_ml: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    shares: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        ranges = [self.noise_hu, self.blur_mm, self.profile_mm, self.hardening, self.halo_hu, self.rough_mm]
        ranges += [*self.volume_ml.values(), *([self.infarct_hu] if self.infarct_hu else [])]
        if any(not 0 <= low <= high for low, high in ranges):
            raise ValueError(f"a range of {self.name} runs backwards or below 0")
        if set(self.volume_ml) != set(StrokeClass) or any(low <= 0 for low, _ in self.volume_ml.values()):
            raise ValueError(f"{self.name} needs lesion volumes above 0 ml for both classes")


STANDARD = Difficulty("standard", MappingProxyType({StrokeClass.IS: (3.0, 120.0), StrokeClass.IH: (2.0, 80.0)}))

COHORT = Difficulty(
    "cohort",
    MappingProxyType({StrokeClass.IS: (1.0, 150.0), StrokeClass.IH: (1.0, 150.0)}),
    blur_mm=(0.35, 1.0),
    profile_mm=(0.30, 0.70),
    hardening=(0.3, 2.2),
    infarct_hu=(2.0, 10.0),
    mixed_blood=True,
    halo_hu=(0.0, 24.0),
    rough_mm=(0.3, 1.6),
    # Thinner than this, blood along the bone or in sulci vanishes in a thick slice.
    smallest_ml=MappingProxyType({"subdural": 2.0, "epidural": 2.0, "subarachnoid": 3.0}),
    largest_ml=MappingProxyType({"deep": 110.0, "lobar": 150.0, "subdural": 150.0, "epidural": 120.0}),
    shares=MappingProxyType({"subdural": 0.2, "subarachnoid": 0.22, "intraventricular": 0.08}),
)

DIFFICULTIES = MappingProxyType({one.name: one for one in (STANDARD, COHORT)})
