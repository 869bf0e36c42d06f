"""A film's truth, as `python -m synthetic render` writes it (schema synthcast/1)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.tubes import Tube

__all__ = ["Film", "Portrait", "TruthTracklet", "load_film"]

SCHEMA = "synthcast/1"
# Which truth tracklets count (docs/evaluation.md): long, tall and visible enough for anybody to follow the person.
MIN_LENGTH_S = 1.0
MIN_MEDIAN_HEIGHT_PX = 60.0
MIN_MEDIAN_VISIBILITY = 0.5
# Below this visible share nobody can see the person: such frames of the truth take no part.
MIN_FRAME_VISIBILITY = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class TruthTracklet:
    """One person in one shot.

    Attributes:
        key: Unique over all films of a run.
        identity: Unique over all casts of a run.
        tube: Boxes of the whole person, in pixels, in the frames in which something of the person can be seen.
        hidden_frames: int64[n]; the frames in which the person is there but cannot be seen.
        face_visible: Whether the face is seen well in at least five frames.
        counts: Whether the tracklet is long, tall and visible enough to be asked for.
    """

    key: str
    identity: str
    tube: Tube
    hidden_frames: NDArray[np.int64]
    face_visible: bool
    counts: bool


@dataclass(frozen=True, slots=True)
class Portrait:
    """A query picture of a member of the cast."""

    identity: str
    path: Path


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """A film on disk with all that is known of it."""

    name: str
    path: Path
    width_px: int
    height_px: int
    frames_per_second: float
    duration_s: float
    tracklets: tuple[TruthTracklet, ...]
    portraits: tuple[Portrait, ...]
    attributes: Mapping[str, Mapping[str, Any]]


def load_film(folder: Path) -> Film:
    """Load `film.mp4`, `truth.json` and `queries/` of a folder; raises ValueError for a truth of another schema."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    if truth.get("schema") != SCHEMA:
        raise ValueError(f"got the schema {truth.get('schema')!r} in {folder}/truth.json, expected {SCHEMA!r}")
    facts = truth["film"]
    cast = f"cast{facts['cast_seed']}"
    frames_per_second = float(facts["fps"])
    name = folder.resolve().name
    return Film(
        name=name,
        path=(folder / "film.mp4").resolve(),
        width_px=int(facts["width"]),
        height_px=int(facts["height"]),
        frames_per_second=frames_per_second,
        duration_s=float(facts["duration_s"]),
        tracklets=tuple(_tracklet(name, cast, frames_per_second, raw) for raw in truth["tracklets"]),
        portraits=tuple(_portraits(folder, cast, truth["queries"])),
        attributes={f"{cast}/{raw['identity_id']}": raw["attributes"] for raw in truth["identities"]},
    )


def _tracklet(film: str, cast: str, frames_per_second: float, raw: Mapping[str, Any]) -> TruthTracklet:
    frames = np.asarray(raw["frames"]["index"], dtype=np.int64)
    in_frame = np.array([box is not None for box in raw["frames"]["person"]], dtype=bool)
    boxes = np.array([box or (0, 0, 0, 0) for box in raw["frames"]["person"]], dtype=np.float64).reshape(len(frames), 4)
    visibility = np.asarray(raw["frames"]["visibility"], dtype=np.float64) * in_frame
    seen = visibility >= MIN_FRAME_VISIBILITY
    return TruthTracklet(
        key=f"{film}/{raw['tracklet_id']}",
        identity=f"{cast}/{raw['identity_id']}",
        tube=Tube(frames[seen], boxes[seen]),
        hidden_frames=frames[~seen],
        face_visible=bool(raw["face_visible"]),
        counts=_counts(frames, boxes, visibility, frames_per_second),
    )


def _counts(
    frames: NDArray[np.int64],
    boxes: NDArray[np.float64],
    visibility: NDArray[np.float64],
    frames_per_second: float,
) -> bool:
    long_enough = len(frames) >= MIN_LENGTH_S * frames_per_second
    if not long_enough:
        return False
    tall_enough = float(np.median(boxes[:, 3] - boxes[:, 1])) >= MIN_MEDIAN_HEIGHT_PX
    return tall_enough and float(np.median(visibility)) >= MIN_MEDIAN_VISIBILITY


def _portraits(folder: Path, cast: str, queries: Sequence[Mapping[str, Any]]) -> list[Portrait]:
    wanted = [query for query in queries if query["kind"] == "portrait"]
    found: list[Portrait] = []
    for query in wanted:
        path = folder / query["path"]
        if not path.exists():
            path = folder / "queries" / query["path"]
        found.append(Portrait(f"{cast}/{query['identity_id']}", path))
    return found
