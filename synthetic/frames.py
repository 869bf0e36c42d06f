"""Training data: independent frames with boxes and crops, written in shards that a killed run can resume."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from synthetic.identity import make_identity
from synthetic.lens import Lens, compress
from synthetic.renderer import Renderer
from synthetic.staging import random_stage
from synthetic.truth import Box, Seen, observe
from synthetic.types import U8, WORLD_VERSION, AnyArray, generator
from synthetic.workers import share

SCHEMA: Final = "synthcast-frames/1"
SHARD_FRAMES: Final = 250
FACE_PX: Final = 112
BODY_PX: Final = (72, 144)
_FACE_MARGIN: Final = 1.5
_BODY_MARGIN: Final = 1.1
_MIN_VISIBILITY: Final = 0.05


@dataclass(frozen=True, slots=True)
class FramesJob:
    """What to write: `frames` frames of `people_min`..`people_max` of the `identities` people of cast `seed`."""

    seed: int
    identities: int
    frames: int
    people_min: int
    people_max: int
    out: Path

    def shards(self) -> int:
        """Return the number of shards."""
        return -(-self.frames // SHARD_FRAMES)


@dataclass(frozen=True, slots=True)
class Sighting:
    """One row of a shard: person `identity` in frame `frame_index`, with truth and crops."""

    frame_index: int
    identity: int
    outfit: int
    seen: Seen
    face_crop: U8
    body_crop: U8
    head_crop: U8


def plan_frames(job: FramesJob) -> list[list[int]]:
    """Deal the identities to frames like shuffled decks of cards, so that everyone appears about equally often."""
    rng = generator(job.seed, 101)
    deck: list[int] = []
    plan = []
    for _ in range(job.frames):
        count = int(rng.integers(job.people_min, job.people_max + 1))
        if len(deck) < count:
            deck += [int(k) for k in rng.permutation(job.identities)]
        hand: list[int] = []
        for card in list(deck):
            if len(hand) == count:
                break
            if card not in hand:
                hand.append(card)
                deck.remove(card)
        plan.append(hand)
    return plan


def write_frames(job: FramesJob, workers: int) -> Iterator[int]:
    """Write the missing shards with `workers` processes; yields the number of each shard as it is done."""
    (job.out / "frames").mkdir(parents=True, exist_ok=True)
    missing = [k for k in range(job.shards()) if not shard_path(job, k).exists()]
    yield from sorted(set(range(job.shards())) - set(missing))
    yield from share(_ShardWork(job), missing, workers)
    write_index(job)


@dataclass(frozen=True, slots=True)
class _ShardWork:
    job: FramesJob

    def __call__(self, shards: list[int]) -> Iterator[int]:
        if not shards:
            return
        cv2.setNumThreads(1)
        with Renderer(keep=1600) as renderer:
            for shard in shards:
                yield write_shard(renderer, self.job, shard)


def shard_path(job: FramesJob, shard: int) -> Path:
    """Return the file of a shard."""
    return job.out / f"shard_{shard:04d}.npz"


def write_index(job: FramesJob) -> None:
    """Write `index.json` (schema, people and their attributes, the shards that exist)."""
    people = [make_identity(job.seed, k) for k in range(job.identities)]
    index = {
        "schema": SCHEMA,
        "world_version": WORLD_VERSION,
        "seed": job.seed,
        "frames": job.frames,
        "width": 1280,
        "height": 720,
        "identities": [{"index": p.index, "identity_id": p.identity_id, "attributes": p.attributes()} for p in people],
        "shards": [shard_path(job, k).name for k in range(job.shards()) if shard_path(job, k).exists()],
    }
    part = job.out / "index.json.part"
    part.write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")
    part.replace(job.out / "index.json")


def write_shard(renderer: Renderer, job: FramesJob, shard: int) -> int:
    """Draw and write one shard; the arrays appear last and whole."""
    plan = plan_frames(job)
    lens = Lens(generator(job.seed, 102))
    rows: list[Sighting] = []
    for number in range(shard * SHARD_FRAMES, min((shard + 1) * SHARD_FRAMES, job.frames)):
        picture, sightings = draw_frame(renderer, lens, job, number, plan[number])
        small = cv2.resize(picture, (640, 360), interpolation=cv2.INTER_AREA)
        cv2.imwrite(
            str(job.out / "frames" / f"{number:06d}.jpg"),
            cv2.cvtColor(small, cv2.COLOR_RGB2BGR),
            [cv2.IMWRITE_JPEG_QUALITY, 90],
        )
        rows += sightings
    part = shard_path(job, shard).with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, allow_pickle=False, **_columns(rows))
    part.replace(shard_path(job, shard))
    return shard


def draw_frame(
    renderer: Renderer, lens: Lens, job: FramesJob, number: int, hand: list[int]
) -> tuple[U8, list[Sighting]]:
    """Draw frame `number` with the identities of `hand`; returns the degraded picture uint8[720, 1280, 3], its rows."""
    rng = generator(job.seed, 103, number)
    outfits = [int(k) for k in rng.integers(0, 4, len(hand))]
    stage = random_stage(rng, [make_identity(job.seed, k) for k in hand], outfits)
    drawn = renderer.draw(stage.camera, stage.room, stage.light, stage.actors, vignette=stage.vignette)
    blur = float(rng.uniform(0.45, 0.8) if rng.random() < 0.75 else rng.uniform(0.8, 2.2))
    picture = lens.expose(drawn.image, rng, blur_px=blur, noise=float(rng.uniform(0, 0.9)))
    picture = compress(picture, int(rng.integers(35, 93)))
    rows = []
    for seen, who, outfit in zip(observe(stage.camera, drawn), hand, outfits, strict=True):
        if seen.person is None or seen.visibility < _MIN_VISIBILITY:
            continue
        rows.append(
            Sighting(
                number,
                who,
                outfit,
                seen,
                _square(picture, seen.face),
                _body(picture, seen.person),
                _square(picture, seen.head),
            )
        )
    return picture, rows


def _columns(rows: list[Sighting]) -> dict[str, AnyArray]:
    nothing = (np.nan,) * 4
    return {
        "frame_index": np.array([r.frame_index for r in rows], np.int32),
        "identity": np.array([r.identity for r in rows], np.int32),
        "outfit": np.array([r.outfit for r in rows], np.int32),
        "person": np.array([r.seen.person for r in rows], np.float32).reshape(-1, 4),
        "head": np.array([r.seen.head or nothing for r in rows], np.float32).reshape(-1, 4),
        "face": np.array([r.seen.face or nothing for r in rows], np.float32).reshape(-1, 4),
        "visibility": np.array([r.seen.visibility for r in rows], np.float32),
        "face_visibility": np.array([r.seen.face_visibility for r in rows], np.float32),
        "yaw_deg": np.array([r.seen.yaw_deg for r in rows], np.float32),
        "face_crop": np.array([r.face_crop for r in rows], np.uint8).reshape(-1, FACE_PX, FACE_PX, 3),
        "body_crop": np.array([r.body_crop for r in rows], np.uint8).reshape(-1, BODY_PX[1], BODY_PX[0], 3),
        "head_crop": np.array([r.head_crop for r in rows], np.uint8).reshape(-1, FACE_PX, FACE_PX, 3),
    }


def _square(picture: U8, box: Box | None) -> U8:
    """Cut the square around a box, 1.5 times its longer side, edges repeated: uint8[112, 112, 3]; zeros for None."""
    if box is None:
        return np.zeros((FACE_PX, FACE_PX, 3), np.uint8)
    x0, y0, x1, y1 = box
    side = _FACE_MARGIN * max(x1 - x0, y1 - y0)
    return _cut(
        picture,
        ((x0 + x1 - side) / 2, (y0 + y1 - side) / 2, (x0 + x1 + side) / 2, (y0 + y1 + side) / 2),
        (FACE_PX, FACE_PX),
    )


def _body(picture: U8, box: Box) -> U8:
    """Cut a person box enlarged by 1.1 and clipped to the frame, stretched to uint8[144, 72, 3]."""
    x0, y0, x1, y1 = box
    cx, cy, w, h = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) * _BODY_MARGIN, (y1 - y0) * _BODY_MARGIN
    height, width = picture.shape[:2]
    return _cut(
        picture, (max(cx - w / 2, 0), max(cy - h / 2, 0), min(cx + w / 2, width), min(cy + h / 2, height)), BODY_PX
    )


def _cut(picture: U8, box: Box, size: tuple[int, int]) -> U8:
    """Resample the part of a picture under `box` to `size` (columns, rows), averaging when it shrinks."""
    x0, y0 = int(np.floor(box[0])), int(np.floor(box[1]))
    x1, y1 = max(int(np.ceil(box[2])), x0 + 1), max(int(np.ceil(box[3])), y0 + 1)
    h, w = picture.shape[:2]
    part: AnyArray = picture[max(y0, 0) : min(y1, h), max(x0, 0) : min(x1, w)]
    if x0 < 0 or y0 < 0 or x1 > w or y1 > h:
        part = cv2.copyMakeBorder(part, max(-y0, 0), max(y1 - h, 0), max(-x0, 0), max(x1 - w, 0), cv2.BORDER_REPLICATE)
    shrink = part.shape[1] > size[0] and part.shape[0] > size[1]
    return np.asarray(
        cv2.resize(part, size, interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR), dtype=np.uint8
    )
