"""What is found of a box after something went wrong: whole results, jobs, drops. Looks, and changes nothing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from appliance.disk import RESERVE
from appliance.jobs import Job, Jobs, State


def results(root: Path) -> list[Path]:
    """The visible result folders."""
    return [path for path in (root / "results").iterdir() if path.is_dir() and not path.name.startswith(".")]


def wrong_with(folder: Path) -> str:
    """Of a visible result folder; empty where it can be read and its siblings are what it says."""
    try:
        document = json.loads((folder / "result.json").read_bytes())
        for file in document["files"]:
            content = (folder / file["name"]).read_bytes()
            if hashlib.sha256(content).hexdigest() != file["sha256"]:
                return f"{file['name']} is another"
        return "" if document["status"] == "completed" else f"{document['status']}: {document['reason']['code']}"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return repr(error)


def jobs(root: Path) -> list[Job]:
    """All that are known."""
    if not (root / "state/jobs.sqlite").exists():
        return []
    table = Jobs(root / "state/jobs.sqlite")
    try:
        return table.of(*State)
    finally:
        table.close()


def in_inbox(root: Path) -> list[Path]:
    """The files that still lie there."""
    return [path for path in (root / "inbox").rglob("*") if path.is_file()]


def left_behind(root: Path) -> list[Path]:
    """What nobody needs any more: drops, spooled files, hidden folders and notes of what is done. Not the reserve."""
    hidden = [path for path in (root / "results").glob(".*") if path.name != RESERVE]
    places = [*hidden, *(root / "results").glob("*.note.txt")]
    return [*in_inbox(root), *(root / "state/spool").iterdir(), *places]
