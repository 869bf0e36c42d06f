"""The whole demo pack by one command: render, train, export, calibrate, measure, write the card."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from packs.manifest import Pack
from training.calibrate import calibrate
from training.card import write_card
from training.data.shards import FrameSet, RenderError, open_frames
from training.evaluate import evaluate
from training.measure.sets import sample_inputs
from training.recipe import read_recipe
from training.run import train

RECIPES = Path(__file__).parent / "recipes"
RECIPE_NAMES = ("detector", "face", "body")
PARITY_ROWS = 32


@dataclass(frozen=True, slots=True)
class Part:
    """One rendered set: seeds keep the casts apart, so that no identity is in two sets."""

    name: str
    seed: int
    identities: int
    frames: int


PARTS = (
    Part("train", 1000, 1600, 5250),
    Part("val", 2000, 100, 600),
    Part("test", 3000, 250, 1000),
)


def demo_pack(data: Path, runs: Path, out: Path, *, version: str, say: Callable[[str], None], threads: int) -> None:
    """Make the demo pack; what is already there (data, finished or killed runs) is used.

    Args:
        data: Folder for the rendered sets.
        runs: Folder for the training runs.
        out: Folder of the pack.
        version: Version of the weights.
        say: Receives lines of progress.
        threads: Threads for training.
    """
    for part in PARTS:
        render(part, data, say=say)
    weights = [train(RECIPES / f"{name}.toml", data, runs / name, say=say, threads=threads) for name in RECIPE_NAMES]
    finish(weights, data, out, version=version, say=say)


def render(part: Part, data: Path, *, say: Callable[[str], None]) -> None:
    """Render a set that is not complete yet, in a process of its own.

    Raises:
        RenderError: If the renderer fails; its own message stands above.
    """
    folder = data / part.name
    if _complete(folder, part):
        return
    say(f"rendering {part.name}: {part.frames} frames of {part.identities} people")
    options = ["--seed", part.seed, "--identities", part.identities, "--frames", part.frames, "--workers", 2]
    people = ["--people-min", 2, "--people-max", 6, "--out", folder]
    command = [sys.executable, "-m", "synthetic", "frames", *map(str, [*options, *people])]
    done = subprocess.run(command, check=False)
    if done.returncode != 0:
        raise RenderError(f"rendering {folder} ended with status {done.returncode}; the renderer's message is above")


def finish(
    weights: Sequence[Path],
    data: Path,
    out: Path,
    *,
    version: str,
    say: Callable[[str], None],
    remarks: Sequence[str] = (),
) -> None:
    """Export trained weights, calibrate, measure, and write `metrics.json` and `CARD.md`.

    Args:
        weights: Checkpoints of the three networks.
        data: Folder of the rendered sets.
        out: Folder of the pack.
        version: Version of the weights.
        say: Receives lines of progress.
        remarks: What a reader of the card should know of these runs.
    """
    parity = export(weights, data, out, version=version)
    calibration = calibrate(out, data, say=say)
    figures = evaluate(out, data, say=say)
    report = {
        "data": {part.name: _counts(open_frames(data / part.name)) for part in PARTS},
        "test": figures,
        "calibration": calibration,
        "parity": parity,
        "remarks": list(remarks),
    }
    (out / "metrics.json").write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
    write_card(out, report)
    say(f"wrote {out}: digest {Pack.load(out).digest}")


def export(weights: Sequence[Path], data: Path, out: Path, *, version: str) -> dict[str, Any]:
    """Export in a process of its own, with parity taken on real inputs of the `val` set.

    Raises:
        subprocess.CalledProcessError: If the export fails; its message stands above.
    """
    out.mkdir(parents=True, exist_ok=True)
    samples, report = out / "samples.partial.npz", out / "parity.partial.json"
    recipes = [read_recipe(RECIPES / f"{name}.toml") for name in RECIPE_NAMES]
    inputs: dict[str, Any] = dict(sample_inputs(open_frames(data / "val"), recipes, PARITY_ROWS))
    np.savez(samples, **inputs)
    command = [sys.executable, "-m", "export", "onnx", "--pack", out, "--version", version, "--checkpoint", *weights]
    command += ["--samples", samples, "--report", report]
    try:
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
        parity: dict[str, Any] = json.loads(report.read_text())
    finally:
        samples.unlink(missing_ok=True)
        report.unlink(missing_ok=True)
    return parity


def _complete(folder: Path, part: Part) -> bool:
    index = folder / "index.json"
    return index.exists() and int(json.loads(index.read_text()).get("frames", 0)) >= part.frames


def _counts(frames: FrameSet) -> dict[str, int]:
    people = frames.people()
    return {
        "frames": len(np.unique(people.frame)),
        "identities": len(np.unique(people.identity)),
        "people": len(people),
    }
