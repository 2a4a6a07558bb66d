from __future__ import annotations

import ast
from pathlib import Path

from tests.resilience.full import RUNS
from tests.resilience.survived import REQUIREMENTS
from tools import resilience

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_table_and_the_figures_make() -> None:
    assert resilience.PAGE.read_text(encoding="utf-8") == resilience.page()


def test_every_requirement_has_a_row_and_tests_that_are_there() -> None:
    assert [one.number for one in REQUIREMENTS] == [f"R{number}" for number in range(1, 24)]
    for one in REQUIREMENTS:
        assert one.tests, one.number
        for name in one.tests:
            file, _, function = name.partition("::")
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            assert function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, name


def test_every_run_is_on_the_page() -> None:
    assert list(resilience.RUNS) == list(RUNS)
