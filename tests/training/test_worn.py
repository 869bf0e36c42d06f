from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from synthetic.descriptions import dressed
from synthetic.frames import UNIFORM_FROM
from training.data.crops import load_crops
from training.data.shards import open_frames
from training.data.worn import worn_by, worn_table
from training.recipe import CropChoice, EncoderRecipe, read_recipe
from training.tasks.encoder import known_of_classes

RECIPES = Path(__file__).parents[2] / "training" / "recipes"
BODY = CropChoice(kind="body", least_width_px=1, least_visibility=0, largest_yaw_deg=360, label="outfit")


def test_other_clothes_of_one_person_are_something_else() -> None:
    one, again, other = (worn_by(*dressed(5, 3, number)) for number in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert np.isfinite(one).all()


def test_a_uniform_leaves_the_person() -> None:
    one, other = (worn_by(*dressed(5, number, UNIFORM_FROM + 2)) for number in (3, 9))
    # Both cloths: two colours, seven patterns, one period each.
    assert np.array_equal(one[:28], other[:28])
    assert not np.array_equal(one, other)


def test_a_second_colour_counts_only_where_it_is_seen() -> None:
    person, outfit = dressed(5, 3, 0)
    plain = replace(outfit, top=replace(outfit.top, pattern="plain"))
    striped = replace(outfit, top=replace(outfit.top, pattern="stripes"))
    changed = (0.9, 0.1, 0.4)
    for worn, seen in ((plain, False), (striped, True)):
        other = replace(worn, top=replace(worn.top, second=changed))
        assert np.array_equal(worn_by(person, worn), worn_by(person, other)) is not seen


def test_nobody_has_a_hat_of_some_colour_on_a_bare_head() -> None:
    person, outfit = dressed(5, 3, 0)
    bare = replace(outfit, hat="none")
    assert np.array_equal(worn_by(person, bare), worn_by(person, replace(bare, hat_color=(0.9, 0.1, 0.2))))


def test_columns_are_scaled_over_the_classes() -> None:
    table = worn_table((7, number, number % 4) for number in range(80))
    spread = table.std(axis=0)
    assert (np.isclose(spread, 1.0, atol=1e-3) | (spread == 0.0)).all()
    assert (spread > 0.0).sum() > 50
    with pytest.raises(ValueError, match="no people"):
        worn_table([])


def test_each_class_has_what_its_own_people_wear(data) -> None:
    recipe = read_recipe(RECIPES / "body.toml")
    assert isinstance(recipe, EncoderRecipe)
    assert recipe.traits is not None
    crops = load_crops([open_frames(data / "train")], BODY)
    table = known_of_classes(crops, recipe)
    np.testing.assert_array_equal(table, worn_table(crops.wearers_of_classes()))
    assert len(table) == crops.classes
