"""A made-up cast: coloured rectangles with a pattern of their own, in the format of SynthCast frames."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray


def write_frames(directory: Path, *, identities: int = 6, frames: int = 12, per_shard: int = 5, seed: int = 0) -> Path:
    """Write frames of people who are rectangles: a striped body of one colour and a face of another."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(40, 255, size=(identities, 2, 3))
    (directory / "frames").mkdir(parents=True)
    for shard, start in enumerate(range(0, frames, per_shard)):
        rows = [_frame(directory, n, colours, rng) for n in range(start, min(frames, start + per_shard))]
        merged = {key: np.concatenate([row[key] for row in rows]) for key in rows[0]}
        np.savez(directory / f"shard_{shard:04d}.npz", **merged)
    people = [{"index": k, "identity_id": f"c{seed}-i{k}", "attributes": _attributes(k)} for k in range(identities)]
    index = {"schema": "synthcast-frames/2", "seed": seed, "frames": frames, "identities": people}
    (directory / "index.json").write_text(json.dumps(index))
    return directory


def _attributes(k: int) -> dict[str, object]:
    return {"skin": (k % 3) / 2, "apparent_age": 20 + 10 * (k % 5), "sex": "female" if k % 2 else "male"}


def _frame(directory: Path, number: int, colours: NDArray[np.int64], rng: np.random.Generator) -> dict[str, NDArray]:
    image = rng.integers(90, 130, size=(720, 1280, 3)).astype(np.uint8)
    who = rng.choice(len(colours), size=3, replace=False)
    person = np.zeros((3, 4), np.float32)
    face = np.zeros((3, 4), np.float32)
    for slot, identity in enumerate(who):
        x, y, w = 60 + 400 * slot + rng.integers(0, 60), rng.integers(60, 200), rng.integers(120, 240)
        person[slot] = (x, y, x + w, min(719, y + 2.4 * w))
        face[slot] = (x + 0.3 * w, y + 5, x + 0.7 * w, y + 5 + 0.5 * w)
        for box, colour in ((person[slot], colours[identity, 0]), (face[slot], colours[identity, 1])):
            x0, y0, x1, y1 = box.astype(int)
            image[y0:y1, x0:x1] = colour
    cv2.imwrite(str(directory / "frames" / f"{number:06d}.jpg"), cv2.resize(image, (640, 360))[..., ::-1])
    return {
        "frame_index": np.full(3, number, np.int32),
        "identity": who.astype(np.int32),
        "outfit": rng.integers(0, 2, size=3).astype(np.int32),
        "scene": np.full(3, number // 4, np.int32),
        "person": person,
        "head": face + np.array([-4, -4, 4, 4], np.float32),
        "face": face,
        "visibility": np.ones(3, np.float32),
        "face_visibility": np.ones(3, np.float32),
        "yaw_deg": np.zeros(3, np.float32),
        "face_crop": np.stack([_cut(image, box, 1.5, 112, 112) for box in face]),
        "head_crop": np.stack([_cut(image, box, 1.5, 112, 112) for box in face]),
        "body_crop": np.stack([_cut(image, box, 1.1, 144, 72) for box in person]),
    }


def _cut(image: NDArray[np.uint8], box: NDArray[np.float32], enlarge: float, height: int, width: int) -> NDArray:
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * enlarge
    if height == width:
        half = np.full(2, half.max())
    x0, y0 = np.maximum(centre - half, 0).astype(int)
    x1, y1 = np.minimum(centre + half, (1280, 720)).astype(int)
    return cv2.resize(image[y0:y1, x0:x1], (width, height))


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `train`, `val`, `test` and `closeups` sets of made-up people."""
    folder = tmp_path_factory.mktemp("synth")
    for seed, name in enumerate(("train", "val", "test", "closeups")):
        write_frames(folder / name, seed=seed, identities=8, frames=16)
    return folder


def write_voices(directory: Path, *, identities: int = 5, clips: int = 24, per_shard: int = 10, seed: int = 0) -> Path:
    """Write voices that are chords of two tones of their own over noise; every sixth clip is noise alone."""
    rng = np.random.default_rng(seed)
    tones = rng.uniform(200, 3000, size=(identities, 2))
    directory.mkdir(parents=True)
    for shard, start in enumerate(range(0, clips, per_shard)):
        parts = [_clip(n, tones, rng) for n in range(start, min(clips, start + per_shard))]
        sounds, speech, who = zip(*parts, strict=True)
        np.savez(
            directory / f"voices_{shard:04d}.npz",
            clips=np.concatenate(sounds),
            offsets=np.cumsum([0, *map(len, sounds)]).astype(np.int64),
            identity=np.array(who, np.int32),
            snr_db=np.array([np.nan if k < 0 else 15.0 for k in who], np.float32),
            speech=np.concatenate(speech),
            speech_offsets=np.cumsum([0, *map(len, speech)]).astype(np.int64),
            clip_kind=np.array([2 if k < 0 else 0 for k in who], np.uint8),
        )
    people = [{"index": k, "identity_id": f"c{seed}-i{k}", "attributes": _attributes(k)} for k in range(identities)]
    index = {"schema": "synthcast-voices/1", "seed": seed, "clips": clips, "rate_hz": 16000, "identities": people}
    (directory / "index.json").write_text(json.dumps(index))
    return directory


def _clip(number: int, tones: NDArray, rng: np.random.Generator) -> tuple[NDArray, NDArray, int]:
    who = -1 if number % 6 == 5 else number % len(tones)
    samples = int(rng.integers(12_000, 30_000))
    sound = rng.normal(0, 0.01, samples)
    speech = np.zeros(-(-samples // 160), np.uint8)
    if who >= 0:
        speech[10:-10] = 1
        times = np.arange(samples) / 16000
        loud = np.repeat(speech, 160)[:samples]
        sound += loud * sum(0.15 * np.sin(2 * np.pi * hz * times) for hz in tones[who])
    return np.clip(sound * 32767, -32768, 32767).astype(np.int16), speech, who


@pytest.fixture(scope="session")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `train`, `val` and `test` sets of made-up voices."""
    folder = tmp_path_factory.mktemp("voices")
    for seed, name in enumerate(("train", "val", "test")):
        write_voices(folder / name, seed=seed)
    return folder


# A word of their own for each of the first people; those who wear outfit 1 are "dressed up".
NAMES = ("amber", "birch", "cedar", "daisy", "elder", "fern", "ginger", "hazel", "iris", "jasmine")


def describe_set(directory: Path) -> Path:
    """Write made-up sentences about the made-up cast of `conftest.py`, as `descriptions.json`."""
    worn: set[tuple[int, int]] = set()
    for shard in directory.glob("shard_*.npz"):
        with np.load(shard) as content:
            worn |= set(zip(content["identity"].tolist(), content["outfit"].tolist(), strict=True))
    people = [_person(identity, outfit) for identity, outfit in sorted(worn)]
    content = {"schema": "synthcast-descriptions/1", "world_version": 2, "seed": 0, "rounds": 1, "people": people}
    (directory / "descriptions.json").write_text(json.dumps(content))
    return directory


def _person(identity: int, outfit: int) -> dict[str, Any]:
    name, how = NAMES[identity], "dressed up" if outfit else "plain"
    return {
        "identity": identity,
        "outfit": outfit,
        "attributes": {"person": name, "dress": how},
        "sentences": [
            _sentence(f"Somebody like {name}, {how}.", "full"),
            _sentence(f"{name}, who is {how}", "partial"),
            _sentence(f"I want {name}!", "negated", template=True),
            _sentence(f"one in unheard-of {name}", "synonym", words=True),
        ],
    }


def _sentence(text: str, kind: str, *, template: bool = False, words: bool = False) -> dict[str, Any]:
    return {
        "text": text,
        "kind": kind,
        "template": "t",
        "held_out": template or words,
        "held_out_template": template,
        "held_out_words": words,
    }


@pytest.fixture(scope="session")
def describe() -> Callable[[Path], Path]:
    """Writes made-up sentences about a made-up set: `describe_set`."""
    return describe_set
