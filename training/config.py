"""Recipe: every number that a training run depends on, beside the paper's value as its default.

Owns the settings and their checks; nothing here trains. A run writes its recipe next to its weights, and the bundle's
manifest repeats it, so that a model can always say how it was made.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Any

from runtime.planes import Plane
from runtime.windows import Windows
from training.model import INPUT_CHANNELS, STRIDE, Width


class Optimiser(str, Enum):
    """How weights move, with the schedule that belongs to it."""

    RMSPROP = "rmsprop"
    """The paper's: the learning rate is multiplied by `decay` at each step."""
    ADAMW_ONE_CYCLE = "adamw-one-cycle"
    """The learning rate rises to `learning_rate` in the first tenth of the steps and falls to nothing (cosine)."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One training run of one plane. ValueError where a number can't be right.

    windows: HU, one to three, one input channel each
    crop: (H, W) of the training crops in pixels, multiples of 32; None for the plane's own default
    stroke_share: the probability that a slice is drawn from the slices with stroke, rather than from all
    dice_weight: the weight of the soft Dice loss beside the focal loss; 0 is the paper
    dice_smoothing: pixels added on both sides of Dice: what is marked in an empty crop costs most around so many
    rotation_degrees, scale: the largest random rotation, and the range of the random zoom
    hu_shift: the largest random offset of a whole crop, HU, as scanners differ; 0 is the paper
    validation_stride: every n-th slice of a validation head is looked at
    continues: the exported network whose weights training starts from, by bundle, version and file; None for chance
    """

    plane: Plane
    seed: int
    width: Width = Width.DPN92
    windows: Windows = ((0.0, 80.0),)
    steps: int = 20_000
    batch: int = 12
    crop: tuple[int, int] | None = None
    stroke_share: float = 0.5
    focal_gamma: float = 2.0
    dice_weight: float = 0.0
    dice_smoothing: float = 10.0
    optimiser: Optimiser = Optimiser.RMSPROP
    learning_rate: float = 1e-4
    decay: float = 0.99977
    rotation_degrees: float = 45.0
    scale: tuple[float, float] = (0.9, 1.1)
    hu_shift: float = 0.0
    validate_every: int = 500
    validation_stride: int = 1
    continues: str | None = None

    def __post_init__(self) -> None:
        if len(self.windows) not in INPUT_CHANNELS or any(not low < high for low, high in self.windows):
            raise ValueError("windows must be one to three pairs of HU, each the lower first")
        if min(self.steps, self.batch, self.validate_every, self.validation_stride) < 1 or self.seed < 0:
            raise ValueError("steps, batch, validate_every and validation_stride start at 1, seeds at 0")
        if any(side < STRIDE or side % STRIDE for side in self.crop_size):
            raise ValueError(f"crop must be multiples of {STRIDE}")
        if not 0 <= self.stroke_share <= 1:
            raise ValueError("stroke_share is a probability")
        if not (self.learning_rate > 0 and 0 < self.decay <= 1 and self.focal_gamma >= 0 and self.dice_weight >= 0):
            raise ValueError("learning_rate and decay must be above 0, focal_gamma and dice_weight not below it")
        if not self.dice_smoothing > 0:
            raise ValueError("dice_smoothing must be above 0")
        if not (0 <= self.rotation_degrees <= 180 and 0 < self.scale[0] <= self.scale[1]):
            raise ValueError("rotation_degrees must be 0 to 180, and scale two factors, the smaller first")
        if not self.hu_shift >= 0:
            raise ValueError("hu_shift must not be below 0")

    @property
    def crop_size(self) -> tuple[int, int]:
        """(H, W): the recipe's crop, or 256x256 for axial slices and 160x256 for the others, which are wide."""
        return self.crop or ((256, 256) if self.plane is Plane.AXIAL else (160, 256))

    def as_json(self) -> dict[str, Any]:
        """Plain values for a record of the run."""
        names = {"plane": self.plane.value, "width": self.width.value, "optimiser": self.optimiser.value}
        return {**asdict(self), **names, "crop": self.crop_size}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Recipe:
        """The inverse of `as_json`. TypeError for unknown or missing keys, ValueError for wrong numbers."""
        pairs = {key: tuple(document[key]) for key in ("crop", "scale")}
        return cls(
            **{
                **document,
                **pairs,
                "plane": Plane(document["plane"]),
                "width": Width(document["width"]),
                "optimiser": Optimiser(document["optimiser"]),
                "windows": tuple((low, high) for low, high in document["windows"]),
            }
        )


def first_bundle(plane: Plane, seed: int, steps: int = 4_500) -> Recipe:
    """The recipe of the first small engines: about an hour and a half on a processor instead of a day on a GPU."""
    return Recipe(
        plane=plane,
        seed=seed,
        width=Width.SMALL,
        windows=((0.0, 80.0), (0.0, 200.0)),
        steps=steps,
        batch=8,
        stroke_share=0.35,
        dice_weight=0.5,
        optimiser=Optimiser.ADAMW_ONE_CYCLE,
        learning_rate=3e-3,
        rotation_degrees=20.0,
        validate_every=750,
        validation_stride=8,
    )


def continued(plane: Plane, seed: int, continues: str, steps: int = 3_500) -> Recipe:
    """The recipe that goes on from a small engine: lower learning rate, fewer steps, smaller crops."""
    crop = (192, 192) if plane is Plane.AXIAL else (128, 224)
    return replace(first_bundle(plane, seed, steps), continues=continues, learning_rate=2e-3, crop=crop)


def refined(plane: Plane, seed: int, continues: str, steps: int = 4_000) -> Recipe:
    """The recipe that goes on from a run: whole-width crops again, large alarms in empty crops cost more, and no HU is
    quite what it was."""
    return replace(
        first_bundle(plane, seed, steps),
        continues=continues,
        learning_rate=1e-3,
        stroke_share=0.5,
        dice_smoothing=100.0,
        hu_shift=3.0,
        validate_every=800,
    )
