"""One embedding of a tracklet's: what NetVLAD begins with, learns, and is compared with."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.fusion import netvlad, netvlad_small
from packs.manifest import Pack
from training.data.shards import open_frames
from training.data.tracklets import Tracklets, load_tracklets
from training.evaluate_aggregation import ask, evaluate_aggregation, gain, ways_of
from training.loop import Trainer
from training.recipe import AggregationRecipe, read_recipe
from training.tasks.aggregation import AggregationTask, aggregated, begin_as_mean, drawn_frames, relative

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "training" / "recipes" / "netvlad.toml"


def small(steps: int = 40, batch: int = 32) -> AggregationRecipe:
    recipe = read_recipe(RECIPE)
    assert isinstance(recipe, AggregationRecipe)
    phase = recipe.phases[0].model_copy(update={"steps": steps, "batch": batch})
    optimiser = recipe.optimiser.model_copy(update={"warmup_steps": 5, "average_decay": 0.8, "learning_rate": 1e-3})
    return recipe.model_copy(update={"phases": (phase,), "optimiser": optimiser})


def made_up(seed: int, people: int = 24, scenes: int = 4) -> Tracklets:
    """People are directions; most crops of a tracklet are one same stranger, who can be told by a coordinate."""
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(people, 256)).astype(np.float32)
    stranger = np.random.default_rng(99).normal(size=256).astype(np.float32)
    embeddings, members, identity, scene = [], [], [], []
    for person in range(people):
        for place in range(scenes):
            members.append(np.arange(len(embeddings), len(embeddings) + 5))
            identity.append(person)
            scene.append(place)
            for frame in range(5):
                who = directions[person] if frame < 2 else stranger
                embeddings.append(who + 2.2 * rng.normal(size=256).astype(np.float32))
    return Tracklets(np.stack(embeddings), tuple(members), np.array(identity), np.array(scene))


def test_crops_are_grouped_by_person_and_scene_in_order_of_time(data: Path) -> None:
    frames = open_frames(data / "train")
    recipe = small()
    tracklets = load_tracklets(frames, Pack.load(ROOT / "packs" / "demo"), recipe.crops)
    people = frames.people()
    assert len(np.concatenate(tracklets.members)) == len(tracklets.embeddings) == len(people)
    assert tracklets.embeddings.shape[1] == 256
    for rows, scene in zip(tracklets.members, tracklets.scene, strict=True):
        assert set(people.scene[rows]) == {scene}
        assert len(set(people.identity[rows])) == 1
        assert list(people.frame[rows]) == sorted(people.frame[rows])
    pairs = set(zip(people.identity.tolist(), people.scene.tolist(), strict=True))
    assert len(tracklets) == len(pairs)


def test_it_begins_as_the_mean() -> None:
    torch.manual_seed(0)
    network = netvlad_small().eval()
    begin_as_mean(network)
    tracklets = made_up(0)
    looks = relative(tracklets)
    found = aggregated(network, looks, tracklets.members[0])
    mean = looks[tracklets.members[0]].mean(0)
    assert float(found @ mean / np.linalg.norm(mean)) > 0.99
    with pytest.raises(ValueError, match="expected a projection from 2048 to 256"):
        begin_as_mean(netvlad(256, clusters=8, embedding_dim=128))


def test_every_frame_is_drawn_before_one_is_repeated() -> None:
    rng = np.random.default_rng(0)
    assert sorted(drawn_frames(np.array([4, 7, 9]), 3, rng)) == [4, 7, 9]
    assert np.bincount(drawn_frames(np.array([0, 1]), 5, rng)).min() == 2
    assert len(set(drawn_frames(np.arange(9), 5, rng))) == 5


def test_it_learns_to_overlook_what_strangers_share(tmp_path: Path) -> None:
    recipe, test = small(steps=120), made_up(7)
    task = AggregationTask(network=netvlad_small(), tracklets=made_up(1, people=96), recipe=recipe)
    weights = Trainer(task=task, recipe=recipe, out=tmp_path, say=lambda line: None).run()
    ways = ways_of(test, weights)
    assert list(ways) == ["longest", "mean", "by_length", "product", "netvlad"]
    found = {name: ask(test, way) for name, way in ways.items()}
    means = found["mean"].figures()["map"]
    assert found["netvlad"].figures()["map"] > means + 0.02
    better = gain(test, found["netvlad"], found["mean"])
    assert better["low"] < better["value"] < better["high"]
    assert better["value"] > 0.02
    assert gain(test, found["mean"], found["mean"])["value"] == 0.0


def test_a_set_is_measured(data: Path, tmp_path: Path) -> None:
    recipe = small(steps=2, batch=4)
    pack = Pack.load(ROOT / "packs" / "demo")
    tracklets = load_tracklets(open_frames(data / "train"), pack, recipe.crops)
    task = AggregationTask(network=netvlad_small(), tracklets=tracklets, recipe=recipe)
    weights = Trainer(task=task, recipe=recipe, out=tmp_path, say=lambda line: None).run()
    lines: list[str] = []
    report = evaluate_aggregation(weights, pack, data, say=lines.append)
    assert report["tracklets"] == len(load_tracklets(open_frames(data / "test"), pack, recipe.crops))
    assert set(report["over_mean"]) == set(report["ways"]) - {"mean"}
    assert all(way["queries"] == report["ways"]["mean"]["queries"] > 0 for way in report["ways"].values())
