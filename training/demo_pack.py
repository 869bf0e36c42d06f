"""The whole demo pack by one command: render, train, export, calibrate, measure, write the card."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from models.checkpoints import WORD_PRESETS, read_checkpoint
from models.text import SMALL_IMAGE, SMALL_WORDS
from packs.manifest import Pack
from packs.sound import SAMPLE_RATE
from packs.words import WordTokenizer, read_vocabulary
from training.calibrate import PART_OF, calibrate
from training.card import write_card
from training.data.descriptions import FILE
from training.data.shards import RenderError, open_frames
from training.data.voices import open_voices
from training.evaluate import evaluate
from training.film_sets import MOUTHS, cut_films
from training.levelling import level_faces
from training.measure.sets import sample_inputs
from training.measure.speaking import sample_faces
from training.measure.voices import sample_windows
from training.measure.words import sample_words
from training.recipe import Recipe, read_recipe
from training.run import train
from training.tasks.description import VOCABULARY_FILE

RECIPES = Path(__file__).parent / "recipes"
SIGHT_RECIPES = ("detector", "face", "head", "body")
SOUND_RECIPES = ("voice", "voice_activity")
WORD_RECIPES = ("words",)
FILM_RECIPES = ("speaking",)
LARGEST_RECIPE = "face"
DEMO = Path(__file__).resolve().parents[1] / "packs" / "demo"
PARITY_ROWS = 32

Kind = Literal["frames", "closeups", "voices"]
# How each command calls the number of what it makes.
COUNTED = {"frames": "--frames", "closeups": "--views", "voices": "--clips"}


@dataclass(frozen=True, slots=True)
class Part:
    """One set: seeds keep the casts apart, so that no identity is in two of them.

    Attributes:
        name: Its folder.
        kind: The command of `python -m synthetic` that makes it.
        seed: Seed of the cast.
        identities: People of the cast.
        count: Frames in all, views of each person, or clips in all.
    """

    name: str
    kind: Kind
    seed: int
    identities: int
    count: int


# The casts of frames and voices of one seed are the same people, which never cross: train, val and test differ.
PARTS = (
    Part("train", "frames", 1000, 2000, 5000),
    Part("closeups", "closeups", 1500, 20000, 8),
    Part("val", "frames", 2000, 100, 600),
    Part("test", "frames", 3000, 250, 1000),
    Part("train", "voices", 1000, 2400, 16000),
    Part("val", "voices", 2000, 160, 1500),
    Part("test", "voices", 3000, 250, 2500),
)


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the sets lie.

    Attributes:
        frames: Folder of the sets of frames.
        voices: Folder of the sets of voices.
    """

    frames: Path
    voices: Path

    @classmethod
    def below(cls, data: Path, voices: Path | None = None) -> Folders:
        """The usual places: voices lie in a folder of their own beside the frames."""
        return cls(data, voices or data / "voices")

    def of(self, part: Part) -> Path:
        """Folder of a set."""
        return (self.voices if part.kind == "voices" else self.frames) / part.name


def demo_pack(
    folders: Folders,
    runs: Path,
    out: Path,
    *,
    version: str,
    say: Callable[[str], None],
    threads: int,
    words: bool = False,
    device: str = "cpu",
    processes: int = 0,
) -> None:
    """Make the demo pack; what is already there (data, finished or killed runs) is used.

    Args:
        folders: Folders for the sets.
        runs: Folder for the training runs.
        out: Folder of the pack.
        version: Version of the weights.
        say: Receives lines of progress.
        threads: Threads for training.
        words: Whether the sets of frames are described too and a text pair is trained, and an active-speaker network on
            films that are rendered for it.
        device: Where the face encoder is trained, `cpu` or `cuda`; it is nearly all of the work.
        processes: Processes that make its batches; 0 for one thread.
    """
    for part in PARTS:
        render(part, folders, say=say)
        if words and part.kind == "frames":
            write_words(folders.of(part), say=say)
    sources = [(name, folders.frames) for name in SIGHT_RECIPES] + [(name, folders.voices) for name in SOUND_RECIPES]
    sources += [(name, folders.frames) for name in WORD_RECIPES if words]
    if words:
        # The people of films are found with the pack of the repository, which the rest of this one replaces.
        cut_films(folders.frames, DEMO, say=say)
        sources += [(name, folders.frames) for name in FILM_RECIPES]
    weights = [
        train(
            RECIPES / f"{name}.toml",
            data,
            runs / name,
            say=say,
            threads=threads,
            device=device if name == LARGEST_RECIPE else "cpu",
            processes=processes if name == LARGEST_RECIPE else 0,
        )
        for name, data in sources
    ]
    finish(weights, folders, out, version=version, say=say)


def render(part: Part, folders: Folders, *, say: Callable[[str], None]) -> None:
    """Make a set that is not complete yet, in a process of its own.

    Raises:
        RenderError: If the renderer fails; its own message stands above.
    """
    folder = folders.of(part)
    if _complete(folder, part):
        return
    say(f"making {folder}: {part.kind} of {part.identities} people")
    options = ["--seed", part.seed, "--identities", part.identities, COUNTED[part.kind], part.count, "--workers", 2]
    _synthetic([part.kind, *map(str, options), "--out", str(folder)], f"making {folder}")


def write_words(folder: Path, *, say: Callable[[str], None]) -> None:
    """Describe the people of a set where that has not been done, in a process of its own.

    Raises:
        RenderError: If it fails; its own message stands above.
    """
    if not (folder / FILE).exists():
        say(f"describing {folder}")
        _synthetic(["descriptions", str(folder)], f"describing {folder}")


