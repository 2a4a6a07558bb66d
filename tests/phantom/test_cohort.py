import ast
import pickle
from collections import Counter
from itertools import chain, pairwise
from pathlib import Path

import pytest

import phantom
from phantom.cohort import Purpose, Scan, Size, cohort
from phantom.difficulty import COHORT
from phantom.generator import MODULES, generator_hash
from runtime.classification import StrokeClass

HERE = Path(phantom.__path__[0])


def test_the_test_cohort_is_60_of_each_and_half_of_each_is_hard() -> None:
    chosen = cohort(Purpose.TEST, 180)
    assert Counter(scan.stroke for scan in chosen) == dict.fromkeys((None, *StrokeClass), 60)
    assert Counter(scan.stroke for scan in chosen if scan.has_pitfalls) == dict.fromkeys((None, *StrokeClass), 30)
    thick = [scan for scan in chosen if scan.spacing_mm[0] > 1.5]
    assert Counter(scan.stroke for scan in thick) == dict.fromkeys((None, *StrokeClass), 14)
    assert sum(scan.has_pitfalls for scan in thick) == 21
    assert all(scan.difficulty is COHORT for scan in chosen)


def test_training_heads_are_half_healthy() -> None:
    counts = Counter(scan.stroke for scan in cohort(Purpose.TRAINING, 80))
    assert counts == {None: 40, StrokeClass.IS: 20, StrokeClass.IH: 20}


def test_no_two_purposes_or_difficulties_share_a_seed() -> None:
    starts = [*chain.from_iterable((purpose.first_seed, purpose.first_cohort_seed) for purpose in Purpose)]
    assert min(starts) == 100_000
    ordered = sorted(starts)
    assert all(after - before >= 100_000 for before, after in pairwise(ordered))
    assert cohort(Purpose.TEST, 1)[0].seed == 4_000_000


def test_a_scan_goes_to_another_process() -> None:
    (scan,) = cohort(Purpose.TRAINING, 1)
    assert pickle.loads(pickle.dumps(scan)) == scan


def test_more_heads_begin_with_the_same_ones() -> None:
    assert cohort(Purpose.VALIDATION, 50)[:13] == cohort(Purpose.VALIDATION, 13)


@pytest.mark.parametrize(("size", "pixels"), [(Size.REDUCED, 256), (Size.FULL, 560)])
def test_a_head_of_23_cm_fits(size: Size, pixels: int) -> None:
    scans: tuple[Scan, ...] = cohort(Purpose.TRAINING, 40, size)
    assert all(230 / scan.spacing_mm[1] <= pixels for scan in scans)
    assert {scan.grid_mm for scan in scans} == {size.grid_mm}


@pytest.mark.parametrize("count", [0, 100_000])
def test_a_purpose_has_so_many_seeds(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 99,999"):
        cohort(Purpose.TRAINING, count)


def imported_by(module: str) -> set[str]:
    """The modules of phantom that a module of it imports."""
    tree = ast.parse((HERE / f"{module}.py").read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "phantom":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("phantom."):
            found.add(node.module.split(".")[1])
    return found


def test_the_generators_hash_covers_all_that_makes_voxels() -> None:
    reached, new = set(), {"cohort", "synthesis"}
    while new:
        reached |= new
        new = set().union(*(imported_by(module) for module in new)) - reached
    assert reached == set(MODULES)


def test_the_generators_hash_is_a_sha256() -> None:
    assert len(generator_hash()) == 64
    assert generator_hash() == generator_hash()
