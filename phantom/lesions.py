"""From the plan of a stroke to the layers that paint it, once the brain is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from phantom.brain import Brain
from phantom.haemorrhage import extraaxial, intraventricular, parenchymal, subarachnoid
from phantom.ischaemia import darkened, ischaemia
from phantom.layers import Layer
from phantom.plans import KINDS, StrokeLayers, StrokePlan
from runtime.classification import StrokeClass

_PAINTERS: dict[str, Callable[[StrokePlan, Brain, np.random.Generator], StrokeLayers]] = {
    **dict.fromkeys(KINDS[StrokeClass.IS], ischaemia),
    **dict.fromkeys(("deep", "lobar", "cerebellar"), parenchymal),
    **dict.fromkeys(("subdural", "epidural"), extraaxial),
    "subarachnoid": subarachnoid,
    "intraventricular": intraventricular,
}


def stroke_layers(plan: StrokePlan, brain: Brain, tissue: Sequence[Layer], rng: np.random.Generator) -> StrokeLayers:
    """The layers of the planned stroke; `tissue` is what they are painted on."""
    lesion = _PAINTERS[plan.kind](plan, brain, rng)
    return lesion if plan.infarct_hu is None else darkened(lesion, tissue, brain, plan.infarct_hu, rng)
