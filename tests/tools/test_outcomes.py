from __future__ import annotations

from tools.outcomes import PAGE, page


def test_the_committed_page_is_the_one_that_the_tables_make() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python tools/outcomes.py`"
