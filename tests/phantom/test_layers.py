import numpy as np
import pytest

from phantom.fields import Field, Lattice, Sampler
from phantom.layers import AIR_HU, Layer, Term, paint
from phantom.shapes import capsule, ellipsoid, union

LATTICE = Lattice(start=(0.0, 0.0, 0.0), shape=(10, 10, 10), step_mm=1.0)
SAMPLER = Sampler.onto(LATTICE, (0.0, 0.0, 0.0), (10, 10, 10), (1.0, 1.0, 1.0))


def plane(at: float) -> Field:
    """Negative where x < at."""
    x, _, _ = LATTICE.axes
    return np.ascontiguousarray(np.broadcast_to(x - np.float32(at), LATTICE.shape))


def row(layers: list[Layer]) -> tuple[list[float], list[float]]:
    hu, lesion = paint(layers, SAMPLER, slice(0, 10), border_mm=1.0)
    return hu[5, 5].tolist(), lesion[5, 5].tolist()


def test_a_border_between_voxels_is_sharp_and_one_through_a_voxel_halves_it() -> None:
    sharp, _ = row([Layer("a", 100.0, (Term(plane(2.5)),))])
    assert sharp == [100.0] * 3 + [AIR_HU] * 7
    half, _ = row([Layer("a", 100.0, (Term(plane(2.0)),))])
    assert half[:4] == [100.0, 100.0, (100 + AIR_HU) / 2, AIR_HU]


def test_terms_hold_together() -> None:
    hu, _ = row([Layer("a", 1.0, (Term(plane(5.5)), Term(-plane(2.5))))])
    assert [value > 0 for value in hu] == [False] * 3 + [True] * 3 + [False] * 4


def test_a_sheet_and_the_rest_of_it() -> None:
    sheet, _ = row([Layer("a", 0.0, (Term(plane(4.0), half_mm=1.5),))])
    assert [value == 0 for value in sheet] == [False] * 3 + [True] * 3 + [False] * 4
    rest, _ = row([Layer("a", 0.0, (Term(plane(4.0), half_mm=1.5, away=True),))])
    assert [value == 0 for value in rest] == [True] * 3 + [False] * 3 + [True] * 4


def test_what_covers_a_lesion_takes_it_off_the_label() -> None:
    lesion = Layer("clot", 60.0, (Term(plane(5.5)),), lesion=True)
    cover = Layer("bone", 1000.0, (Term(plane(2.0)),))
    hu, seen = row([lesion, cover])
    assert seen == [0, 0, 0.5, 1, 1, 1, 0, 0, 0, 0]
    assert hu[:4] == [1000, 1000, 530, 60]


def test_keep_lets_the_contrast_below_through() -> None:
    below = [Layer("a", 30.0, (Term(plane(9.5)),)), Layer("b", 40.0, (Term(plane(3.5)),))]
    hu, _ = row([*below, Layer("ischaemia", 20.0, (Term(plane(8.5)),), keep=0.25)])
    assert hu[1] - hu[5] == pytest.approx(0.25 * 10)


def test_double_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="float32"):
        Term(np.zeros((4, 4, 4)))  # type: ignore[arg-type]


def test_shapes_measure_millimetres() -> None:
    x, y, z = (np.broadcast_to(axis, LATTICE.shape) for axis in LATTICE.axes)
    ball = ellipsoid((x, y, z), (5, 5, 5), (2, 2, 2))
    assert ball[5, 5, 9] == pytest.approx(2, abs=1e-4)
    rod = capsule((x, y, z), (0, 5, 5), (9, 5, 5), 1)
    assert rod[5, 8, 4] == pytest.approx(2, abs=1e-4)
    assert union(ball, rod)[5, 8, 4] == min(ball[5, 8, 4], rod[5, 8, 4])
