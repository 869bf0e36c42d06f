"""SynthCast training frames on the disk: `index.json`, numbered npz shards and JPEG frames."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SCHEMA = "synthcast-frames/2"
FRAME_WIDTH_PX = 1280
FRAME_HEIGHT_PX = 720


class DataError(Exception):
    """Training data that is absent, incomplete or of another schema."""


class RenderError(Exception):
    """The world could not be rendered."""


@dataclass(frozen=True, slots=True)
class People:
    """Everybody in the frames, one row a person in a frame.

    Attributes:
        frame: int32[M], number of the frame.
        identity: int32[M], number in the cast.
        outfit: int32[M], number of the outfit of that identity.
        scene: int32[M], number of the scene: one room, one light, one set of clothes.
        person: float32[M, 4], box in 1280x720 pixels, x0, y0, x1, y1.
        head: float32[M, 4], likewise.
        face: float32[M, 4], likewise; nan where the face is turned away.
        visibility: float32[M], visible share of the person, 0..1.
        face_visibility: float32[M], visible share of the face, 0..1.
        yaw_deg: float32[M], head yaw relative to the camera.
    """

    frame: NDArray[np.int32]
    identity: NDArray[np.int32]
    outfit: NDArray[np.int32]
    scene: NDArray[np.int32]
    person: NDArray[np.float32]
    head: NDArray[np.float32]
    face: NDArray[np.float32]
    visibility: NDArray[np.float32]
    face_visibility: NDArray[np.float32]
    yaw_deg: NDArray[np.float32]

    def __len__(self) -> int:
        return int(self.frame.shape[0])


_FIELDS = {
    "frame": "frame_index",
    "identity": "identity",
    "outfit": "outfit",
    "scene": "scene",
    "person": "person",
    "head": "head",
    "face": "face",
    "visibility": "visibility",
    "face_visibility": "face_visibility",
    "yaw_deg": "yaw_deg",
}


@dataclass(frozen=True, slots=True)
class FrameSet:
    """A folder of frames.

    Attributes:
        directory: The folder.
        shards: Its npz files, in order.
        attributes: What is known of each identity, in the order of the cast; empty while the folder is being written.
        seed: Seed of the cast; None while the folder is being written.
    """

    directory: Path
    shards: tuple[Path, ...]
    attributes: Sequence[Mapping[str, Any]]
    seed: int | None

    def people(self) -> People:
        """Read everything but the crops."""
        columns: dict[str, list[NDArray[Any]]] = {field: [] for field in _FIELDS}
        for shard in self.shards:
            with np.load(shard) as content:
                for field, stored in _FIELDS.items():
                    columns[field].append(content[stored])
        return People(**{field: np.concatenate(parts) for field, parts in columns.items()})

    def crops(self, name: str, wanted: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Read the crops of the wanted people.

        Args:
            name: `face_crop`, `head_crop` or `body_crop`.
            wanted: bool[M], one for each row of `people()`.

        Returns:
            uint8[wanted.sum(), h, w, 3], RGB, in the order of the rows.
        """
        parts, start = [], 0
        for shard in self.shards:
            with np.load(shard) as content:
                rows = content["identity"].shape[0]
                part = wanted[start : start + rows]
                start += rows
                if part.shape[0] == rows and part.any():
                    parts.append(content[name][part])
        if start != wanted.shape[0]:
            raise DataError(f"{wanted.shape[0]} rows were asked of {self.directory}, its shards hold {start}")
        return np.concatenate(parts)

    def frame_path(self, number: int) -> Path:
        """Path of a frame's JPEG (640x360)."""
        return self.directory / "frames" / f"{number:06d}.jpg"


def open_frames(directory: Path) -> FrameSet:
    """Open a folder of frames, complete or still growing (then: the shards that are there).

    Raises:
        DataError: If no shard is there, or the index is of another schema.
    """
    shards = tuple(sorted(directory.glob("shard_[0-9]*.npz")))
    if not shards:
        raise DataError(f"no shards in {directory}: render them with `python -m synthetic frames --out {directory}`")
    index_path = directory / "index.json"
    if not index_path.exists():
        return FrameSet(directory, shards, (), None)
    index = json.loads(index_path.read_text())
    if index.get("schema") != SCHEMA:
        raise DataError(f"{index_path} has schema {index.get('schema')!r}, expected {SCHEMA!r}")
    identities = sorted(index["identities"], key=lambda identity: int(identity["index"]))
    attributes = tuple(identity["attributes"] for identity in identities)
    return FrameSet(directory, shards, attributes, int(index["seed"]))
