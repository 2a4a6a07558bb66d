from __future__ import annotations

import json

import pytest

from runtime.planes import Plane
from training.config import Optimiser, Recipe
from training.optimiser import learning_rate


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
    recipe = Recipe(Plane.AXIAL, seed=1, steps=1000, optimiser=Optimiser.ADAMW_ONE_CYCLE)
    assert learning_rate(recipe, 1) == pytest.approx(recipe.learning_rate / 100)
    assert learning_rate(recipe, 100) == recipe.learning_rate
    assert learning_rate(recipe, 550) == pytest.approx(recipe.learning_rate / 2)
    assert learning_rate(recipe, 1000) == pytest.approx(0)


@pytest.mark.parametrize("plane", list(Plane))
def test_a_recipe_survives_json(plane: Plane) -> None:
    recipe = Recipe(plane, seed=3, windows=((0.0, 80.0), (0.0, 200.0)), optimiser=Optimiser.ADAMW_ONE_CYCLE)
    again = Recipe.from_json(json.loads(json.dumps(recipe.as_json())))
    assert again.as_json() == recipe.as_json()
    assert again.windows == recipe.windows


def test_a_record_from_before_a_setting_has_its_default() -> None:
    record = Recipe(Plane.AXIAL, seed=1).as_json()
    for later in ("scse", "pretrained", "frozen_steps", "precision", "folds", "fold"):
        del record[later]
    assert Recipe.from_json(record) == Recipe(Plane.AXIAL, seed=1, crop=(256, 256))


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="learning_speed"):
        Recipe.from_json({"plane": "axial", "seed": 1, "learning_speed": 1})


@pytest.mark.parametrize(
    "wrong",
    [
        {"windows": ((80.0, 0.0),)},
        {"windows": ()},
        {"crop": (250, 256)},
        {"batch": 0},
        {"stroke_share": 1.1},
        {"decay": 0},
        {"frozen_steps": 10},
        {"continues": "a bundle", "pretrained": "a file"},
        {"folds": 6},
        {"folds": 6, "fold": 7},
    ],
)
def test_impossible_recipes_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must|probability|start"):
        Recipe(Plane.AXIAL, seed=1, **wrong)  # type: ignore[arg-type]  # wrong on purpose
