"""What was prepared, counted as the paper counts its data, and beside the paper's counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from runtime.count import counted
from training.cohort import Split
from training.patient import THICK, Account
from training.prepare import Outcome, Prepared, Skipped

CLASSES = ("IS", "IH", "none")
PAPER: Mapping[str, int] = {
    "IS": 200,
    "IH": 100,
    "patients": 300,
    "thick slices": 11_919,
    "labelled thick slices": 3_173,
    "thin slices": 81_642,
    "labelled thin slices": 19_726,
}
"""Of 300 patients with stroke (paper, section Data)."""
DIFFERENT_SHARE = 0.25
"""Where a patient's labels on the grid differ from those drawn by more than this share, somebody should look."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The outcomes of one preparation."""

    outcomes: Sequence[Outcome]

    @property
    def prepared(self) -> list[Prepared]:
        return [one for one in self.outcomes if isinstance(one, Prepared)]

    @property
    def skipped(self) -> list[Skipped]:
        return [one for one in self.outcomes if isinstance(one, Skipped)]

    def counts(self, split: Split | None = None) -> dict[str, int]:
        """The paper's counts, over the patients of one split or all; heads of thick series alone are not in them."""
        chosen = [one for one in self.prepared if split in (None, one.member.split)]
        accounts = [one.accounts[one.member.pseudonym] for one in chosen]
        by_class = {name: sum(_class(one) == name for one in chosen) for name in CLASSES}
        return {
            **by_class,
            "patients": len(chosen),
            "thick slices": sum(account.thick_slices for account in accounts),
            "labelled thick slices": sum(account.labelled_thick_slices for account in accounts),
            "thin slices": sum(account.slices for account in accounts),
            "labelled thin slices": sum(account.labelled_slices for account in accounts),
        }

    def as_json(self) -> dict[str, Any]:
        """Everything, patient by patient."""
        return {
            "counts": self.counts(),
            **{split.value: self.counts(split) for split in Split},
            "paper": dict(PAPER),
            "patients": {
                one.member.pseudonym: {
                    "class": _class(one),
                    "split": one.member.split.value,
                    "fold": one.member.fold,
                    "heads": {name: asdict(account) for name, account in one.accounts.items()},
                }
                for one in self.prepared
            },
            "skipped": [asdict(one) for one in self.skipped],
        }

    def __str__(self) -> str:
        columns = [self.counts(split) for split in Split]
        lines = [f"{'':24}{'training':>10}{'validation':>12}{'all':>10}{'paper':>10}"]
        for name, everybody in self.counts().items():
            training, validation = (column[name] for column in columns)
            paper = f"{PAPER[name]:>10,}" if name in PAPER else ""
            lines.append(f"{name:24}{training:>10,}{validation:>12,}{everybody:>10,}{paper}".rstrip())
        heads = [(name, account) for one in self.prepared for name, account in one.accounts.items()]
        resampled = sum(account.is_resampled for _, account in heads)
        thick = sum(name.endswith(THICK) for name, _ in heads)
        count = counted(len(heads), "head")
        lines += [
            "",
            f"{count}, {resampled} of them resampled, {thick} of thick series beside their thin ones",
            *(_doubtful(name, account) for name, account in heads if _is_doubtful(account)),
            f"{counted(len(self.skipped), 'patient')} skipped" + (":" if self.skipped else ""),
            *(f"  {one}" for one in self.skipped),
        ]
        return "\n".join(lines)


def _class(one: Prepared) -> str:
    stroke = one.member.stroke_class
    return stroke.value if stroke else "none"


def _is_doubtful(account: Account) -> bool:
    return abs(account.carried_ml - account.drawn_ml) > DIFFERENT_SHARE * account.drawn_ml


def _doubtful(name: str, account: Account) -> str:
    return f"look at {name}: {account.drawn_ml:.1f} ml were drawn, {account.carried_ml:.1f} ml are on the grid"
