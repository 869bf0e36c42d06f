"""Shards of training crops: one row for each person in a picture, columns in an npz file, and the index of a folder."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from synthetic.identity import make_identity
from synthetic.truth import Box, Seen
from synthetic.types import FRAME_HEIGHT, FRAME_WIDTH, U8, WORLD_VERSION, AnyArray

SCHEMA: Final = "synthcast-frames/2"
FACE_PX: Final = 112
BODY_PX: Final = (72, 144)
_FACE_MARGIN: Final = 1.5
_BODY_MARGIN: Final = 1.1


@dataclass(frozen=True, slots=True)
class Sighting:
    """One row of a shard: person `identity` in picture `frame_index` of scene `scene`, with truth and crops."""

    frame_index: int
    scene: int
    identity: int
    outfit: int
    seen: Seen
    face_crop: U8
    body_crop: U8
    head_crop: U8


def write_shard(path: Path, rows: list[Sighting]) -> None:
    """Write a shard; it appears whole or not at all."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, allow_pickle=False, **_columns(rows))
    part.replace(path)


def write_index(folder: Path, seed: int, identities: int, frames: int, shards: list[str]) -> None:
    """Write `index.json` (schema, people and their attributes, the shards), which says that a folder is complete."""
    people = [make_identity(seed, k) for k in range(identities)]
    index = {
        "schema": SCHEMA,
        "world_version": WORLD_VERSION,
        "seed": seed,
        "frames": frames,
        "width": FRAME_WIDTH,
        "height": FRAME_HEIGHT,
        "identities": [{"index": p.index, "identity_id": p.identity_id, "attributes": p.attributes()} for p in people],
        "shards": shards,
    }
    part = folder / "index.json.part"
    part.write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")
    part.replace(folder / "index.json")


def square_crop(picture: U8, box: Box | None) -> U8:
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


def body_crop(picture: U8, box: Box) -> U8:
    """Cut a person box enlarged by 1.1 and clipped to the frame, stretched to uint8[144, 72, 3]."""
    x0, y0, x1, y1 = box
    cx, cy, w, h = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) * _BODY_MARGIN, (y1 - y0) * _BODY_MARGIN
    height, width = picture.shape[:2]
    return _cut(
        picture, (max(cx - w / 2, 0), max(cy - h / 2, 0), min(cx + w / 2, width), min(cy + h / 2, height)), BODY_PX
    )


def _columns(rows: list[Sighting]) -> dict[str, AnyArray]:
    nothing = (np.nan,) * 4
    return {
        "frame_index": np.array([r.frame_index for r in rows], np.int32),
        "scene": np.array([r.scene for r in rows], np.int32),
        "identity": np.array([r.identity for r in rows], np.int32),
        "outfit": np.array([r.outfit for r in rows], np.int32),
        "person": np.array([r.seen.person for r in rows], np.float32).reshape(-1, 4),
        "head": np.array([r.seen.head or nothing for r in rows], np.float32).reshape(-1, 4),
        "face": np.array([r.seen.face or nothing for r in rows], np.float32).reshape(-1, 4),
        "visibility": np.array([r.seen.visibility for r in rows], np.float32),
        "face_visibility": np.array([r.seen.face_visibility for r in rows], np.float32),
        "yaw_deg": np.array([r.seen.yaw_deg for r in rows], np.float32),
        "face_crop": _stack([r.face_crop for r in rows]),
        "body_crop": _stack([r.body_crop for r in rows]),
        "head_crop": _stack([r.head_crop for r in rows]),
    }


def _stack(crops: list[U8]) -> U8:
    return np.stack(crops) if crops else np.zeros((0, 0, 0, 3), np.uint8)


def _cut(picture: U8, box: tuple[float, float, float, float], size: tuple[int, int]) -> U8:
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
