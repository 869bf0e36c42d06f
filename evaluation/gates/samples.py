"""A pooled sample of people whom no network has seen: crops and clips with whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from packs.arrays import F32, U8

Keys = NDArray[np.int64]

# What the truth of films calls a visible face, and a body of which half can be seen.
MIN_WIDTH_PX = 24.0
MIN_FACE_VISIBILITY = 0.7
MAX_FACE_YAW_DEG = 60.0
MIN_BODY_VISIBILITY = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """Crops uint8[N, h, w, 3] of one kind, with identity, outfit, frame and scene of each: int64[N]."""

    images: U8
    identity: Keys
    outfit: Keys
    frame: Keys
    scene: Keys


@dataclass(frozen=True, slots=True, eq=False)
class Clips:
    """Clips of one voice each, float32[T] mono at 16 kHz, and whose: int64[N]."""

    sounds: tuple[F32, ...]
    identity: Keys


def load_crops(folder: Path) -> tuple[Crops, Crops]:
    """Read the visible faces and bodies of a folder of `python -m synthetic frames`.

    Raises:
        ValueError: no shards there, or shards without scenes.
    """
    faces, bodies = [], []
    for shard in _shards(folder, "shard_[0-9]*.npz", "frames"):
        with np.load(shard) as columns:
            if "scene" not in columns.files:
                raise ValueError(f"got {shard} without the column `scene`, expected schema synthcast-frames/2")
            faces.append(_chosen(columns, "face_crop", _visible_faces(columns)))
            bodies.append(_chosen(columns, "body_crop", _visible_bodies(columns)))
    return _joined(faces), _joined(bodies)


def load_clips(folder: Path) -> Clips:
    """Read the clips with a voice of a folder of `python -m synthetic voices`.

    Raises:
        ValueError: no shards there.
    """
    sounds: list[F32] = []
    identity: list[Keys] = []
    for shard in _shards(folder, "voices_[0-9]*.npz", "voices"):
        with np.load(shard) as columns:
            samples = columns["clips"].astype(np.float32) / 32768
            parts = np.split(samples, columns["offsets"][1:-1])
            speaks = columns["identity"] >= 0
            sounds += [part for part, kept in zip(parts, speaks, strict=True) if kept]
            identity.append(columns["identity"][speaks].astype(np.int64))
    return Clips(tuple(sounds), np.concatenate(identity))


def first_people(crops: Crops, identities: int) -> Crops:
    """Keep the crops of the first so many people of the cast: galleries of one size can be compared."""
    kept = crops.identity < identities
    return Crops(crops.images[kept], crops.identity[kept], crops.outfit[kept], crops.frame[kept], crops.scene[kept])


def first_speakers(clips: Clips, identities: int) -> Clips:
    """Keep the clips of the first so many people of the cast."""
    kept = clips.identity < identities
    return Clips(tuple(sound for sound, keep in zip(clips.sounds, kept, strict=True) if keep), clips.identity[kept])


def _shards(folder: Path, pattern: str, command: str) -> Sequence[Path]:
    found = sorted(folder.glob(pattern))
    if not found:
        raise ValueError(f"no shards in {folder}: write them with `python -m synthetic {command} --out {folder}`")
    return found


def _visible_faces(columns: Any) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        wide = columns["face"][:, 2] - columns["face"][:, 0] >= MIN_WIDTH_PX
    turned = np.abs(columns["yaw_deg"]) < MAX_FACE_YAW_DEG
    return np.asarray(wide & turned & (columns["face_visibility"] >= MIN_FACE_VISIBILITY))


def _visible_bodies(columns: Any) -> NDArray[np.bool_]:
    wide = columns["person"][:, 2] - columns["person"][:, 0] >= MIN_WIDTH_PX
    return np.asarray(wide & (columns["visibility"] >= MIN_BODY_VISIBILITY))


def _chosen(columns: Any, crop: str, kept: NDArray[np.bool_]) -> Crops:
    numbers = (columns[name][kept].astype(np.int64) for name in ("identity", "outfit", "frame_index", "scene"))
    return Crops(columns[crop][kept], *numbers)


def _joined(parts: Sequence[Crops]) -> Crops:
    names = ("images", "identity", "outfit", "frame", "scene")
    return Crops(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
