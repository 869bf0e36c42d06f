"""The people of a finished shot, and the voices of those who are not in the picture, as rows of the index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType

import numpy as np

from packs.arrays import F32
from packs.spec import Modality
from services.backends.schemas import Appearance, AppearanceKind, Box, EmbeddingRow, KeyBox, Video
from services.ingest.identifiers import appearance_id_of, speech_id_of
from services.ingest.pipeline.aggregate import Aggregate, aggregate
from services.ingest.pipeline.settings import ObservationSettings
from services.ingest.pipeline.smoothing import smoothed_boxes
from services.ingest.pipeline.spoken import Spoken
from services.ingest.pipeline.values import Fragment, KeyFrame, Point, Shot

__all__ = ["FinishedAppearance", "appearances_of", "embedding_of", "speech_alone"]


@dataclass(frozen=True, slots=True, eq=False)
class FinishedAppearance:
    """An appearance with what belongs to it; its row still lacks the URI of the key frame."""

    row: Appearance
    embeddings: Mapping[Modality, EmbeddingRow]
    key_frame: KeyFrame | None

    def with_key_frame(self, uri: str) -> FinishedAppearance:
        """The same, with the place where the key frame was put."""
        return replace(self, row=replace(self.row, key_frame_uri=uri))


def appearances_of(
    video: Video,
    shot: Shot,
    fragments: Sequence[Fragment],
    keys: ObservationSettings,
    spoken: Mapping[int, Spoken] = MappingProxyType({}),
    alone: Sequence[Spoken] = (),
) -> list[FinishedAppearance]:
    """Turn the people of a shot, and what nobody in it says, into appearances.

    Args:
        video: The video's row.
        shot: The shot.
        fragments: Its people, in order of first frame and place.
        keys: How many key boxes, and how smooth.
        spoken: What each of them says, by their place in the list.
        alone: What is said off screen, in order of time.
    """
    tracklets = [
        _tracklet(
            video,
            shot,
            fragment,
            appearance_id_of(video.video_id, shot.start.frame, ordinal),
            keys,
            spoken.get(ordinal),
        )
        for ordinal, fragment in enumerate(fragments)
    ]
    return tracklets + [speech_alone(video, shot.start.frame, said) for said in alone]


def _tracklet(
    video: Video, shot: Shot, fragment: Fragment, appearance_id: str, keys: ObservationSettings, spoken: Spoken | None
) -> FinishedAppearance:
    start_s = fragment.first.position.time_s
    end_s = min(fragment.last.position.time_s + shot.frame_s, shot.end.time_s)
    joined = {
        modality: aggregate(
            seen,
            lengths_tell=modality is not Modality.TEXT,
            pictures_tell=keys.blur_tells and modality is Modality.FACE,
        )
        for modality, seen in fragment.observations.items()
    }
    joined[Modality.VOICE] = None if spoken is None else spoken.voice
    embeddings = {
        modality: embedding_of(video, appearance_id, (start_s, end_s), one)
        for modality, one in joined.items()
        if one is not None
    }
    row = Appearance(
        appearance_id=appearance_id,
        gallery=video.gallery,
        video_id=video.video_id,
        kind=AppearanceKind.TRACKLET,
        start_s=start_s,
        end_s=end_s,
        generation=video.generation,
        modalities=tuple(modality for modality in Modality if modality in embeddings),
        boxes=tuple(_key_boxes(fragment.points, shot, keys)),
        key_frame_s=start_s if fragment.key_frame is None else fragment.key_frame.position.time_s,
        speech=() if spoken is None else tuple(spoken.spans),
    )
    return FinishedAppearance(row, embeddings, fragment.key_frame)


def speech_alone(video: Video, shot_start_frame: int, spoken: Spoken) -> FinishedAppearance:
    """Speech of nobody on screen: an appearance without boxes."""
    span = (spoken.spans[0].start_s, spoken.spans[-1].end_s)
    appearance_id = speech_id_of(video.video_id, shot_start_frame, spoken.number)
    row = Appearance(
        appearance_id=appearance_id,
        gallery=video.gallery,
        video_id=video.video_id,
        kind=AppearanceKind.SPEECH,
        start_s=span[0],
        end_s=span[1],
        generation=video.generation,
        modalities=(Modality.VOICE,),
        key_frame_s=span[0],
        speech=tuple(spoken.spans),
    )
    return FinishedAppearance(row, {Modality.VOICE: embedding_of(video, appearance_id, span, spoken.voice)}, None)


def embedding_of(video: Video, appearance_id: str, span: tuple[float, float], one: Aggregate) -> EmbeddingRow:
    """An embedding as a row; `span` is that of its appearance."""
    return EmbeddingRow(
        appearance_id=appearance_id,
        gallery=video.gallery,
        video_id=video.video_id,
        start_s=span[0],
        end_s=span[1],
        generation=video.generation,
        quality=one.quality,
        vector=one.vector,
    )


def _key_boxes(points: list[Point], shot: Shot, keys: ObservationSettings) -> Iterator[KeyBox]:
    """Key boxes of a path: persons smoothed, heads and faces as they were found."""
    smooth = dict(zip(map(id, points), smoothed_boxes(points, keys.key_box_smoothing_s), strict=True))
    for point in _sampled(points, 1.0 / keys.key_box_rate_hz):
        yield _key_box(point, smooth[id(point)], shot)


def _sampled(points: list[Point], step_s: float) -> list[Point]:
    """Points about a step apart, with the first, the last and both ends of every gap."""
    chosen = [points[0]]
    for point, following in pairwise(points[1:]):
        since_s = point.position.time_s - chosen[-1].position.time_s
        until_s = following.position.time_s - point.position.time_s
        if since_s >= step_s - 1e-6 or until_s > step_s + 1e-6:
            chosen.append(point)
    return [*chosen, points[-1]] if len(points) > 1 else chosen


def _key_box(point: Point, box: F32, shot: Shot) -> KeyBox:
    person = point.person
    return KeyBox(
        time_s=point.position.time_s,
        person=_fractions(box, shot),
        head=None if person.head is None else _fractions(person.head, shot),
        face=None if person.face is None else _fractions(person.face, shot),
    )


def _fractions(box: F32, shot: Shot) -> Box:
    scale = np.array([shot.width_px, shot.height_px] * 2, dtype=np.float64)
    x0, y0, x1, y1 = np.clip(box.astype(np.float64) / scale, 0.0, 1.0)
    return Box(float(x0), float(y0), float(x1), float(y1))
