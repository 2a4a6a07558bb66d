from __future__ import annotations

import json

import pytest

from runtime.planes import Plane
from training.config import Optimiser, Recipe, first_bundle
from training.train import learning_rate


def test_the_defaults_are_the_papers() -> None:
    recipe = Recipe(Plane.AXIAL, seed=1)
    assert (recipe.steps, recipe.batch, recipe.stroke_share, recipe.validate_every) == (20_000, 12, 0.5, 500)
    assert (recipe.optimiser, recipe.learning_rate, recipe.decay) == (Optimiser.RMSPROP, 1e-4, 0.99977)
    assert (recipe.rotation_degrees, recipe.scale, recipe.hu_shift) == (45.0, (0.9, 1.1), 0.0)


def test_the_papers_learning_rate() -> None:
    recipe = Recipe(Plane.AXIAL, seed=1)
    assert learning_rate(recipe, 1) == 1e-4
    assert learning_rate(recipe, 20_000) == pytest.approx(1.0049e-6, rel=1e-4)  # 1e-4 * exp(19,999 * ln 0.99977)


def test_one_cycle_rises_and_falls_to_nothing() -> None:
    recipe = first_bundle(Plane.AXIAL, seed=1, steps=1000)
    assert learning_rate(recipe, 1) == pytest.approx(recipe.learning_rate / 100)
    assert learning_rate(recipe, 100) == recipe.learning_rate
    assert learning_rate(recipe, 550) == pytest.approx(recipe.learning_rate / 2)
    assert learning_rate(recipe, 1000) == pytest.approx(0)


@pytest.mark.parametrize("plane", list(Plane))
def test_a_recipe_survives_json(plane: Plane) -> None:
    recipe = first_bundle(plane, seed=3, steps=10)
    again = Recipe.from_json(json.loads(json.dumps(recipe.as_json())))
    assert again.as_json() == recipe.as_json()
    assert again.windows == recipe.windows


@pytest.mark.parametrize(
    "wrong",
    [
        {"windows": ((80.0, 0.0),)},
        {"windows": ()},
        {"crop": (250, 256)},
        {"batch": 0},
        {"stroke_share": 1.1},
        {"decay": 0},
    ],
)
def test_impossible_recipes_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must|probability|start"):
        Recipe(Plane.AXIAL, seed=1, **wrong)  # type: ignore[arg-type]  # wrong on purpose
