"""What a check of a GPU found, as Markdown for people and as JSON. Says what was skipped, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from benchmarks.checks import Result, Row, Verdict
from benchmarks.gpu_environment import Environment


@dataclass(frozen=True, slots=True)
class Report:
    """One run of the checks."""

    when: datetime
    environment: Environment
    results: tuple[Result, ...]

    @property
    def is_good(self) -> bool:
        """Whether no check failed, and some were made: a box on which all are skipped has not been checked."""
        verdicts = {result.answer.verdict for result in self.results}
        return Verdict.FAILED not in verdicts and bool(verdicts - {Verdict.SKIPPED})

    @property
    def failed(self) -> list[str]:
        """Titles of the checks that failed."""
        return [result.title for result in self.results if result.answer.verdict is Verdict.FAILED]


def document(report: Report) -> dict[str, Any]:
    """For JSON."""
    return {**asdict(report), "when": report.when.isoformat(timespec="seconds"), "failed": report.failed}


def markdown(report: Report) -> str:
    return "\n".join(_lines(report)) + "\n"


def line(result: Result) -> str:
    """A check in a line."""
    return f"{result.title}: {_found(result)} ({result.seconds:.1f} s)"


def _found(result: Result) -> str:
    return f"{result.answer.verdict.value}: {result.answer.words}"


def _lines(report: Report) -> Iterator[str]:
    gpu, environment = report.environment.gpu, report.environment
    yield "# GPU check"
    yield ""
    yield (
        f"{report.when:%Y-%m-%d}: {gpu.name} ({gpu.capability}), driver {gpu.driver} with CUDA up to {gpu.cuda}, "
        f"Python {environment.python}."
    )
    yield ""
    yield from _table([{"what": name, "version": found} for name, found in environment.packages.items()])
    yield ""
    yield from _table(
        [{"check": result.title, "s": f"{result.seconds:.1f}", "found": _found(result)} for result in report.results]
    )
    for result in report.results:
        if result.answer.rows:
            yield ""
            yield f"## {result.title}"
            yield ""
            yield from _table(result.answer.rows)


def _table(rows: Sequence[Row]) -> Iterator[str]:
    columns = list(rows[0])
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(_cell(row[column]) for column in columns)} |"


def _cell(value: str | float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    return str(value).replace("|", "\\|").replace("\n", " ")
