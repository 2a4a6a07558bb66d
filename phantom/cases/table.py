"""The one table of cases. docs/outcomes.md is made from it, and tests run every row through the reader."""

from __future__ import annotations

from phantom.cases import bombs, contents, exports, forms, identities, places
from phantom.cases.case import Case

SECTIONS: dict[str, tuple[Case, ...]] = {
    "How images are stored": forms.CASES,
    "Which series there are": exports.CASES,
    "Who and what they say they are": identities.CASES,
    "Where slices lie": places.CASES,
    "What they show": contents.CASES,
    "What is made to do harm": bombs.CASES,
}
CASES: tuple[Case, ...] = sum(SECTIONS.values(), ())
