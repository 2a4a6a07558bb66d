"""What a scanner makes of a head: blur, noise with a kernel's texture, beam hardening. Knows no anatomy."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from phantom.difficulty import STANDARD, Difficulty
from phantom.fields import Field, Point


@dataclass(frozen=True, slots=True)
class Scanner:
    """One scanner and protocol.

    blur_mm: SD of the point spread in the plane
    profile_mm: SD of the slice profile
    noise_hu: SD of the noise in the image
    hardening: HU per squared cm of bone that its correction leaves
    """

    blur_mm: float
    profile_mm: float
    noise_hu: float
    hardening: float

    def __post_init__(self) -> None:
        if min(self.blur_mm, self.profile_mm, self.noise_hu, self.hardening) < 0:
            raise ValueError(f"a scanner's properties are not negative: {self}")

    @classmethod
    def random(cls, rng: np.random.Generator, difficulty: Difficulty = STANDARD) -> Scanner:
        return cls(
            blur_mm=float(rng.uniform(*difficulty.blur_mm)),
            profile_mm=float(rng.uniform(*difficulty.profile_mm)),
            noise_hu=float(rng.uniform(*difficulty.noise_hu)),
            hardening=float(rng.uniform(*difficulty.hardening)),
        )

    def after(self, noise_hu: float) -> Scanner:
        """The scanner that adds to a picture with so much noise what is missing to its own."""
        return replace(self, noise_hu=float(np.sqrt(max(self.noise_hu**2 - noise_hu**2, 0.0))))

    def acquire(self, hu: Field, spacing: Point, rng: np.random.Generator) -> Field:
        """`hu` (Z, Y, X) at `spacing` (z, y, x mm), in place: white noise, then the blur that gives it its texture."""
        sigmas = [sd / gap for sd, gap in zip((self.profile_mm, self.blur_mm, self.blur_mm), spacing, strict=True)]
        kernels = [_gaussian(sigma) for sigma in sigmas]
        kept = float(np.prod([np.sqrt((kernel**2).sum()) for kernel in kernels]))
        for plane in range(len(hu)):  # plane by plane, to stay in the cache
            noisy = hu[plane] + rng.standard_normal(hu[plane].shape, dtype=np.float32) * np.float32(
                self.noise_hu / kept
            )
            for axis, kernel in enumerate(kernels[1:]):
                noisy = ndimage.correlate1d(noisy, kernel, axis=axis, mode="nearest")
            hu[plane] = noisy
        if len(kernels[0]) > 1:
            ndimage.correlate1d(hu, kernels[0], axis=0, output=hu, mode="nearest")
        return hu


def _gaussian(sigma: float) -> Field:
    """float32 (2n + 1,): a Gaussian of `sigma` samples, of sum 1."""
    radius = int(np.ceil(2.5 * sigma)) if sigma > 0.15 else 0
    at = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (at / max(sigma, 1e-3)) ** 2)
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)
