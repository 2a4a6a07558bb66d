"""Writes docs/model-card.md: the card of the bundle that ships, and how it did on heads that nothing was chosen on.

    python -m calibration evaluate --bundle appliance/bundle/default --heads HEADS --out table
    python -m calibration slices --bundle appliance/bundle/default --data DATA --part test --out slices
    python tools/model_card_page.py table/evaluation.json --slices slices/slices.md

Both are kept beside the page, and so is what somebody saw on the real head with an old infarct and wrote down,
model-card-head.md, which starts, as the slices do, with the bundle that it is of. model-card-notes.md, which starts so,
too, says what the card should say and does not: the card itself is hashed with the engines, and stays as it was. The
page is made of them and of the card alone; a test compares. When the bundle changes, what is kept is nobody's and must
go; the page then says that there is none, but for the notes, which a card may not need.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from appliance import shipped
from calibration.record import Record
from calibration.table import markdown
from runtime.blocks import block_side
from runtime.bundle import Bundle, open_bundle
from runtime.errors import StrokeboxError, UsageError

PAGE = Path(__file__).parents[1] / "docs" / "model-card.md"


@dataclass(frozen=True, slots=True)
class Kept:
    """The files that the page is made of, beside the card. Each may be missing."""

    evaluation: Path
    slices: Path
    head: Path
    notes: Path


KEPT = Kept(
    PAGE.with_suffix(".json"), *(PAGE.with_name(f"model-card-{part}.md") for part in ("slices", "head", "notes"))
)
SLICES = """\
Single slices of patients, never trained on: CT-ICH 1.0.0 (PhysioNet; bleedings) and CPAISD (early ischaemia), both
CC BY 4.0, by the axial networks alone, not by the appliance: the third that is kept for the end. It guided no choice of
this bundle, but had been read before, for one that did not ship. What CPAISD outlines is core and penumbra; the latter
is hardly to be seen without contrast. Its window is not known, and was fitted. Pictures of the best and the
worst: `python -m calibration slices`.

"""
HEAD = """\
One patient, thick and tilted slices, a clear old infarct left temporo-occipital: ge-tilted-head.zip of dcm_qa_ct,
BSD-2.

"""
NOTES = """\
What the card above lacks or puts badly; it is hashed with the engines, and stays as it was written.

"""
HOW = "`python tools/model_card_page.py`"


def page(bundle: Bundle, kept: Kept) -> str:
    """The page's text. UsageError where what should be an evaluation is none, or a file is another bundle's."""
    card = (bundle.folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    notes = _by_this(bundle, kept.notes, "", "say what its card lacks")
    evaluation = f"## Evaluation\n\nMade by {HOW}; do not edit.\n\n{_evaluation(bundle, kept.evaluation)}"
    of_head = (
        _by_this(bundle, kept.head, "", "write down what it makes of the head")
        or "This bundle has not been tried on it yet.\n"
    )
    parts = [
        card,
        *([f"## Notes on the card\n\n{NOTES}{notes}"] if notes else []),
        evaluation,
        f"## Real slices\n\n{_slices(bundle, kept.slices)}",
        f"## A real head\n\n{HEAD}{of_head}",
    ]
    return "\n".join(parts)


def _evaluation(bundle: Bundle, kept: Path) -> str:
    if not kept.exists():
        return "This bundle has not been evaluated yet.\n"
    try:
        record = Record.from_json(json.loads(kept.read_text(encoding="utf-8")))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{kept} is no evaluation ({error!r}): give what `calibration evaluate` wrote.") from error
    if record.manifest_sha256 != bundle.manifest_sha256:
        raise UsageError(
            f"{kept} is of {record.bundle}, and not of the bundle that ships, {bundle.manifest.name} "
            f"{bundle.manifest.version}: evaluate that one, with its own numbers, or remove the file."
        )
    return f"On {record.heads}.\n{_pixels(bundle, record)}\n{markdown(record.evaluation)}"


def _pixels(bundle: Bundle, record: Record) -> str:
    """A line where the bundle averages small pixels and the heads have none."""
    wanted_mm, pixel_mm = bundle.manifest.spec.pixel_mm, record.heads.pixel_mm
    if not wanted_mm or pixel_mm is None or block_side((pixel_mm[0], pixel_mm[0]), wanted_mm) > 1:
        return ""
    return (
        "None of them has pixels so small that they are averaged, as a scanner's mostly are: what that does is not "
        "measured here.\n"
    )


def _slices(bundle: Bundle, kept: Path) -> str:
    table = _by_this(bundle, kept, "Part 'test', by ", "run `python -m calibration slices` with these")
    return f"{SLICES}{table}" if table else "This bundle has not been tried on them yet.\n"


def _by_this(bundle: Bundle, kept: Path, start: str, what_to_do: str) -> str | None:
    """The text that was kept; None without one. UsageError unless its first line has `start` and names the bundle."""
    if not kept.exists():
        return None
    try:
        text = kept.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"{kept} can't be read ({error}): give a text file.") from error
    about, _, _ = text.partition("\n")
    if not about.startswith(start) or not about.endswith(f", manifest {bundle.manifest_sha256}."):
        of_part = " and the part 'test'" if start else ""
        raise UsageError(
            f"{kept} is not of the bundle that ships, {bundle.manifest.name} {bundle.manifest.version}{of_part}: "
            f"{what_to_do}, or remove the file."
        )
    return text


def main(words: Sequence[str] | None = None) -> int:
    """Write the page; the exit code is the error's (runtime/errors.py)."""
    parser = argparse.ArgumentParser(prog="python tools/model_card_page.py", description=__doc__)
    parser.add_argument(
        "evaluation", type=Path, nargs="?", default=KEPT.evaluation, help="evaluation.json; the kept one by default"
    )
    parser.add_argument("--slices", type=Path, default=KEPT.slices, help="slices.md; the kept one by default")
    arguments = parser.parse_args(words)
    given = ((arguments.evaluation, KEPT.evaluation, "evaluate"), (arguments.slices, KEPT.slices, "slices"))
    try:
        for path, kept, command in given:
            if path != kept and not path.exists():
                raise UsageError(f"There is no {path}: `python -m calibration {command}` writes it.")
        sources = replace(KEPT, evaluation=arguments.evaluation, slices=arguments.slices)
        text = page(open_bundle(shipped.FOLDER), sources)
    except StrokeboxError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for path, kept, _ in given:
        if path != kept:
            kept.write_bytes(path.read_bytes())
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