def _synthetic(arguments: Sequence[str], doing: str) -> None:
    done = subprocess.run([sys.executable, "-m", "synthetic", *arguments], check=False)
    if done.returncode != 0:
        raise RenderError(f"{doing} ended with status {done.returncode}; the renderer's message is above")


def finish(
    weights: Sequence[Path],
    folders: Folders,
    out: Path,
    *,
    version: str,
    say: Callable[[str], None],
    remarks: Sequence[str] = (),
) -> None:
    """Export trained weights, calibrate, measure, and write `metrics.json` and `CARD.md`.

    In a pack that is there already, networks without new weights stay, with their calibration and figures, and so does
    what its `metrics.json` says of sets that are not rendered here.

    Args:
        weights: Checkpoints of the networks, in any order; the vocabulary of a text pair lies beside its own.
        folders: Folders of the sets.
        out: Folder of the pack.
        version: Version of the weights.
        say: Receives lines of progress.
        remarks: What a reader of the card should know of these runs.
    """
    earlier = _earlier(out)
    presets = dict(_levelled(path, read_checkpoint(path).preset, folders) for path in weights)
    parts = {PART_OF[preset] for preset in presets.values()}
    parity = earlier["parity"] | export(presets, folders, out, version=version)
    calibration = calibrate(out, folders.frames, folders.voices, say=say, parts=parts)
    calibration["evidence"] = earlier["calibration"].get("evidence", {}) | calibration["evidence"]
    figures = evaluate(out, folders.frames, folders.voices, say=say, parts=parts)
    named = {f"{part.kind}/{part.name}": part for part in PARTS}
    rendered = {name: part for name, part in named.items() if (folders.of(part) / "index.json").exists()}
    report = {
        "data": earlier["data"] | {name: counts(folders.of(part), part.kind) for name, part in rendered.items()},
        "test": earlier["test"] | figures,
        "calibration": earlier["calibration"] | calibration,
        "parity": parity,
        "remarks": list(remarks),
    }
    (out / "metrics.json").write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
    write_card(out, report)
    say(f"wrote {out}: digest {Pack.load(out).digest}")


def _levelled(path: Path, preset: str, folders: Folders) -> tuple[Path, str]:
    """A checkpoint as it is exported, and its preset."""
    if preset == "face_encoder":
        path = level_faces(path, open_frames(folders.frames / "val"))
    return path, preset


def export(presets: Mapping[Path, str], folders: Folders, out: Path, *, version: str) -> dict[str, Any]:
    """Export in a process of its own, with parity taken on real inputs of the `val` sets.

    Args:
        presets: Checkpoints, and whose weights each holds.
        folders: Folders of the sets.
        out: Folder of the pack.
        version: Version of the weights.

    Returns:
        How far the exported networks are from the trained ones, by name.

    Raises:
        subprocess.CalledProcessError: If the export fails; its message stands above.
    """
    out.mkdir(parents=True, exist_ok=True)
    samples, report = out / "samples.partial.npz", out / "parity.partial.json"
    frames = open_frames(folders.frames / "val")
    inputs: dict[str, Any] = dict(sample_inputs(frames, _recipes(SIGHT_RECIPES, presets), PARITY_ROWS))
    if hearing := _recipes(SOUND_RECIPES, presets):
        inputs |= sample_windows(open_voices(folders.voices / "val"), hearing, PARITY_ROWS)
    for path, preset in presets.items():
        if preset in WORD_PRESETS:
            tokenizer = WordTokenizer(read_vocabulary(path.parent / VOCABULARY_FILE), length=SMALL_WORDS)
            inputs |= sample_words(frames, tokenizer, SMALL_IMAGE, PARITY_ROWS)
        if PART_OF[preset] == "speaking":
            inputs |= sample_faces(folders.frames / MOUTHS, read_recipe(RECIPES / "speaking.toml"), PARITY_ROWS)
    np.savez(samples, **inputs)
    command = [sys.executable, "-m", "export", "onnx", "--pack", out, "--version", version, "--checkpoint", *presets]
    command += ["--samples", samples, "--report", report]
    try:
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
        parity: dict[str, Any] = json.loads(report.read_text())
    finally:
        samples.unlink(missing_ok=True)
        report.unlink(missing_ok=True)
    return parity


def _recipes(names: Sequence[str], presets: Mapping[Path, str]) -> list[Recipe]:
    """Those of the networks that are exported."""
    read = [read_recipe(RECIPES / f"{name}.toml") for name in names]
    return [recipe for recipe in read if recipe.preset in presets.values()]


def _earlier(out: Path) -> dict[str, dict[str, Any]]:
    """What a pack's `metrics.json` says; nothing for a new pack."""
    path = out / "metrics.json"
    report = json.loads(path.read_text()) if path.exists() else {}
    return {part: report.get(part, {}) for part in ("data", "parity", "test", "calibration")}


def counts(folder: Path, kind: Kind) -> dict[str, int]:
    """Say how much a set holds."""
    if kind == "voices":
        voices = open_voices(folder)
        spoken = voices.spoken
        return {
            "clips": len(voices),
            "identities": len(np.unique(voices.identity[spoken])),
            "with_speech": len(spoken),
            "minutes": round(len(voices.sound) / SAMPLE_RATE / 60),
        }
    people = open_frames(folder).people()
    return {
        "frames": len(np.unique(people.frame)),
        "identities": len(np.unique(people.identity)),
        "people": len(people),
    }


def _complete(folder: Path, part: Part) -> bool:
    """Say whether a set is whole: its index is written last."""
    path = folder / "index.json"
    if not path.exists():
        return False
    index = json.loads(path.read_text())
    if part.kind == "closeups":
        return len(index["identities"]) >= part.identities
    return int(index.get("clips" if part.kind == "voices" else "frames", 0)) >= part.count
