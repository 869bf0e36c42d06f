"""One person's hits, in order of time, merged into spans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from services.backends.schemas import Video
from services.search.answer import Hit, TrackSpan

MERGE_GAP_S = 1.0


def spans_of(hits: Iterable[Hit], videos: Mapping[str, Video]) -> tuple[TrackSpan, ...]:
    """Merge hits less than a second apart, video by video.

    Videos whose recording time is known come first, by that time, then the others by video id; within a video spans are
    ordered by start.
    """
    by_video: dict[str, list[Hit]] = defaultdict(list)
    for hit in hits:
        by_video[hit.appearance.video_id].append(hit)
    order = sorted(by_video, key=lambda video_id: _video_rank(video_id, videos))
    return tuple(span for video_id in order for span in _merged(video_id, by_video[video_id]))


def _video_rank(video_id: str, videos: Mapping[str, Video]) -> tuple[bool, float, str]:
    video = videos.get(video_id)
    recorded_at = video.recorded_at if video is not None else None
    return recorded_at is None, recorded_at or 0.0, video_id


def _merged(video_id: str, hits: Sequence[Hit]) -> list[TrackSpan]:
    ordered = sorted(hits, key=lambda hit: (hit.appearance.start_s, hit.appearance.appearance_id))
    groups: list[list[Hit]] = []
    end_s = 0.0
    for hit in ordered:
        if groups and hit.appearance.start_s - end_s < MERGE_GAP_S:
            groups[-1].append(hit)
            end_s = max(end_s, hit.appearance.end_s)
        else:
            groups.append([hit])
            end_s = hit.appearance.end_s
    return [_span(video_id, group) for group in groups]


def _span(video_id: str, hits: Sequence[Hit]) -> TrackSpan:
    start_s = min(hit.appearance.start_s for hit in hits)
    end_s = max(hit.appearance.end_s for hit in hits)
    return TrackSpan(video_id, start_s, end_s, tuple(hits))
