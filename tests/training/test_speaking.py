"""The active-speaker network learns from films cut by `tools.cut_mouths`; here they are made up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from models.checkpoints import network_from_checkpoint, read_checkpoint
from training.__main__ import main
from training.data.mouths import cut_window, open_mouths, windows_of
from training.data.shards import DataError
from training.evaluate_speaking import candidates_of, evaluate_speaking
from training.loop import Trainer
from training.recipe import RecipeError, SpeakingRecipe, read_recipe, total_steps
from training.run import task_from_recipe

RECIPE = Path(__file__).parents[2] / "training" / "recipes" / "speaking.toml"
RATE, FPS, SECONDS = 16_000, 25, 8


def write_film(path: Path, seed: int) -> None:
    """Two people of one shot: the first speaks in every other second, and its mouth opens with the loudness."""
    rng = np.random.default_rng(seed)
    frames = FPS * SECONDS
    times = np.arange(frames) / FPS
    speaking = (times.astype(int) % 2).astype(np.int8)
    loud = rng.uniform(0.2, 1.0, frames) * speaking
    samples = np.repeat(loud, RATE // FPS) * rng.normal(0.0, 0.2, RATE * SECONDS)
    patches = np.full((2, frames, 56, 40), 140, np.uint8) + rng.integers(0, 20, (2, frames, 56, 40)).astype(np.uint8)
    for frame, opened in enumerate(loud):
        patches[0, frame, 38 : 38 + round(10 * opened), 14:26] = 20
    lines = np.flatnonzero(np.diff(np.concatenate([[0], speaking])) == 1) / FPS
    spans = np.repeat(np.stack([lines, lines + 1.0], axis=1), 2, axis=0)
    columns = {
        "sound": np.clip(samples * 32767, -32767, 32767).astype(np.int16),
        "sound_first": np.array([0]),
        "sound_start_s": np.array([0.0]),
        "patches": patches.reshape(-1, 56, 40),
        "times_s": np.tile(times, 2),
        "speaking": np.concatenate([speaking, np.zeros(frames, np.int8)]),
        "person": np.repeat([0, 1], frames),
        "shot": np.zeros(2 * frames, np.int64),
        "line": np.repeat(np.arange(len(lines)), 2),
        "line_span_s": spans,
        "line_dubbed": np.zeros(2 * len(lines), bool),
        "line_person": np.tile([0, 1], len(lines)),
        "line_right": np.tile([True, False], len(lines)),
        "line_evidence": np.tile([[0.0, 1.0, 0.5, 0.5], [0.0, 1.0, 0.0, 0.0]], (len(lines), 1)),
        "line_face_px": np.tile([20.0, 40.0], len(lines)),
        "line_motion": np.tile([0.5, 0.1], len(lines)),
    }
    np.savez_compressed(path, **columns)


@pytest.fixture(scope="module")
def mouths(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    (folder / "mouths").mkdir()
    for seed, name in enumerate(("a", "b", "c")):
        write_film(folder / "mouths" / f"{name}.npz", seed)
    return folder


def recipe(steps: int, batch: int = 4) -> SpeakingRecipe:
    read = read_recipe(RECIPE)
    assert isinstance(read, SpeakingRecipe)
    phases = (read.phases[0].model_copy(update={"steps": steps, "batch": batch}),)
    optimiser = read.optimiser.model_copy(update={"warmup_steps": 1})
    return read.model_copy(update={"films": ("a", "b"), "phases": phases, "optimiser": optimiser})


def test_windows_show_the_faces_and_the_sound_of_a_time(mouths: Path) -> None:
    films = open_mouths(mouths / "mouths", ["a"])
    windows = windows_of(films, 50)
    assert {window.person for window in windows} == {0, 1}
    seen = cut_window(films[0], 0, 1.0, 50)
    assert seen.faces.shape == (50, 56, 40)
    assert seen.cepstra.shape == (200, 13)
    assert seen.speaking.tolist() == [1] * 25 + [0] * 25
    # The first cepstrum is the energy's logarithm.
    assert seen.cepstra[:95, 0].mean() > seen.cepstra[105:, 0].mean() + 5.0
    beyond = cut_window(films[0], 0, 7.0, 50)
    assert beyond.counts.tolist() == [1.0] * 25 + [0.0] * 25


def test_a_film_that_was_not_cut_is_named(mouths: Path) -> None:
    with pytest.raises(DataError, match=r"no .*nine\.npz: cut it"):
        open_mouths(mouths / "mouths", ["nine"])


def test_sound_of_others_makes_nobody_speak(mouths: Path) -> None:
    read = recipe(1, batch=8)
    strange = read.model_copy(update={"augment": read.augment.model_copy(update={"strange": 1.0})})
    assert task_from_recipe(strange, mouths).make_batch(0).speaking.sum() == 0
    own = read.model_copy(update={"augment": read.augment.model_copy(update={"strange": 0.0})})
    assert task_from_recipe(own, mouths).make_batch(0).speaking.sum() > 40


def test_a_run_learns_resumes_and_is_measured(mouths: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    read = recipe(25, batch=6)
    run = Trainer(task=task_from_recipe(read, mouths), recipe=read, out=tmp_path, say=lambda line: None)
    batch = run.task.make_batch(0)
    run.task.network.train()
    with torch.no_grad():
        before = run.task.losses(batch, 0)["both"].item()
    run.run(until=24)
    again = Trainer(task=task_from_recipe(read, mouths), recipe=read, out=tmp_path, say=lambda line: None)
    weights = again.run()
    again.task.network.train()
    with torch.no_grad():
        assert again.task.losses(batch, 0)["both"].item() < 0.7 * before
    checkpoint = read_checkpoint(weights)
    assert checkpoint.step == total_steps(read)
    network_from_checkpoint(checkpoint, "active_speaker_small")
    assert main(["evaluate-speaking", "--weights", str(weights), "--data", str(mouths), "--films", "c"]) == 0
    said = capsys.readouterr().out
    figures = json.loads(said[said.index("{") :])
    right = figures["lines"]["right"]
    assert figures["lines"]["lines"] == 4
    assert (right["largest_face"]["share"], right["mouth_motion"]["share"]) == (0.0, 1.0)
    assert right["chance"]["share"] == 0.5
    # What it has learned after so few steps shows in its loss: its running statistics take a hundred to settle.
    assert set(right) == {"network", "jaw_and_sound", "mouth_motion", "largest_face", "chance"}
    assert figures["moments"]["speaking"] == pytest.approx(0.25)


def test_a_line_goes_to_whom_the_network_is_surest_of(mouths: Path) -> None:
    (film,) = open_mouths(mouths / "mouths", ["a"])
    said = np.where(film.columns["speaking"] > 0, 0.9, 0.1).astype(np.float32)
    worth = candidates_of(film, said)["network"]
    assert worth[film.columns["line_right"]] == pytest.approx(np.log(9.0), rel=1e-3)
    assert worth[~film.columns["line_right"]] == pytest.approx(-np.log(9.0), rel=1e-3)


def test_films_of_the_run_are_refused(mouths: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    text = RECIPE.read_text()
    line = next(line for line in text.splitlines() if line.startswith("films"))
    own.write_text(text.replace(line, 'films = ["a"]'))
    with pytest.raises(RecipeError, match="measure on other films"):
        evaluate_speaking(lambda faces, heard: heard[:, ::4, 0], mouths, ["a"], say=lambda line: None, recipe=own)
