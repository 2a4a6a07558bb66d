"""`strokebox demo`: a synthetic patient with a planted lesion, as DICOM, through the same steps as a real study."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from appliance.analyse import Request, analyse_drop
from phantom.identity import StudyIdentity
from phantom.study import write_study
from phantom.synthesis import SyntheticHead, synthesise
from runtime.classification import Call, StrokeClass
from runtime.lesions import Side, side_of
from runtime.pipeline import Analysis

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
    print(f"planted  {planted(head)}: {drop}\nAnalysing ...", flush=True)
    published = analyse_drop(Request(drop=drop, out=out / "results"))
    analysis = published.outcome.analysis
    if analysis is None:
        print(published.summary)
        return published.exit_code
    print(f"found    {found(analysis)}\n{published.summary}")
    return 0 if agrees(analysis, head) else DISAGREES


def agrees(analysis: Analysis, head: SyntheticHead) -> bool:
    """Whether call and side are the planted ones; a head without a lesion must be called none."""
    if head.stroke is None:
        return analysis.finding.call is Call.NONE
    side = side_of(analysis.lesions, head.stroke)
    sides = {"left": {Side.LEFT}, "right": {Side.RIGHT}, "midline": {Side.MIDLINE, Side.BILATERAL}}
    return analysis.finding.call.value == head.stroke.value and side in sides[head.side or ""]


def planted(head: SyntheticHead) -> str:
    """Class, side and millilitres in one line."""
    return f"{head.stroke.value}, {head.side}, {head.lesion_ml:.0f} ml" if head.stroke else "none"


def found(analysis: Analysis) -> str:
    """Call, side and millilitres in one line."""
    words = [analysis.finding.call.value]
    for stroke, measure in analysis.finding.measures.items():
        if stroke.value == analysis.finding.call.value:
            side = side_of(analysis.lesions, stroke)
            words += [side.value if side else "no side", f"{measure.volume_ml:.0f} ml"]
    return ", ".join(words)
