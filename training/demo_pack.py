"""The whole demo pack by one command: render, train, export, calibrate, measure, write the card."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
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


def finish(weights: list[Path], data: Path, out: Path, *, version: str, say: Callable[[str], None]) -> None:
    """Export trained weights, calibrate, measure, and write `metrics.json` and `CARD.md`."""
    parity = export(weights, data, out, version=version)
    calibration = calibrate(out, data, say=say)
    figures = evaluate(out, data, say=say)
    report = {
        "data": {part.name: _counts(open_frames(data / part.name)) for part in PARTS},
        "test": figures,
        "calibration": calibration,
        "parity": parity,
    }
    (out / "metrics.json").write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
    write_card(out, report)
    say(f"wrote {out}: digest {Pack.load(out).digest}")


def export(weights: list[Path], data: Path, out: Path, *, version: str) -> dict[str, Any]:
    """Export in a process of its own, twice: the second time parity is taken on real inputs cut as the pack says.

    Raises:
        subprocess.CalledProcessError: If an export fails; its message stands above.
    """
    base = [sys.executable, "-m", "export", "onnx", "--pack", str(out), "--version", version]
    base += ["--checkpoint", *map(str, weights)]
    out.mkdir(parents=True, exist_ok=True)
    subprocess.run(base, check=True, stdout=subprocess.DEVNULL)
    samples, report = out / "samples.partial.npz", out / "parity.partial.json"
    np.savez(samples, **sample_inputs(open_frames(data / "val"), Pack.load(out), PARITY_ROWS))
    try:
        subprocess.run(
            [*base, "--samples", str(samples), "--report", str(report)], check=True, stdout=subprocess.DEVNULL
        )
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
