"""`strokebox demo`: a synthetic patient with a planted lesion, as DICOM, through the same steps as a real study."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from appliance.analyse import Published, Request, analyse_drop
from phantom.identity import StudyIdentity
from phantom.study import write_study
from phantom.synthesis import SyntheticHead, synthesise
from runtime.classification import StrokeClass

DISAGREES = 1
"""Exit code where the finding is not what was planted."""


def demo(out: Path, seed: int) -> int:
    """Write the study to `out`/phantom-<seed>, analyse it, print both truths. Returns the exit code."""
    stroke = list(StrokeClass)[seed % len(StrokeClass)]
    print(f"Making a synthetic head CT with a planted lesion (seed {seed}) ...", flush=True)
    head = synthesise(seed, stroke)
    drop = out / f"phantom-{seed}"
    identity = replace(StudyIdentity.of(seed), when=datetime.now().replace(second=0, microsecond=0))
    write_study(head, drop, identity)
    print(f"planted  {stroke.value}, {head.side}, {head.lesion_ml:.0f} ml: {drop}\nAnalysing ...", flush=True)
    published = analyse_drop(Request(drop=drop, out=out / "results"))
    print(f"found    {_found(published)}\n{published.summary}")
    if published.exit_code:
        return published.exit_code
    return 0 if agrees(published, head) else DISAGREES


def agrees(published: Published, head: SyntheticHead) -> bool:
    """Whether call and side are the planted ones; a head without a lesion must be called none."""
    analysis = published.outcome.analysis
    if analysis is None:
        return False
    if head.stroke is None:
        return analysis.finding.call.value == "none"
    lesions = [lesion for lesion in analysis.lesions if lesion.stroke is head.stroke]
    return analysis.finding.call.value == head.stroke.value and bool(lesions) and lesions[0].side.value == head.side


def _found(published: Published) -> str:
    analysis = published.outcome.analysis
    if analysis is None:
        return "nothing: the study was not analysed"
    sides = [lesion.side.value for lesion in analysis.lesions if lesion.stroke.value == analysis.finding.call.value]
    volumes = [measure.volume_ml for stroke, measure in analysis.finding.measures.items()
               if stroke.value == analysis.finding.call.value]  # fmt: skip
    words = [analysis.finding.call.value, *sides[:1], *(f"{volume:.0f} ml" for volume in volumes)]
    return ", ".join(words)
