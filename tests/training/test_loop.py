from pathlib import Path

import pytest
import torch
from torch import nn

from models.checkpoints import network_from_checkpoint, read_checkpoint
from training.loop import DivergedError, Trainer, moving_average
from training.machine import computes_bfloat16
from training.recipe import Recipe, RecipeError, read_recipe, total_steps
from training.run import task_from_recipe, train
from training.schedule import adamw, rate_at
from training.tasks import EncoderTask

RECIPES = Path(__file__).parents[2] / "training" / "recipes"


def small(name: str, steps: int = 2, batch: int = 6) -> Recipe:
    recipe = read_recipe(RECIPES / f"{name}.toml")
    phases = [phase.model_copy(update={"steps": steps, "batch": batch}) for phase in recipe.phases]
    if name == "detector":
        phases = [phase.model_copy(update={"height": 96, "width": 160}) for phase in phases]
    optimiser = recipe.optimiser.model_copy(update={"warmup_steps": 1})
    return recipe.model_copy(update={"phases": tuple(phases), "optimiser": optimiser})


def trainer(recipe: Recipe, data: Path, out: Path, lines: list[str]) -> Trainer:
    return Trainer(task=task_from_recipe(recipe, data), recipe=recipe, out=out, say=lines.append)


@pytest.mark.parametrize("name", ["detector", "face", "head", "body", "voice", "voice_activity"])
def test_a_killed_run_ends_where_a_whole_one_does(name: str, data: Path, voices: Path, tmp_path: Path) -> None:
    recipe, lines = small(name), []
    data = voices if name.startswith("voice") else data
    steps = total_steps(recipe)
    whole = trainer(recipe, data, tmp_path / "whole", lines).run()
    trainer(recipe, data, tmp_path / "halves", lines).run(until=steps - 1)
    halves = trainer(recipe, data, tmp_path / "halves", lines).run()
    assert f"resumed at step {steps - 1}" in lines
    one, two = read_checkpoint(whole), read_checkpoint(halves)
    assert (one.step, one.preset) == (two.step, two.preset) == (steps, recipe.preset)
    for key, value in one.weights.items():
        torch.testing.assert_close(two.weights[key], value, atol=1e-4, rtol=1e-3)
    network_from_checkpoint(one, recipe.preset)


def test_another_recipe_does_not_resume(data: Path, tmp_path: Path) -> None:
    trainer(small("body"), data, tmp_path, []).run(until=1)
    with pytest.raises(ValueError, match="another recipe"):
        trainer(small("body", batch=5), data, tmp_path, []).run()


def test_a_run_learns(data: Path, tmp_path: Path) -> None:
    """Flat colours are told apart within a few steps, with the whole loop in between."""
    recipe = small("body", steps=20, batch=16)
    recipe = recipe.model_copy(update={"phases": recipe.phases[:1]})
    run = trainer(recipe, data, tmp_path, [])
    batch = run.task.make_batch(0)
    run.task.network.eval()
    with torch.no_grad():
        before = run.task.losses(batch, 0)["arcface"].item()
    run.run()
    run.task.network.eval()
    with torch.no_grad():
        assert run.task.losses(batch, 0)["arcface"].item() < 0.8 * before


@pytest.mark.parametrize(("name", "loss"), [("voice", "arcface"), ("voice_activity", "entropy")])
def test_a_run_learns_to_hear(name: str, loss: str, voices: Path, tmp_path: Path) -> None:
    """Chords are told apart, and from noise, within a few steps."""
    recipe = small(name, steps=45, batch=12)
    recipe = recipe.model_copy(update={"phases": recipe.phases[:1]})
    run = trainer(recipe, voices, tmp_path, [])
    batch = run.task.make_batch(0)
    # With the batch's own statistics: running ones are not settled after so few steps.
    run.task.network.train()
    with torch.no_grad():
        before = run.task.losses(batch, 0)[loss].item()
    run.run()
    run.task.network.train()
    with torch.no_grad():
        assert run.task.losses(batch, 0)[loss].item() < 0.7 * before


def test_a_loss_that_is_no_number_stops_the_run(data: Path, tmp_path: Path) -> None:
    run = trainer(small("face"), data, tmp_path, [])
    nn.init.constant_(run.task.trained["arcface"].centres, float("nan"))  # type: ignore[index]
    with pytest.raises(DivergedError, match="step 0"):
        run.run()


def test_the_average_forgets_its_start() -> None:
    average = moving_average(0.99)
    value, steps = torch.tensor(100.0), torch.tensor(3)
    for count in range(40):
        average([value], [torch.tensor(1.0)], count)
    assert value.item() == pytest.approx(1.0, abs=0.1)
    average([steps], [torch.tensor(4)], 40)
    assert steps.item() == 4, "what counts is not averaged"


def test_the_rate_rises_then_falls_to_zero() -> None:
    optimiser = read_recipe(RECIPES / "face.toml").optimiser
    rates = [rate_at(step, 1000, optimiser) for step in range(1000)]
    top = rates.index(max(rates))
    assert max(rates) == optimiser.learning_rate
    assert abs(top - optimiser.warmup_steps) <= 1
    assert rates[-1] < 1e-4 * optimiser.learning_rate
    assert rates[0] == pytest.approx(optimiser.learning_rate / optimiser.warmup_steps)


def test_norms_and_biases_are_not_shrunk() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    shrunk, spared = adamw(module, read_recipe(RECIPES / "face.toml").optimiser).param_groups
    assert [p.ndim for p in shrunk["params"]] == [4]
    assert [p.ndim for p in spared["params"]] == [1, 1, 1]
    assert spared["weight_decay"] == 0.0


@pytest.mark.parametrize(
    ("flags", "expected"), [("fpu avx512f amx_bf16 amx_tile", True), ("fpu avx2 avx512f", False)], ids=["amx", "plain"]
)
def test_bfloat16_is_only_used_where_the_processor_has_it(flags: str, expected: bool, tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text(f"processor: 0\nflags\t\t: {flags}\n")
    assert computes_bfloat16(info) is expected
    assert computes_bfloat16(tmp_path / "absent") is False


def test_with_restarts_each_cycle_rises_and_falls() -> None:
    optimiser = read_recipe(RECIPES / "face.toml").optimiser.model_copy(
        update={"restart_at": (600,), "warmup_steps": 50}
    )
    rates = [rate_at(step, 1000, optimiser) for step in range(1000)]
    alone = optimiser.model_copy(update={"restart_at": ()})
    assert rates[:600] == [rate_at(step, 600, alone) for step in range(600)]
    assert rates[600:] == [rate_at(step, 400, alone) for step in range(400)]


def test_only_encoders_learn_on_another_device(data: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="expected an encoder"):
        train(RECIPES / "detector.toml", data, tmp_path, say=lambda line: None, device="cuda")
    assert not (tmp_path / "state.pt").exists()


def test_a_batch_moves_whole(data: Path) -> None:
    task = task_from_recipe(small("face"), data)
    assert isinstance(task, EncoderTask)
    batch = task.make_batch(0)
    moved = batch.on(torch.device("meta"))
    assert moved.crops.is_meta
    assert moved.labels.is_meta
    assert moved.crops.shape == batch.crops.shape
