"""A synthetic head as a whole study in a folder, and what is true about it."""

from __future__ import annotations

from pathlib import Path

from phantom.acquisition import acquire, table_positions
from phantom.companions import write_localizer
from phantom.identity import StudyIdentity
from phantom.series import SeriesSettings, write_series
from phantom.synthesis import SyntheticHead


def write_study(
    head: SyntheticHead,
    folder: Path,
    study: StudyIdentity,
    *,
    thick_mm: float | None = None,
    tilt_degrees: float = 0.0,
) -> None:
    """A localizer, the thin series and, if asked for, a thick one, all from the one head."""
    fine = head.volume
    thin = fine
    if tilt_degrees:
        thin = acquire(fine, table_positions(fine, fine.geometry.spacing_mm[0]), tilt_degrees=tilt_degrees)
    write_localizer(fine, folder, study)
    write_series(thin, folder / "thin", SeriesSettings(study))
    if thick_mm is not None:
        table = table_positions(fine, thick_mm, thick_mm)
        thick = acquire(fine, table, thickness_mm=thick_mm, tilt_degrees=tilt_degrees)
        write_series(thick, folder / "thick", SeriesSettings(study, number=3, description=f"HEAD {thick_mm:g} H30s"))


def truth_of(head: SyntheticHead) -> dict[str, object]:
    """What is known of a head, for JSON."""
    return {
        "seed": head.seed,
        "stroke": "none" if head.stroke is None else head.stroke.value,
        "kind": head.kind,
        "side": head.side,
        "lesion_ml": round(head.lesion_ml, 3),
    }
