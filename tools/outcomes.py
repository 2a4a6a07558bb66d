"""Writes docs/outcomes.md: every outcome code, and every case of the table with the codes that it leads to.

`python tools/outcomes.py`, whenever runtime/codes.py or phantom/cases change; a test compares.
"""

from __future__ import annotations

from pathlib import Path

from phantom.cases.case import WITH_ALL, Case
from phantom.cases.table import CASES, SECTIONS
from runtime.codes import Code

PAGE = Path(__file__).parents[1] / "docs" / "outcomes.md"
HEAD = """# Outcomes

Made by `python tools/outcomes.py` from [runtime/codes.py](../runtime/codes.py) and
[phantom/cases](../phantom/cases); do not edit. Codes are in `reason` and `flags` of `result.json`. Each case below is a
fixture that a phantom writes and a test analyses (tests/appliance/test_cases.py).
"""


def page() -> str:
    """The page's text."""
    used = {code for case in CASES for code in case.codes} | WITH_ALL
    lines = [HEAD, "## Codes", "", "| code | what it says | what to do | effect | case |", "|---|---|---|---|---|"]
    for code in Code:
        effects = "; or ".join(effect.value for effect in code.effects)
        lines.append(f"| {code.name} | {code.message} | {code.action} | {effects} | {'yes' if code in used else ''} |")
    always = ", ".join(code.name for code in WITH_ALL)
    lines += [
        "",
        "## Cases",
        "",
        f"All are made from one coarse healthy head, so every completed result says {always}, too.",
    ]
    for title, cases in SECTIONS.items():
        lines += ["", f"### {title}", "", "| case | what lies in the drop | outcome |", "|---|---|---|"]
        lines += [f"| {case.name} | {case.what} | {_outcome(case)} |" for case in cases]
    return "\n".join(lines) + "\n"


def _outcome(case: Case) -> str:
    if case.reason:
        return f"rejected: {case.reason.name}"
    return "completed" + "".join(f", {code.name}" for code in case.codes)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
