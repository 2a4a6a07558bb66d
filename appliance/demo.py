"""`strokebox demo`: a synthetic patient with a planted lesion, as DICOM, through the real service in a tree of its own.

Starts `serve` as a site does, copies the study into its inbox, waits for the one result, ends the service. The tree is
removed again; the study and its result stay. What was planted and what was found are compared as other programs would
compare them: on result.json.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from appliance.notes import ENDING
from appliance.program import program_of
from appliance.publish import RESULT
from appliance.report_json import Document
from phantom.identity import StudyIdentity
from phantom.study import write_study
from phantom.synthesis import SyntheticHead, synthesise
from runtime.classification import Call, StrokeClass
from runtime.errors import EngineError, PublishError
from runtime.lesions import Side

DISAGREES = 1
"""Exit code where the finding is not what was planted."""
LONGEST_SECONDS = 900.0
END_SECONDS = 15.0
_POLL_SECONDS = 0.2
_SETTINGS = """\
[folders]
inbox = {inbox}
results = {results}
state = {state}
[intake]
quiet_seconds = 1
scan_seconds = 0.3
[disk]
free_percent = 0
"""


def demo(out: Path, seed: int) -> int:
    """Write the study to `out`/phantom-<seed>, analyse it, print both truths. Returns the exit code."""
    stroke = list(StrokeClass)[seed % len(StrokeClass)]
    print(f"Making a synthetic head CT with a planted lesion (seed {seed}) ...", flush=True)
    head = synthesise(seed, stroke)
    drop = out / f"phantom-{seed}"
    identity = replace(StudyIdentity.of(seed), when=datetime.now().replace(second=0, microsecond=0))
    shutil.rmtree(drop, ignore_errors=True)
    write_study(head, drop, identity)
    print(f"planted  {planted(head)}: {drop}")
    print("Starting the service and copying the study into its inbox ...", flush=True)
    folder = _served(drop, out / "results")
    document = json.loads((folder / RESULT).read_bytes())
    print(f"found    {found(document)}\n{document['words']['headline']}")
    for flag in document["flags"]:
        print(f"  {flag['code']}: {flag['message']}")
    print(f"report   {folder / 'report.pdf'}\nresult   {folder / RESULT}")
    return 0 if agrees(document, head) else DISAGREES


def agrees(document: Document, head: SyntheticHead) -> bool:
    """Whether call and side of result.json are the planted ones; a head without a lesion must be called none."""
    if "finding" not in document:
        return False
    finding = document["finding"]
    if head.stroke is None:
        return bool(finding["class"] == Call.NONE.value)
    sides = {"left": {Side.LEFT}, "right": {Side.RIGHT}, "midline": {Side.MIDLINE, Side.BILATERAL}}
    side = finding["classes"][head.stroke.value]["side"]
    return finding["class"] == head.stroke.value and side in {one.value for one in sides[head.side or ""]}


def planted(head: SyntheticHead) -> str:
    """Class, side and millilitres in one line."""
    return f"{head.stroke.value}, {head.side}, {head.lesion_ml:.0f} ml" if head.stroke else "none"


def found(document: Document) -> str:
    """Call, side and millilitres of result.json in one line, or why there is none."""
    if "finding" not in document:
        return str(document["reason"]["code"])
    call = document["finding"]["class"]
    measure = document["finding"]["classes"].get(call)
    return f"{call}, {measure['side'] or 'no side'}, {measure['volume_ml']:.0f} ml" if measure else call


def _served(drop: Path, results: Path) -> Path:
    """The result folder of one study, by a service of its own. EngineError, PublishError where none comes."""
    results.mkdir(parents=True, exist_ok=True)
    before = set(results.iterdir())
    with tempfile.TemporaryDirectory(prefix="strokebox-demo-") as tree, _service(Path(tree), results) as process:
        shutil.copytree(drop, Path(tree) / "inbox" / drop.name)
        deadline = time.monotonic() + LONGEST_SECONDS
        while not (new := _new(results, before)):
            if process.poll() is not None:
                raise EngineError(f"the service ended with {process.returncode}:\n{(Path(tree) / 'log').read_text()}")
            if time.monotonic() > deadline:
                raise PublishError(f"No result within {LONGEST_SECONDS:.0f} s; see the notes in {results}.")
            time.sleep(_POLL_SECONDS)
    return new


def _new(results: Path, before: Container[Path]) -> Path | None:
    """The new result folder, once the note that the study waits is gone, too."""
    new = [path for path in results.iterdir() if path not in before and not path.name.startswith(".")]
    if any(path.name.endswith(ENDING) for path in new):
        return None
    return next((path for path in new if (path / RESULT).exists()), None)


@contextmanager
def _service(tree: Path, results: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`strokebox serve` on the folders of `tree`, and its end."""
    folders = {"inbox": tree / "inbox", "state": tree / "state", "results": results.resolve()}
    for name in ("inbox", "state"):
        folders[name].mkdir()
    config = tree / "strokebox.toml"
    config.write_text(_SETTINGS.format(**{name: json.dumps(str(path)) for name, path in folders.items()}))
    command = [*program_of("appliance"), "serve", "--config", str(config)]
    with (
        (tree / "log").open("wb") as log,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
