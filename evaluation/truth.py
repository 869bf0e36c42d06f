"""A film's truth, as `python -m synthetic render` writes it (schema synthcast/2; of synthcast/1 what is there)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.truth_speech import TruthSpeech, speech_from_truth
from evaluation.truth_words import Description, descriptions_from_truth, dress_of
from evaluation.tubes import Tube

__all__ = ["FaceViews", "Film", "QueryFile", "TruthTracklet", "load_film"]

SCHEMAS = ("synthcast/1", "synthcast/2")
# Which truth tracklets count (docs/evaluation.md): long, tall and visible enough for anybody to follow the person.
MIN_LENGTH_S = 1.0
MIN_MEDIAN_HEIGHT_PX = 60.0
MIN_MEDIAN_VISIBILITY = 0.5
# Below this visible share nobody can see the person: such frames of the truth take no part.
MIN_FRAME_VISIBILITY = 0.1
# When a face is visible in a frame (design, section 8).
MIN_FACE_WIDTH_PX = 24.0
MIN_FACE_VISIBILITY = 0.7
MAX_FACE_YAW_DEG = 60.0

NO_FACES = Tube(np.zeros(0, dtype=np.int64), np.zeros((0, 4)))


@dataclass(frozen=True, slots=True, eq=False)
class FaceViews:
    """Where a face is large enough and uncovered, however far it is turned.

    Attributes:
        tube: Boxes of the face, in pixels.
        yaw_deg: float64[n]; how far the head is turned from the camera, in either direction, in [0, 180].
    """

    tube: Tube
    yaw_deg: NDArray[np.float64]


NO_VIEWS = FaceViews(NO_FACES, np.zeros(0))


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
        faces: Boxes of the face, in pixels, in the frames in which it is visible.
        clear_frames: int64[n]; the frames in which at least half of the person is seen.
        scene: The scene, in which clothes hold; unique over all films of a run.
        dress: Who wears what, unique over all casts of a run; empty where the truth does not say.
        views: Of the face, turned as it may be.
    """

    key: str
    identity: str
    tube: Tube
    hidden_frames: NDArray[np.int64]
    face_visible: bool
    counts: bool
    faces: Tube = NO_FACES
    clear_frames: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    scene: str = ""
    dress: str = ""
    views: FaceViews = NO_VIEWS


@dataclass(frozen=True, slots=True)
class QueryFile:
    """A picture or a voice clip of a member of the cast, to ask with."""

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
    portraits: tuple[QueryFile, ...]
    attributes: Mapping[str, Mapping[str, Any]]
    speech: tuple[TruthSpeech, ...] = ()
    voices: tuple[QueryFile, ...] = ()
    descriptions: tuple[Description, ...] = ()


def load_film(folder: Path) -> Film:
    """Load `film.mp4`, `truth.json` and `queries/` of a folder; raises ValueError for a truth of another schema."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    if truth.get("schema") not in SCHEMAS:
        expected = " or ".join(SCHEMAS)
        raise ValueError(f"got the schema {truth.get('schema')!r} in {folder}/truth.json, expected {expected}")
    facts = truth["film"]
    cast = f"cast{facts['cast_seed']}"
    frames_per_second = float(facts["fps"])
    name = folder.resolve().name
    scenes = {shot["shot_id"]: f"{name}/{shot['scene_id']}" for shot in truth.get("shots", ())}
    return Film(
        name=name,
        path=(folder / "film.mp4").resolve(),
        width_px=int(facts["width"]),
        height_px=int(facts["height"]),
        frames_per_second=frames_per_second,
        duration_s=float(facts["duration_s"]),
        tracklets=tuple(_tracklet(name, cast, frames_per_second, scenes, raw) for raw in truth["tracklets"]),
        portraits=tuple(_query_files(folder, cast, truth["queries"], "portrait")),
        attributes={f"{cast}/{raw['identity_id']}": raw["attributes"] for raw in truth["identities"]},
        speech=tuple(speech_from_truth(name, cast, truth.get("speech", ()))),
        voices=tuple(_query_files(folder, cast, truth["queries"], "voice")),
        descriptions=tuple(descriptions_from_truth(cast, truth["queries"])),
    )


def _tracklet(
    film: str, cast: str, frames_per_second: float, scenes: Mapping[str, str], raw: Mapping[str, Any]
) -> TruthTracklet:
    columns = raw["frames"]
    frames = np.asarray(columns["index"], dtype=np.int64)
    boxes, in_frame = _boxes(columns["person"], len(frames))
    visibility = np.asarray(columns["visibility"], dtype=np.float64) * in_frame
    seen = visibility >= MIN_FRAME_VISIBILITY
    return TruthTracklet(
        key=f"{film}/{raw['tracklet_id']}",
        identity=f"{cast}/{raw['identity_id']}",
        tube=Tube(frames[seen], boxes[seen]),
        hidden_frames=frames[~seen],
        face_visible=bool(raw["face_visible"]),
        counts=_counts(frames, boxes, visibility, frames_per_second),
        faces=_faces(views := _views(frames, columns)),
        views=views,
        clear_frames=frames[visibility >= MIN_MEDIAN_VISIBILITY],
        scene=scenes.get(raw.get("shot_id", ""), film),
        dress=dress_of(cast, raw) if "outfit_id" in raw else "",
    )


def _boxes(column: Sequence[Sequence[float] | None], count: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return float64[count, 4], zeros where there is no box, and bool[count] where there is one."""
    there = np.array([box is not None for box in column], dtype=bool)
    boxes = np.array([box or (0, 0, 0, 0) for box in column], dtype=np.float64).reshape(count, 4)
    return boxes, there


def _views(frames: NDArray[np.int64], columns: Mapping[str, Any]) -> FaceViews:
    if "face" not in columns:
        return NO_VIEWS
    boxes, there = _boxes(columns["face"], len(frames))
    wide = boxes[:, 2] - boxes[:, 0] >= MIN_FACE_WIDTH_PX
    uncovered = np.asarray(columns["face_visibility"], dtype=np.float64) >= MIN_FACE_VISIBILITY
    seen = there & wide & uncovered
    yaw_deg = np.abs(np.asarray(columns["yaw_deg"], dtype=np.float64))
    return FaceViews(Tube(frames[seen], boxes[seen]), yaw_deg[seen])


def _faces(views: FaceViews) -> Tube:
    visible = views.yaw_deg < MAX_FACE_YAW_DEG
    return Tube(views.tube.frames[visible], views.tube.boxes[visible])


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


def _query_files(folder: Path, cast: str, queries: Sequence[Mapping[str, Any]], kind: str) -> list[QueryFile]:
    wanted = [query for query in queries if query["kind"] == kind and query.get("path")]
    found: list[QueryFile] = []
    for query in wanted:
        path = folder / query["path"]
        if not path.exists():
            path = folder / "queries" / query["path"]
        found.append(QueryFile(f"{cast}/{query['identity_id']}", path))
    return found
