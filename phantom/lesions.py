"""From the plan of a stroke to the layers that paint it, once the brain is there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from phantom.brain import Brain
from phantom.haemorrhage import extraaxial, intraventricular, parenchymal, subarachnoid
from phantom.ischaemia import ischaemia
from phantom.plans import KINDS, StrokeLayers, StrokePlan
from runtime.classification import StrokeClass

_PAINTERS: dict[str, Callable[[StrokePlan, Brain, np.random.Generator], StrokeLayers]] = {
    **dict.fromkeys(KINDS[StrokeClass.IS], ischaemia),
    **dict.fromkeys(("deep", "lobar", "cerebellar"), parenchymal),
    **dict.fromkeys(("subdural", "epidural"), extraaxial),
    "subarachnoid": subarachnoid,
    "intraventricular": intraventricular,
}


def stroke_layers(plan: StrokePlan, brain: Brain, rng: np.random.Generator) -> StrokeLayers:
    return _PAINTERS[plan.kind](plan, brain, rng)
