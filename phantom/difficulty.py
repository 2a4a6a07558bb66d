"""How hard a head is made: the ranges that its lesions, its scanner and its hard negatives are drawn from.

STANDARD is what demonstrations, tests and the first engines were made of, and stays as it is to the bit. COHORT is
what docs/cohort.md defines, written before anything was trained on it. Draws nothing itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from runtime.classification import StrokeClass

Range: TypeAlias = tuple[float, float]
"""From and to, both included."""


@dataclass(frozen=True, slots=True)
class Limits:
    """A kind of lesion where a difficulty sees it otherwise than phantom/plans.py; None: as there."""

    kind: str
    smallest_ml: float = 0.0
    largest_ml: float | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Difficulty:
    """One difficulty; what is a Range is drawn uniformly unless it says otherwise.

    infarct_ml, blood_ml: volumes of lesions, log-uniform
    noise_hu, blur_mm, profile_mm, hardening: see phantom/scanner.py
    infarct_hu: fall of an infarct's mean below its own tissue; None for the first one's rule, 6 to 13 HU below a mean
    mixed_blood: whether clots are fainter and hold unclotted blood, patches and levels
    halo_hu: how much brighter bone makes what touches it
    rough_mm: height of the ridges on the skull's base
    limits: of some kinds of lesion
    ValueError where a range runs backwards or below 0.
    """

    name: str
    infarct_ml: Range
    blood_ml: Range
    noise_hu: Range = (3.0, 6.0)
    blur_mm: Range = (0.40, 0.70)
    profile_mm: Range = (0.30, 0.55)
    hardening: Range = (0.3, 1.2)
    infarct_hu: Range | None = None
    mixed_blood: bool = False
    halo_hu: Range = (0.0, 0.0)
    rough_mm: Range = (0.0, 0.0)
    limits: tuple[Limits, ...] = ()

    def __post_init__(self) -> None:
        scanner = (self.noise_hu, self.blur_mm, self.profile_mm, self.hardening)
        others = (self.infarct_hu or (0.0, 0.0), self.halo_hu, self.rough_mm)
        if any(not 0 <= low <= high for low, high in (*scanner, *others, self.infarct_ml, self.blood_ml)):
            raise ValueError(f"a range of {self.name} runs backwards or below 0")
        if min(self.infarct_ml[0], self.blood_ml[0]) <= 0:
            raise ValueError(f"{self.name} needs lesion volumes above 0 ml")

    def volume_ml(self, stroke: StrokeClass) -> Range:
        return self.infarct_ml if stroke is StrokeClass.IS else self.blood_ml

    def limits_of(self, kind: str) -> Limits:
        return next((limits for limits in self.limits if limits.kind == kind), Limits(kind))


STANDARD = Difficulty("standard", infarct_ml=(3.0, 120.0), blood_ml=(2.0, 80.0))

COHORT = Difficulty(
    "cohort",
    infarct_ml=(1.0, 150.0),
    blood_ml=(1.0, 150.0),
    blur_mm=(0.35, 1.0),
    profile_mm=(0.30, 0.70),
    hardening=(0.3, 2.2),
    infarct_hu=(2.0, 10.0),
    mixed_blood=True,
    halo_hu=(0.0, 24.0),
    rough_mm=(0.3, 1.6),
    limits=(
        Limits("deep", largest_ml=110.0),
        Limits("lobar", largest_ml=150.0),
        # Thinner than this, blood along the bone or in sulci vanishes in a thick slice.
        Limits("subdural", smallest_ml=2.0, largest_ml=150.0, share=0.20),
        Limits("epidural", smallest_ml=2.0, largest_ml=120.0),
        Limits("subarachnoid", smallest_ml=3.0, share=0.22),
        Limits("intraventricular", share=0.08),
    ),
)

DIFFICULTIES = {one.name: one for one in (STANDARD, COHORT)}
