"""Toy heads: a block of brain with a ball that is brighter (IH), darker (IS), or not there."""

from __future__ import annotations

import numpy as np

from runtime.classification import StrokeClass
from training.heads import LabelledHead

SHAPE = (40, 72, 64)


def toy_head(seed: int, stroke: StrokeClass | None) -> LabelledHead:
    rng = np.random.default_rng(seed)
    hu = rng.normal(35, 3, SHAPE).astype(np.int16)
    labels = np.zeros(SHAPE, dtype=np.uint8)
    if stroke is not None:
        middle = rng.uniform((15, 25, 25), (25, 45, 40))
        distance = np.linalg.norm(np.moveaxis(np.indices(SHAPE), 0, -1) - middle, axis=-1)
        labels[distance < 9] = stroke.label
        hu[distance < 9] += 30 if stroke is StrokeClass.IH else -20
    return LabelledHead(seed, stroke, (1.0, 0.5, 0.5), hu, labels)


def toy_heads(count: int, first_seed: int = 0) -> tuple[LabelledHead, ...]:
    """In turn IS, IH and healthy."""
    strokes = (StrokeClass.IS, StrokeClass.IH, None)
    return tuple(toy_head(first_seed + number, strokes[number % 3]) for number in range(count))
