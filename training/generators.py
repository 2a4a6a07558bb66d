"""What made the phantoms of a folder, as it lies beside them: sources, difficulty, and the head they were shaped from.

Heads of one folder have one generator, so that whoever has them can say what they are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from phantom.difficulty import COHORT
from runtime.errors import UsageError

GENERATOR = "generator.json"
_SHOWN = 12
"""Digits of a SHA-256 in words."""


@dataclass(frozen=True, slots=True)
class Generator:
    """generator: phantom.generator.generator_hash() of the sources; difficulty: by name, see docs/cohort.md
    donor: SHA-256 of the file of the real head or template that was deformed; None for heads made of shapes
    """

    generator: str
    difficulty: str
    donor: str | None = None

    @property
    def is_of_cohort(self) -> bool:
        """Whether its heads are as hard as docs/cohort.md says."""
        return self.difficulty == COHORT.name

    def __str__(self) -> str:
        donor = "" if self.donor is None else f", from the head of SHA-256 {self.donor[:_SHOWN]}"
        return f"{self.difficulty} difficulty, generator {self.generator[:_SHOWN]}{donor}"


def sign(folder: Path, generator: Generator) -> None:
    """Note what makes heads in `folder`, which is made. UsageError where others of another generator lie there."""
    if any(before != generator for before in generators_of([folder])):
        raise UsageError(
            f"The heads in {folder} are of another generator, difficulty or donor. Use another --out, or delete them."
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / GENERATOR).write_text(json.dumps(asdict(generator), indent=1) + "\n", encoding="utf-8")


def generators_of(folders: Sequence[Path]) -> tuple[Generator, ...]:
    """Each once, of those folders that have one. UsageError where one can't be read."""
    found: dict[Generator, None] = {}
    for record in (folder / GENERATOR for folder in folders):
        if not record.exists():
            continue
        try:
            found[Generator(**json.loads(record.read_text(encoding="utf-8")))] = None
        except (OSError, TypeError, ValueError) as error:
            raise UsageError(f"{record} can't be read ({error}): delete it with the heads beside it.") from error
    return tuple(found)
