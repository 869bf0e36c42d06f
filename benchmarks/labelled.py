"""Labelled inputs of a pack's encoders: ``python -m benchmarks.labelled --data DIR --out DIR [--pack DIR]``.

Cuts SynthCast crops and windows of voices as the networks are served them, and writes three files of the form that
`python -m export int8` and `benchmarks.engines` read (one array a model, and ``<model>.identity``): ``calibration.npz``
and ``validation.npz``, each of half the people of the `val` sets, and ``test.npz`` of the `test` sets. No network was
trained on any of them, and nothing is chosen on the last. Needs the training environment.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from packs.manifest import Pack
from packs.sound import voice_windows
from packs.spec import Modality, ModelSpec, SoundPreprocessing
from training.data.shards import open_frames
from training.data.voices import open_voices
from training.measure.sets import crop_test

AnyArray = Any
# What is cut for a modality: sentences are about bodies.
CUT_AS = {Modality.FACE: Modality.FACE, Modality.BODY: Modality.BODY, Modality.TEXT: Modality.BODY}


def labelled(spec: ModelSpec, frames: Path, voices: Path) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Inputs of an encoder, int64 keys of who is looked for, and the people themselves, from one set."""
    if isinstance(spec.preprocessing, SoundPreprocessing):
        clips = open_voices(voices)
        rows = clips.spoken
        windows = np.concatenate([voice_windows(clips.clip(row), spec.preprocessing)[:1] for row in rows.tolist()])
        people = clips.identity[rows].astype(np.int64)
        return windows, people, people
    height, width, _ = spec.inputs[0].shape
    modality = CUT_AS[Modality(str(spec.modality))]
    crops = crop_test(open_frames(frames), modality, (height, width))
    keys = crops.identity if modality is Modality.FACE else crops.identity_in_scene
    return crops.crops, keys, crops.identity


def parts_of(spec: ModelSpec, data: Path, rows: int, seed: int) -> Iterator[tuple[str, AnyArray, AnyArray]]:
    """Name of the file, inputs and keys, at most so many rows of each."""
    for folder in ("val", "test"):
        inputs, keys, people = labelled(spec, data / folder, data / "voices" / folder)
        halves = {"calibration": people % 2 == 0, "validation": people % 2 == 1}
        chosen = halves if folder == "val" else {"test": np.ones(len(people), np.bool_)}
        for name, wanted in chosen.items():
            found = np.flatnonzero(wanted)
            # Whole people: somebody of whom one row is taken cannot be found.
            order = np.random.default_rng(seed).permutation(np.unique(keys[found]))
            rank = np.empty(len(found), np.int64)
            rank[np.argsort(_places(order, keys[found]), kind="stable")] = np.arange(len(found))
            kept = found[np.sort(np.flatnonzero(rank < rows))]
            yield name, inputs[kept], keys[kept]


def _places(order: AnyArray, keys: AnyArray) -> AnyArray:
    place = {int(key): index for index, key in enumerate(order)}
    return np.array([place[int(key)] for key in keys])


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the files and print how many rows of how many keys each holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the rendered sets")
    parser.add_argument("--out", type=Path, required=True, help="folder of the files")
    parser.add_argument("--pack", type=Path, default=Path("packs/demo"), help="a model pack")
    parser.add_argument("--model", action="append", help="only this encoder; may be repeated")
    parser.add_argument("--rows", type=int, default=1500, help="most rows of an encoder in a file")
    parser.add_argument("--seed", type=int, default=0, help="of who is taken when there are more")
    options: Any = parser.parse_args(arguments)
    pack = Pack.load(options.pack)
    files: dict[str, dict[str, AnyArray]] = {}
    for name, spec in pack.models.items():
        cut = spec.modality in CUT_AS or spec.modality is Modality.VOICE
        if not cut or (options.model and name not in options.model):
            continue
        for file, inputs, keys in parts_of(spec, options.data, options.rows, options.seed):
            files.setdefault(file, {}).update({name: inputs, f"{name}.identity": keys})
            print(json.dumps({"file": file, "model": name, "rows": len(keys), "keys": len(np.unique(keys))}))
    options.out.mkdir(parents=True, exist_ok=True)
    for file, arrays in files.items():
        np.savez(options.out / f"{file}.npz", allow_pickle=False, **arrays)


if __name__ == "__main__":
    main()
