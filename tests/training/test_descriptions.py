import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from models.checkpoints import WORD_PRESETS, CheckpointError, network_from_checkpoint, read_checkpoint
from packs.words import read_vocabulary
from synthetic.descriptions import write_descriptions
from synthetic.frames import FramesJob, write_frames
from synthetic.renderer import Renderer
from training.__main__ import main
from training.data.batches import step_generator
from training.data.descriptions import load_pairs, read_descriptions
from training.data.shards import DataError, open_frames
from training.evaluate_words import evaluate_words, word_test
from training.loop import Trainer
from training.recipe import DescriptionRecipe, RecipeError, read_recipe
from training.run import task_from_recipe, train
from training.tasks.description import DescriptionTask, text_at, without_padding

RECIPE = Path(__file__).parents[2] / "training" / "recipes" / "words.toml"


@pytest.fixture(scope="module")
def described(data: Path, describe: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up sets with made-up sentences."""
    folder = tmp_path_factory.mktemp("described")
    for name in ("train", "test"):
        describe(shutil.copytree(data / name, folder / name))
    return folder


def small(steps: int = 2, batch: int = 4, **words: object) -> DescriptionRecipe:
    recipe = read_recipe(RECIPE)
    assert isinstance(recipe, DescriptionRecipe)
    phase = recipe.phases[0].model_copy(update={"steps": steps, "batch": batch})
    optimiser = recipe.optimiser.model_copy(update={"warmup_steps": 1})
    return recipe.model_copy(
        update={
            "phases": (phase,),
            "optimiser": optimiser,
            "words": recipe.words.model_copy(update=words),
            "crops": recipe.crops.model_copy(update={"least_visibility": 0.0}),
        }
    )


def shortened(path: Path, *, batch: int, steps: int) -> Path:
    """Write the recipe with other numbers; whatever numbers it has."""
    text = RECIPE.read_text()
    for name, value in (("batch", batch), ("steps", steps)):
        text, changed = re.subn(rf"^{name} = \d+$", f"{name} = {value}", text, flags=re.MULTILINE)
        assert changed == 1
    path.write_text(text)
    return path


def task_of(recipe: DescriptionRecipe, folder: Path) -> DescriptionTask:
    task = task_from_recipe(recipe, folder)
    assert isinstance(task, DescriptionTask)
    return task


def test_crops_meet_what_is_said_of_them(described: Path) -> None:
    frames = open_frames(described / "train")
    pairs = load_pairs([frames, frames], small().crops)
    people, known = frames.people(), read_descriptions(described / "train")
    assert len(pairs.described) == pairs.crops.classes
    for label, row in zip(pairs.crops.labels, pairs.crops.rows, strict=True):
        worn = int(people.identity[row % len(people)]), int(people.outfit[row % len(people)])
        assert pairs.described[label] == known[worn]


def test_training_sees_no_held_out_sentence(described: Path) -> None:
    task = task_of(small(), described)
    words = " ".join(task.vocabulary.words)
    assert "somebody" in words
    assert "dressed" in words
    for word in ("want", "unheard", "!"):
        assert word not in task.vocabulary.words
    texts = set(task.pairs.teaching_texts())
    assert not any("want" in text or "unheard" in text for text in texts)


def test_what_is_missing_is_said(described: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="python -m synthetic descriptions"):
        read_descriptions(data / "val")
    folder = shutil.copytree(described / "train", tmp_path / "set")
    content = json.loads((folder / "descriptions.json").read_text())
    for sentence in content["people"][0]["sentences"]:
        sentence["held_out"] = True
    (folder / "descriptions.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="held-out descriptions only"):
        load_pairs([open_frames(folder)], small().crops)
    content["people"] = content["people"][1:]
    (folder / "descriptions.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="is not described"):
        load_pairs([open_frames(folder)], small().crops)
    (folder / "descriptions.json").write_text(json.dumps({"schema": "other"}))
    with pytest.raises(DataError, match="schema 'other'"):
        read_descriptions(folder)
    with pytest.raises(ValueError, match="label crops by `outfit`"):
        load_pairs([open_frames(folder)], small().crops.model_copy(update={"label": "identity"}))


def test_a_batch_is_three_views_and_three_texts_of_each(described: Path) -> None:
    task = task_of(small(steps=3, batch=5), described)
    batch, again, other = task.make_batch(1), task.make_batch(1), task.make_batch(2)
    assert batch.crops.shape == (15, 128, 64, 3)
    assert batch.tokens.shape[0] == 15
    assert (batch.tokens[:, -1] != 0).any()
    assert batch.labels.reshape(3, 5).unique(dim=0).shape == (1, 5)
    # The views are drawn each by itself.
    assert (batch.crops[:5] != batch.crops[5:10]).any()
    for name in ("crops", "tokens", "labels", "patches", "words"):
        assert torch.equal(getattr(batch, name), getattr(again, name))
    assert (batch.crops != other.crops).any()
    assert batch.patches[0] == batch.words[0] == 0
    assert 33 - 6 <= len(batch.patches) <= 33


def test_each_level_says_the_same_in_its_way(described: Path) -> None:
    one = task_of(small(), described).pairs.described[0]
    caption = one.teaching[0]
    assert text_at("sentence", caption, one, step_generator(0, 0)) == caption.lower()
    assert text_at("phrase", caption, one, step_generator(0, 0)) in caption.lower()
    parts = {part for k in range(20) for part in text_at("word", caption, one, step_generator(0, k)).split(", ")}
    assert parts == {value.lower() for value in one.attributes.values()}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ({"loss": "sdm", "traits": 0.0}, ["sdm"]),
        ({"loss": "cmpm", "targets": "l2", "traits": 0.0}, ["cmpm"]),
        ({"loss": "contrast"}, ["contrast", "traits"]),
        ({"loss": "sdm", "identity": 1.0, "traits": 0.0, "levels": ("sentence",)}, ["sdm", "identity"]),
    ],
)
def test_losses_are_those_of_the_recipe(words: dict, names: list[str], described: Path) -> None:
    task = task_of(small(batch=3, **words), described)
    losses = task.losses(task.make_batch(0), 0)
    assert list(losses) == names
    torch.stack(list(losses.values())).sum().backward()
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in task.trained.parameters())
    for part, loss in (("identity", "identity"), ("reader", "traits")):
        assert (part in dict(task.trained.named_children())) == (loss in names)


def test_a_run_learns_who_is_called_what(described: Path, tmp_path: Path) -> None:
    """Flat colours meet the words for them within a few steps, with the whole loop in between."""
    recipe = small(steps=36, batch=6, loss="sdm", traits=0.0, levels=("sentence",), mask=0.0)
    run = Trainer(task=task_of(recipe, described), recipe=recipe, out=tmp_path, say=lambda line: None)
    batch = run.task.make_batch(0)
    with torch.no_grad():
        before = run.task.losses(batch, 0)["sdm"].item()
    run.run()
    with torch.no_grad():
        assert run.task.losses(batch, 0)["sdm"].item() < 0.8 * before


def test_a_killed_run_ends_where_a_whole_one_does(described: Path, tmp_path: Path) -> None:
    recipe = small(steps=3, batch=2)
    runs = []
    for name, stops in (("whole", (None,)), ("halves", (2, None))):
        for until in stops:
            run = Trainer(task=task_of(recipe, described), recipe=recipe, out=tmp_path / name, say=lambda line: None)
            path = run.run(until=until)
        runs.append(read_checkpoint(path).weights)
    for name, value in runs[0].items():
        torch.testing.assert_close(runs[1][name], value, atol=1e-4, rtol=1e-3)


def test_what_all_leave_empty_is_not_read() -> None:
    rows = np.array([[3, 4, 0, 0], [3, 4, 5, 0]], dtype=np.int32)
    assert without_padding(rows).tolist() == [[3, 4, 0], [3, 4, 5]]


@pytest.mark.parametrize("learns", [False, True])
def test_a_trunk_stays_or_learns(described: Path, tmp_path: Path, learns: bool) -> None:
    recipe = small(steps=1, batch=2)
    assert recipe.trunk is not None
    recipe = recipe.model_copy(update={"trunk": recipe.trunk.model_copy(update={"learns": learns})})
    task = task_of(recipe, described)
    kernel = task.model.patch_embed.proj.trunk[1].body[0].conv.weight
    before = kernel.detach().clone()
    Trainer(task=task, recipe=recipe, out=tmp_path, say=lambda line: None).run()
    assert (kernel != before).any() == learns


def test_a_pair_may_begin_from_nothing(described: Path) -> None:
    first = [task_of(small().model_copy(update={"trunk": trunk}), described) for trunk in (None, small().trunk)]
    kernels = [task.model.patch_embed.proj.trunk[0].conv.weight for task in first]
    assert (kernels[0] != kernels[1]).any()
    assert all(kernel.requires_grad == wanted for kernel, wanted in zip(kernels, (True, False), strict=True))


def test_another_size_or_another_vocabulary_is_refused(described: Path, tmp_path: Path) -> None:
    recipe = small()
    wrong = recipe.model_copy(update={"phases": (recipe.phases[0].model_copy(update={"height": 96}),)})
    with pytest.raises(RecipeError, match="takes crops of 128x64, got 96x64"):
        task_of(wrong, described)
    task = task_of(recipe, described)
    path = task.keep_vocabulary(tmp_path / "run")
    assert read_vocabulary(path).words == task.vocabulary.words
    task.keep_vocabulary(tmp_path / "run")
    path.write_text(path.read_text().replace("somebody", "nobody"))
    with pytest.raises(DataError, match="other words"):
        task.keep_vocabulary(tmp_path / "run")


def test_a_test_set_tells_why_sentences_are_held_out(described: Path) -> None:
    test = word_test(described / "test")
    groups = test.groups()
    people = len(np.unique(test.gallery.outfit))
    counts = {name: int(wanted.sum()) for name, wanted in groups.items()}
    assert counts["seen"] == 2 * people
    assert counts["held_out_template"] == counts["held_out_words"] == counts["seen_full"] == people
    assert counts["held_out_both"] == counts["seen_synonym"] == 0


def test_the_command_measures_beside_baseline_and_chance(described: Path, tmp_path: Path, capsys) -> None:
    recipe = shortened(tmp_path / "recipe.toml", batch=2, steps=1)
    weights = train(recipe, described, tmp_path / "run", say=lambda line: None, threads=1)
    assert main(["evaluate-words", "--weights", str(weights), "--data", str(described)]) == 0
    out = capsys.readouterr().out
    figures = json.loads(out[out.index("{") :])
    assert figures["gallery"] > 10
    for name in ("network", "bag_of_words", "chance"):
        assert set(figures[name]["seen"]) == {"queries", "rank1", "rank10", "map"}
        assert figures[name]["held_out_both"] == {"queries": 0}
    with pytest.raises(CheckpointError, match="holds a ivt_body_small, expected a face_encoder"):
        network_from_checkpoint(read_checkpoint(weights), "face_encoder")


def test_a_rendered_set_goes_all_the_way(tmp_path: Path) -> None:
    # Asked of the renderer itself: `synthetic.testing` would bring films and their voices with it.
    try:
        Renderer(width=64, height=64).close()
    except RuntimeError as error:
        pytest.skip(str(error))
    for seed, name in ((71, "train"), (72, "test")):
        job = FramesJob(seed=seed, identities=4, frames=5, people_min=2, people_max=4, out=tmp_path / name)
        assert list(write_frames(job, workers=1)) == [0]
        write_descriptions(tmp_path / name, 2)
    recipe = shortened(tmp_path / "recipe.toml", batch=3, steps=2)
    weights = train(recipe, tmp_path, tmp_path / "run", say=lambda line: None, threads=1)
    figures = evaluate_words(weights, tmp_path, say=lambda line: None)
    assert figures["step"] == 2
    for name in ("network", "bag_of_words", "chance"):
        assert figures[name]["seen"]["queries"] > 4
        assert 0.0 < figures[name]["seen"]["map"] <= 1.0
    network_from_checkpoint(read_checkpoint(weights), "ivt_body_small", WORD_PRESETS)
