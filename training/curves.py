"""A run's curves, to be looked at: a picture beside its weights, and TensorBoard's events while it goes on.

Where matplotlib or TensorBoard is missing, a run says what to install and trains without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Report = Callable[[str], None]
Scalar = Callable[[str, float, int], object]
"""Takes a name, a value and the step that it is of."""
_MISSING = "{without}: {package} is missing; install it with `pip install {package}`"


def draw(history: Sequence[Mapping[str, Any]], path: Path, report: Report) -> None:
    """Loss, score and mean IoU over the steps, as a picture; `history` as in Progress."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        report(_MISSING.format(without="no picture of the curves", package="matplotlib"))
        return
    steps = [record["step"] for record in history]
    figure = Figure(figsize=(8, 5), layout="constrained")
    losses, scores = figure.subplots(2, sharex=True)
    losses.semilogy(steps, [record["loss"] for record in history], marker=".")
    losses.set_ylabel("training loss")
    for key, label in (("score", "score, healthy heads included"), ("mean_iou", "mean IoU per patient")):
        scores.plot(steps, [record[key] for record in history], marker=".", label=label)
    scores.set(xlabel="step", ylabel="validation", ylim=(0, 1))
    scores.legend()
    temporary = path.with_suffix(".part")
    figure.savefig(temporary, format="png")
    temporary.replace(path)


@contextmanager
def board(folder: Path, first_step: int, report: Report) -> Iterator[Scalar]:
    """TensorBoard's events in `folder`; those that an earlier process wrote from `first_step` on no longer show."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        report(_MISSING.format(without="no TensorBoard", package="tensorboard"))
        yield _nowhere
        return
    with SummaryWriter(folder, purge_step=first_step) as writer:
        yield writer.add_scalar


def _nowhere(_name: str, _value: float, _step: int) -> None:
    pass
