"""Recipe: every number that a training run depends on, beside the paper's value as its default.

Owns the settings and their checks; nothing here trains, and files of settings are training/configuration.py's. A run
writes its recipe next to its weights, and the bundle's manifest repeats it, so that a model can always say how it was
made.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar

from pydantic import ConfigDict, TypeAdapter

from runtime.planes import Plane
from runtime.windows import Windows
from training.model import INPUT_CHANNELS, STRIDE, Width
from training.precision import Precision


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
    scse: squeeze and excitation after each encoder stage
    crop: (H, W) of the training crops in pixels, multiples of 32; None for the plane's own default
    stroke_share: the probability that a slice is drawn from the slices with stroke, rather than from all
    dice_weight: the weight of the soft Dice loss beside the focal loss; 0 is the paper
    dice_smoothing: pixels added on both sides of Dice: what is marked in an empty crop costs most around so many
    quarter_turns: whether axial crops are also turned by quarters and flipped along H; no head is served so
    rotation_degrees, scale: the largest random rotation, and the range of the random zoom
    hu_shift: the largest random offset of a whole crop, HU, as scanners differ; 0 is the paper
    thick_mm: axial crops are the mean of so many mm of slices at most, as thick slices are; 0 is the paper
    blur_pixels: the largest SD of a Gaussian over half of the crops, as kernels differ; 0 is the paper
    validation_stride: every n-th slice of a validation head is looked at
    continues: the exported network whose weights training starts from, by bundle, version and file; None for chance
    pretrained: the file that the encoder's weights start from, by name and SHA-256; None for chance
    frozen_steps: for so many steps at first the encoder stays as it came, its batch norms too (the paper's warm-up)
    precision: what the network computes in; weights and loss are float32
    folds, fold: out of fold: all heads but those of fold 1, 2, ... `folds`, which validate; None for heads apart
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    plane: Plane
    seed: int
    width: Width = Width.DPN92
    scse: bool = False
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
    quarter_turns: bool = True
    rotation_degrees: float = 45.0
    scale: tuple[float, float] = (0.9, 1.1)
    hu_shift: float = 0.0
    thick_mm: float = 0.0
    blur_pixels: float = 0.0
    validate_every: int = 500
    validation_stride: int = 1
    continues: str | None = None
    pretrained: str | None = None
    frozen_steps: int = 0
    precision: Precision = Precision.BF16
    folds: int | None = None
    fold: int | None = None

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
        if not min(self.hu_shift, self.thick_mm, self.blur_pixels) >= 0:
            raise ValueError("hu_shift, thick_mm and blur_pixels must not be below 0")
        if self.thick_mm and self.plane is not Plane.AXIAL:
            raise ValueError("thick_mm is for axial slices: the others show thick slices as they were resampled")
        if self.continues and self.pretrained:
            raise ValueError("weights must start from a network or from a pretrained encoder, not from both")
        if self.frozen_steps < 0 or (self.frozen_steps and not (self.continues or self.pretrained)):
            raise ValueError("frozen_steps must be 0 where the encoder starts from chance")
        if (self.folds is None) != (self.fold is None):
            raise ValueError("folds and fold must be given together: how many there are, and which is left out")
        if self.folds is not None and self.fold is not None and not 1 <= self.fold <= self.folds >= 2:
            raise ValueError("folds must be 2 or more, and fold one of 1 to folds")

    @property
    def crop_size(self) -> tuple[int, int]:
        """(H, W): the recipe's crop, or 256x256 for axial slices and 160x256 for the others, which are wide."""
        return self.crop or ((256, 256) if self.plane is Plane.AXIAL else (160, 256))

    def as_json(self) -> dict[str, Any]:
        """Plain values for a record of the run."""
        document: dict[str, Any] = _RECIPE.dump_python(self, mode="json")
        return {**document, "crop": list(self.crop_size)}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Recipe:
        """The inverse of `as_json`; keys that came later than the record have their defaults.

        pydantic.ValidationError, a ValueError, with every unknown or missing key and wrong value.
        """
        return _RECIPE.validate_python(document)


_RECIPE = TypeAdapter(Recipe)
