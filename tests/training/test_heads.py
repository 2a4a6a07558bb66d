from __future__ import annotations

import numpy as np

from runtime.classification import StrokeClass
from training.heads import LabelledHead


def test_a_head_as_it_is_served() -> None:
    """Blocks of 2 x 2 pixels, labelled where two of the four are; the edge is repeated."""
    hu = np.arange(10, dtype=np.int16).reshape(1, 2, 5)
    labels = np.array([[[1, 1, 0, 2, 2], [0, 0, 0, 2, 0]]], dtype=np.uint8)
    head = LabelledHead(1, StrokeClass.IH, (1.25, 0.45, 0.5), hu, labels)
    served = head.served(0.9)
    assert served.hu.tolist() == [[[3, 5, 6]]]  # 3, 5, 6.5, of which the last is rounded to even
    assert served.labels.tolist() == [[[1, 2, 2]]]
    assert served.spacing_mm == (1.25, 0.9, 1.0)
    assert (served.seed, served.stroke) == (1, StrokeClass.IH)
    assert head.served_shape(0.9) == served.hu.shape
    assert head.served(0.0) is head.served(0.5) is head
    assert head.served_shape(0.0) == hu.shape
