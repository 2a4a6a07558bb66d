"""Writes docs/model-card.md: the card of the bundle that ships, and how it did on heads that nothing was chosen on.

    python -m calibration evaluate --bundle appliance/bundle/default --heads HEADS --out table
    python tools/model_card_page.py table/evaluation.json

The evaluation is kept beside the page, and the page is made of it and of the card alone; a test compares. When the
bundle changes, the old evaluation is nobody's: without a file, the page then says that there is none.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from appliance import shipped
from calibration.record import Record
from calibration.table import markdown
from runtime.bundle import Bundle, open_bundle
from runtime.errors import StrokeboxError, UsageError

PAGE = Path(__file__).parents[1] / "docs" / "model-card.md"
KEPT = PAGE.with_suffix(".json")
HOW = "`python tools/model_card_page.py`"


def page(bundle: Bundle, kept: Path) -> str:
    """The page's text. UsageError where `kept` is no evaluation, or another bundle's; it may be missing."""
    card = (bundle.folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    return f"{card}\n## Evaluation\n\nMade by {HOW}; do not edit.\n\n{_evaluation(bundle, kept)}"


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
    return f"On {record.heads}.\n\n{markdown(record.evaluation)}"


def main(words: Sequence[str] | None = None) -> int:
    """Write the page; the exit code is the error's (runtime/errors.py)."""
    parser = argparse.ArgumentParser(prog="python tools/model_card_page.py", description=__doc__)
    parser.add_argument(
        "evaluation", type=Path, nargs="?", default=KEPT, help="evaluation.json; the kept one by default"
    )
    given: Path = parser.parse_args(words).evaluation
    try:
        if given != KEPT and not given.exists():
            raise UsageError(f"There is no {given}: `python -m calibration evaluate` writes it.")
        text = page(open_bundle(shipped.FOLDER), given)
    except StrokeboxError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if given != KEPT:
        KEPT.write_bytes(given.read_bytes())
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
