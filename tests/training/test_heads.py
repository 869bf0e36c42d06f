"""What is known of heads, and how their figures stand beside the body's."""

from __future__ import annotations

import numpy as np
import pytest

from packs.spec import Modality
from synthetic.descriptions import dressed
from training.data.crops import load_crops, square_regions
from training.data.heads import head_of, head_table
from training.data.shards import open_frames
from training.data.traits import traits_of
from training.measure.sets import body_crops, crop_test
from training.recipe import CropChoice, read_recipe
from training.run import ROOT
from training.tasks.encoder import known_of_classes


def test_a_head_is_its_person_and_what_it_wears():
    person, outfit = dressed(1, 2, 0)
    other = dressed(1, 2, 1)[1]
    one, again = head_of(person, outfit), head_of(person, other)
    own = len(traits_of(person))
    assert one[-own:].tolist() == again[-own:].tolist() == traits_of(person).tolist()
    assert len(one) > own


def test_columns_are_scaled_over_the_heads():
    table = head_table([(1, number, 0) for number in range(40)])
    spread = table.std(axis=0)
    assert np.abs(table.mean(axis=0)).max() < 1e-4
    assert np.all((spread < 1e-6) | (np.abs(spread - 1.0) < 1e-3))
    with pytest.raises(ValueError, match="no people"):
        head_table([])


def test_heads_of_any_yaw_are_taken_where_they_are_wide_enough(data):
    choice = CropChoice(kind="head", least_width_px=1.0, least_visibility=0.5, largest_yaw_deg=360.0, label="outfit")
    frames = open_frames(data / "train")
    crops = load_crops([frames], choice)
    assert len(crops) == len(frames.people())
    assert crops.regions[0].tolist() == square_regions(1, 112)[0].tolist()
    narrow = choice.model_copy(update={"least_width_px": 1000.0})
    with pytest.raises(ValueError, match="need at least one array"):
        load_crops([frames], narrow)


def test_the_recipe_reads_traits_of_heads(data):
    recipe = read_recipe(ROOT / "training" / "recipes" / "head.toml")
    crops = load_crops([open_frames(data / "train")], recipe.crops)
    assert known_of_classes(crops, recipe).tolist() == head_table(crops.wearers_of_classes()).tolist()


def test_bodies_of_the_same_people_are_cut(data):
    frames = open_frames(data / "test")
    heads = crop_test(frames, Modality.HEAD, (64, 64))
    bodies = body_crops(frames, heads.rows, (128, 64))
    assert (len(heads.crops), heads.crops.shape[1:]) == (len(bodies), (64, 64, 3))
    assert bodies.shape[1:] == (128, 64, 3)
    assert heads.yaw_deg.shape == heads.identity.shape
