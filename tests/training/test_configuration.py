from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import training
from runtime.errors import ConfigurationError
from runtime.planes import Plane
from training.config import Recipe
from training.configuration import load_recipe

CONFIGS = Path(training.__file__).parent / "configs"
GIVEN = {"plane": Plane.AXIAL, "seed": 1}


def mistakes(tmp_path: Path, text: str) -> str:
    path = tmp_path / "wrong.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as error:
        load_recipe(path, GIVEN)
    return str(error.value)


def test_the_papers_file_is_the_default() -> None:
    assert load_recipe(CONFIGS / "paper.toml", GIVEN) == Recipe(Plane.AXIAL, seed=1)


@pytest.mark.parametrize(
    ("name", "given", "settings"),
    [
        ("paper-scse", {}, {"scse": True}),
        ("paper-warm-up", {"pretrained": "dpn92.pth"}, {"pretrained": "dpn92.pth", "frozen_steps": 1000}),
        ("paper-out-of-fold", {"fold": 2}, {"folds": 6, "fold": 2}),
    ],
)
def test_a_variant_differs_from_the_paper_in_one_setting(
    name: str, given: dict[str, object], settings: dict[str, object]
) -> None:
    paper = Recipe(Plane.AXIAL, seed=1)
    assert load_recipe(CONFIGS / f"{name}.toml", {**GIVEN, **given}) == replace(paper, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("small*.toml")), ids=lambda path: path.stem)
@pytest.mark.parametrize("plane", list(Plane))
def test_the_small_ones_are_whole(path: Path, plane: Plane) -> None:
    assert load_recipe(path, {"plane": plane, "seed": 3}).plane is plane


def test_a_plane_may_have_settings_of_its_own() -> None:
    path = CONFIGS / "small-continued.toml"
    crops = [load_recipe(path, {"plane": plane, "seed": 1}).crop for plane in Plane]
    assert crops == [(192, 192), (128, 224), (128, 224)]


def test_every_mistake_is_named_with_its_key(tmp_path: Path) -> None:
    text = mistakes(tmp_path, 'steps = "many"\nlearning_speed = 1\n[axial]\noptimiser = "sgd"\n')
    assert "steps: " in text
    assert "learning_speed: there is no such setting" in text
    assert "optimiser: " in text


def test_what_can_t_be_right_is_said(tmp_path: Path) -> None:
    assert "frozen_steps must be 0" in mistakes(tmp_path, "frozen_steps = 10")
    assert "folds and fold must be given together" in mistakes(tmp_path, "folds = 6")


def test_what_the_command_line_gives_is_refused_in_a_file(tmp_path: Path) -> None:
    assert "seed: is given by --seed" in mistakes(tmp_path, "seed = 3")
    assert "axial must be tables" in mistakes(tmp_path, "axial = 3")


def test_no_file_and_no_toml(tmp_path: Path) -> None:
    assert "not TOML" in mistakes(tmp_path, "steps")
    with pytest.raises(ConfigurationError, match="can't be read"):
        load_recipe(tmp_path / "none.toml", GIVEN)
