"""An evaluation as a whole: the rows of Table 1, the calls, and what was evaluated on what. As JSON it can be kept, and
the table made of it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from calibration.evaluation import Case
from calibration.rows import CALLS, Group, Row, confusion, rows_of
from calibration.summary import Summary
from runtime.classification import Call
from training.material import Material


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Of all cases together.

    calls: how many heads, by truth and the paper's call, each none, IS, IH
    contradicted: of those called none, by truth, how many are so beside a mask that is not empty, where the appliance
    says inconclusive
    """

    rows: tuple[Row, ...]
    calls: tuple[tuple[int, ...], ...]
    contradicted: tuple[int, ...]

    @classmethod
    def of(cls, cases: Sequence[Case], rng: np.random.Generator) -> Evaluation:
        """`rng` draws the bootstrap's patients. ValueError as rows_of raises it."""
        doubted = [case.truth for case in cases if case.served is Call.INCONCLUSIVE]
        calls = tuple(map(tuple, confusion(cases).tolist()))
        return cls(rows_of(cases, rng), calls, tuple(doubted.count(truth) for truth in CALLS))

    @property
    def right(self) -> int:
        """How many heads were called what they are."""
        return sum(line[number] for number, line in enumerate(self.calls))

    @property
    def heads(self) -> int:
        return sum(map(sum, self.calls))

    @property
    def strokes(self) -> int:
        """How many of the heads have one."""
        return self.heads - sum(self.calls[0])

    @property
    def unseen(self) -> int:
        """How many strokes are called none beside an empty mask, which the appliance can say too."""
        return sum(
            of_none - marked for (of_none, *_), marked in zip(self.calls[1:], self.contradicted[1:], strict=True)
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values; no names of heads."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Evaluation:
        """The inverse of `as_json`. KeyError, TypeError where it is none."""
        rows = tuple(
            Row(**{**row, "groups": {name: _group(group) for name, group in row["groups"].items()}})
            for row in document["rows"]
        )
        return cls(rows, tuple(map(tuple, document["calls"])), tuple(document["contradicted"]))


def _group(group: Mapping[str, Any]) -> Group:
    dice = Summary(**group["dice"]) if group["dice"] else None
    return Group(**{**group, "dice": dice})


@dataclass(frozen=True, slots=True)
class Record:
    """An evaluation, of which bundle and on what heads.

    bundle, manifest_sha256: name and version, and which one exactly; None for networks that are in no bundle
    """

    bundle: str | None
    manifest_sha256: str | None
    heads: Material
    evaluation: Evaluation

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        about = {"bundle": self.bundle, "manifest_sha256": self.manifest_sha256, "heads": self.heads.as_json()}
        return {**about, "evaluation": self.evaluation.as_json()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Record:
        """The inverse of `as_json`. KeyError, TypeError, ValueError where it is none."""
        heads, evaluation = Material.from_json(document["heads"]), Evaluation.from_json(document["evaluation"])
        return cls(document["bundle"], document["manifest_sha256"], heads, evaluation)
