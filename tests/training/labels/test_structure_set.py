from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runtime.volume import Geometry
from tests.training.labels.drawn import THICK, rectangle, write_scan, write_structure_set
from training.labels.faults import Fault, LabelsRejected
from training.labels.names import Names
from training.labels.reading import read_labels

GEOMETRY = THICK.geometry


@pytest.mark.parametrize("kind", ["CLOSED_PLANAR", "CLOSEDPLANAR_XOR"])
def test_a_pixel_is_labelled_where_its_centre_is_inside(tmp_path: Path, kind: str) -> None:
    """A square with a square hole on one slice, and another area beside it; another class on the next slice."""
    paths, studies = write_scan(tmp_path / "scan")
    ischaemia = [
        rectangle(18, (39.5, 49.5), (54.5, 64.5), GEOMETRY),
        rectangle(18, (42.5, 44.5), (56.5, 60.5), GEOMETRY),
        rectangle(18, (20.4, 21.6), (54.6, 57.4), GEOMETRY),
    ]
    blood = [rectangle(19, (30, 32), (52, 55), GEOMETRY)]
    path = write_structure_set(tmp_path / "labels", paths, {"IS": ischaemia, "IH": blood}, kind)
    _, drawn = read_labels(path, studies, Names())
    expected = np.zeros(THICK.shape, dtype=np.uint8)
    expected[18, 40:50, 55:65] = 1
    expected[18, 43:45, 57:61] = 0
    expected[18, 21, 55:58] = 1
    expected[19, 30:32, 52:55] = 2  # through centres: the upper and left ones belong to it
    np.testing.assert_array_equal(drawn.labels, expected)


def _between(geometry: Geometry) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return rectangle(18, (39.5, 49.5), (54.5, 64.5), geometry) + 2.0 * geometry.normal


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"contours": {"IS": [_between(GEOMETRY)]}}, Fault.OFF_THE_SLICES),
        ({"kind": "OPEN_PLANAR"}, Fault.OFF_THE_SLICES),
        ({"frame": "1.2.3"}, Fault.OTHER_FRAME),
        ({"contours": {"tumour": [rectangle(18, (1, 2), (1, 2), GEOMETRY)]}}, Fault.UNKNOWN_NAME),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, object], fault: Fault) -> None:
    paths, studies = write_scan(tmp_path / "scan")
    values: dict[str, object] = {"contours": {"IS": [rectangle(18, (39.5, 49.5), (54.5, 64.5), GEOMETRY)]}, **changes}
    path = write_structure_set(tmp_path / "labels", paths, **values)  # type: ignore[arg-type]  # checked by the call itself
    with pytest.raises(LabelsRejected) as caught:
        read_labels(path, studies, Names())
    assert caught.value.fault is fault


def test_contours_on_another_series_are_refused(tmp_path: Path) -> None:
    paths, _ = write_scan(tmp_path / "scan")
    _, others = write_scan(tmp_path / "other", number=4)
    path = write_structure_set(tmp_path / "labels", paths, {"IS": [rectangle(18, (39, 49), (54, 64), GEOMETRY)]})
    with pytest.raises(LabelsRejected) as caught:
        read_labels(path, others, Names())
    assert caught.value.fault is Fault.OTHER_SERIES
