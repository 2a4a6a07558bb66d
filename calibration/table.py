"""An evaluation as Markdown, and as CSV for whoever goes on with it: the table, and every patient in every row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from calibration.evaluation import Case
from calibration.record import Evaluation
from calibration.rows import CALLS, Group, Row

HEADER = (
    *("row", "group", "networks", "patients", "left_out", "dice_mean", "dice_sd", "dice_low", "dice_high"),
    *("dice_networks_sd", "p", "other_class_ml", "healthy_empty", "healthy"),
)
SMALLEST_P = 0.0001
"""Below it, the table says no more than that."""
PATIENTS_HEADER = ("head", "truth", "call", "served", "row", "network", "dice", "false_ml")


def markdown(evaluation: Evaluation) -> str:
    """Table 1 of the paper on these heads, the confusion matrix, and how to read them."""
    return "\n".join([*_table(evaluation.rows), "", *_calls(evaluation), "", *_notes(evaluation.rows)]) + "\n"


def table_csv(rows: Iterable[Row]) -> str:
    """A line per row and group of patients; nothing where a figure does not exist."""
    return _csv(HEADER, (line for row in rows for line in _lines(row)))


def patients_csv(cases: Iterable[Case]) -> str:
    """A line per head, row and network."""
    lines = (
        (case.name, case.truth.value, case.call.value, case.served.value, row, network, score.dice, score.false_ml)
        for case in cases
        for row, scores in case.scores.items()
        for network, score in enumerate(scores)
    )
    return _csv(PATIENTS_HEADER, lines)


def _csv(header: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return text.getvalue()


def _lines(row: Row) -> Iterator[Sequence[object]]:
    for name, group in row.groups.items():
        one = group.dice
        dice = (one.mean, one.sd, one.low, one.high) if one else (None,) * 4
        counts = (row.networks, group.patients, group.left_out)
        beside = (group.networks_sd, row.p, row.false_ml, row.healthy_empty, row.healthy)
        yield (row.name, name, *counts, *dice, *beside)


def _table(rows: Sequence[Row]) -> Iterator[str]:
    groups = rows[0].groups
    heads = [f"DSC {name} ({group.patients + group.left_out})" for name, group in groups.items()]
    yield f"| | {' | '.join(heads)} | p | other class, ml | healthy, empty |"
    yield "|---" * (len(groups) + 4) + "|"
    for row in rows:
        cells = " | ".join(_cell(row.groups[group]) for group in groups)
        p = "" if row.p is None else f"{row.p:.4f}" if row.p >= SMALLEST_P else f"< {SMALLEST_P}"
        other = "" if row.false_ml is None else f"{row.false_ml:.2f}"
        yield f"| {row.name} | {cells} | {p} | {other} | {row.healthy_empty:g} of {row.healthy} |"


def _cell(group: Group) -> str:
    one = group.dice
    if one is None:
        return "-"
    text = f"{one.mean:.3f}"
    if one.sd is not None:
        text += f" ± {one.sd:.3f} [{one.low:.3f}, {one.high:.3f}]"
    if group.networks_sd is not None:
        text += f"; networks ± {group.networks_sd:.3f}"
    return text + (f"; {group.left_out} left out" if group.left_out else "")


def _calls(evaluation: Evaluation) -> Iterator[str]:
    none, *others = CALLS
    yield f"| truth | called {none.value} | of them marked | {' | '.join(f'called {call.value}' for call in others)} |"
    yield "|---" * (len(CALLS) + 2) + "|"
    for truth, (of_none, *rest), marked in zip(CALLS, evaluation.calls, evaluation.contradicted, strict=True):
        yield f"| {truth.value} | {' | '.join(map(str, (of_none, marked, *rest)))} |"
    yield ""
    yield f"Right: {evaluation.right} of {evaluation.heads}."
    yield "Of them marked: called none beside a mask that is not empty, where the appliance says inconclusive."
    if evaluation.strokes:
        yield (
            f"It says 'no stroke detected' of at most {evaluation.unseen} of the {evaluation.strokes} heads with a "
            "stroke: of fewer where flags forbid it."
        )


def _notes(rows: Sequence[Row]) -> Iterator[str]:
    yield "- DSC: Dice of the patient's own class, mean ± standard deviation over patients [95 % bootstrap interval]."
    yield "- Left out: mask and truth both empty. A healthy head has no class of its own: see its column."
    if any(row.networks > 1 for row in rows):
        yield "- One of n networks: a patient's Dice is their mean; 'networks ±' is the spread of the networks' means."
    yield "- p: two-sided Wilcoxon signed-rank test of the three projections, not closed, against the row, by patient."
    yield "- Other class: marked as the class that the patient doesn't have, mean over patients with stroke."
