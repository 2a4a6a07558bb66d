"""A cohort to prepared heads, patient by patient: `<out>/training/` and `<out>/validation/`, and a summary.

Each patient is read in a process of its own, so that a file that ends its decoder costs one patient. Whoever can't be
prepared is named, with what to do, and the others go on. Run again, it makes what is missing, or was made of other
files or in another way; a head counts once its folder is whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

from runtime.errors import StudyRejected
from runtime.progress import Progress, silent
from training.cohort import Cohort, Member, Split
from training.heads import save_head
from training.labels.faults import LabelsRejected
from training.labels.names import Names
from training.patient import THICK, Account, Preparation, files_of, heads_of

ACCOUNTS = "accounts.json"
FORMAT = 1
"""Part of what a head was made from: raised when heads are made otherwise, so that old ones are made anew."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A patient without a head: why, as an upper-case code and a sentence, and what to do."""

    pseudonym: str
    code: str
    message: str
    action: str

    def __str__(self) -> str:
        return f"{self.pseudonym} skipped: {self.code}: {self.message} {self.action}"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A patient's heads by the names of their folders, and what each was made of."""

    member: Member
    accounts: dict[str, Account]


Outcome = Prepared | Skipped


def prepare(
    cohort: Cohort,
    out: Path,
    preparation: Preparation,
    processes: int = 1,
    report: Callable[[str], None] = print,
    progress: Progress = silent,
) -> list[Outcome]:
    """Make the heads of all patients under `out`, as many patients at a time as `processes`; the outcome of each.

    Heads under `out` that are of nobody in the cohort are reported and stay.
    """
    outcomes: list[Outcome] = []
    with ThreadPoolExecutor(processes) as pool:
        jobs = [pool.submit(_in_a_child, member, cohort.meanings, out, preparation) for member in cohort.members]
        try:
            for number, job in enumerate(jobs, start=1):
                outcomes.append(job.result())
                if isinstance(outcomes[-1], Skipped):
                    report(str(outcomes[-1]))
                progress("patients", number, len(jobs))
        finally:
            pool.shutdown(cancel_futures=True)
    for stray in _strays(outcomes, out):
        report(f"{stray} is of nobody prepared now; delete it, or it is trained on")
    return outcomes


def _in_a_child(member: Member, names: Names, out: Path, preparation: Preparation) -> Outcome:
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as child:
            return child.submit(prepare_member, member, names, out, preparation).result()
    except BrokenProcessPool:
        return Skipped(
            member.pseudonym,
            "READER_FAILED",
            "Reading the files came to an unexpected end.",
            "Export them again; if memory ran out, use fewer processes.",
        )


def prepare_member(member: Member, names: Names, out: Path, preparation: Preparation) -> Outcome:
    """Make one patient's heads, unless they are there already and were made of the same files in the same way."""
    if member.split is Split.VALIDATION:
        preparation = Preparation(preparation.interpolation, thick_too=False)
    record = out / member.split.value / member.pseudonym / ACCOUNTS
    try:
        made_from = _made_from(member, names, preparation)
        if (known := _known(record, made_from)) is not None:
            return Prepared(member, known)
        _withdraw(record)
        accounts = {}
        for name, head, account in heads_of(member, names, preparation):
            save_head(head, record.parent.with_name(name))
            accounts[name] = account
    except StudyRejected as error:
        return Skipped(member.pseudonym, error.code.name, error.code.sentence(error.detail), error.code.action)
    except LabelsRejected as error:
        sentence = f"{error.fault.message} {error.detail}".rstrip()
        return Skipped(member.pseudonym, error.fault.name, sentence, error.fault.action)
    except OSError as error:
        message = f"A file can't be read or written: {error.strerror}."
        return Skipped(member.pseudonym, "FILES", message, "Check the folders and the disk.")
    _save(record, made_from, accounts)
    return Prepared(member, accounts)


def _made_from(member: Member, names: Names, preparation: Preparation) -> str:
    """Changes with the labels' content, with names and sizes of the images' files, and with how heads are made."""
    files = [[path.name, path.stat().st_size] for path in files_of(member.scans)]
    labels = hashlib.sha256(member.labels.read_bytes()).hexdigest() if member.labels else ""
    ways = [preparation.interpolation.value, preparation.thick_too, sorted(map(repr, names.others.items()))]
    return hashlib.sha256(json.dumps([FORMAT, files, labels, str(member.stroke), ways]).encode()).hexdigest()


def _known(record: Path, made_from: str) -> dict[str, Account] | None:
    """The accounts of heads that are there and made from this; the record is written when all of them are."""
    try:
        document = json.loads(record.read_text(encoding="utf-8"))
        whole = all((record.parent.with_name(name) / "head.json").exists() for name in document["heads"])
        if document["made_from"] != made_from or not whole:
            return None
        return {
            name: Account(**{**account, "flags": tuple(account["flags"])})
            for name, account in document["heads"].items()
        }
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _withdraw(record: Path) -> None:
    """What was made of other files, or in another way, is no head any more."""
    record.unlink(missing_ok=True)
    for name in (record.parent.name, record.parent.name + THICK):
        (record.parent.with_name(name) / "head.json").unlink(missing_ok=True)


def _save(record: Path, made_from: str, accounts: dict[str, Account]) -> None:
    document = {"made_from": made_from, "heads": {name: asdict(account) for name, account in accounts.items()}}
    part = record.with_name(record.name + ".part")
    part.write_text(json.dumps(document, indent=1), encoding="utf-8")
    part.replace(record)


def _strays(outcomes: list[Outcome], out: Path) -> Iterator[Path]:
    """Heads that nobody in the cohort has now: of patients who left it, were skipped, or moved."""
    own = {
        out / one.member.split.value / name for one in outcomes if isinstance(one, Prepared) for name in one.accounts
    }
    for head in sorted(out.glob("*/*/head.json")):
        if head.parent not in own:
            yield head.parent
