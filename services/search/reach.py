"""How far each modality holds: the difference between a long-term key and a short-term connection.

Faces and voices hold across videos, for years. What a person wears holds within one video, or between videos of one
site, and only for a while. So a body vector of an appearance is compared with what lies within its reach and with
nothing else, just as the association service builds its body edges. And nobody is in two places of a picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from packs.spec import Modality
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import Appearance, AppearanceKind, Scope, Video

LONG_TERM = frozenset({Modality.FACE, Modality.VOICE})
# Hair, hats and glasses outlive a coat, but across videos they are too weak to be a key.
SHORT_TERM = frozenset({Modality.HEAD, Modality.BODY, Modality.TEXT})


@dataclass(frozen=True, slots=True)
class Stretch:
    """The time [start_s, end_s) of one video, in seconds from its start."""

    video_id: str
    start_s: float
    end_s: float

    def overlaps(self, video_id: str, start_s: float, end_s: float) -> bool:
        """Whether something of that video and time lies in it, at least in part."""
        return self.video_id == video_id and start_s < self.end_s and end_s > self.start_s

    def within(self, scope: Scope) -> Stretch | None:
        """The part of it that a scope leaves, if any."""
        if scope.video_ids and self.video_id not in scope.video_ids:
            return None
        start_s = self.start_s if scope.start_s is None else max(self.start_s, scope.start_s)
        end_s = self.end_s if scope.end_s is None else min(self.end_s, scope.end_s)
        return Stretch(self.video_id, start_s, end_s) if start_s < end_s else None


class ShortTermReach:
    """Finds the stretches in which a short-term modality of an appearance holds."""

    def __init__(self, index: VectorIndex, window_s: float, max_videos: int) -> None:
        self._index = index
        self._window_s = window_s
        self._max_videos = max_videos

    async def of(self, appearance: Appearance) -> tuple[Stretch, ...]:
        """Its own video about its time, and the videos of the same site whose clocks were there then."""
        own = await self._index.get_video(appearance.gallery, appearance.video_id)
        videos: list[Video] = []
        if own is not None and own.site is not None and own.recorded_at is not None:
            videos = [video for video in await self._index.list_videos(appearance.gallery) if video != own]
        return stretches(appearance, own, videos, self._window_s)[: self._max_videos]


async def beside(index: VectorIndex, appearance: Appearance) -> frozenset[str]:
    """Who is on screen at the same time as a tracklet, and so is somebody else; nobody of speech alone.

    On films of 84 people 2 of 2,163 such pairs showed one person.
    """
    if appearance.kind is not AppearanceKind.TRACKLET:
        return frozenset()
    scope = Scope(appearance.gallery, (appearance.video_id,), appearance.start_s, appearance.end_s)
    found = await index.list_appearances(scope)
    there = {one.appearance_id for one in found if one.kind is AppearanceKind.TRACKLET}
    return frozenset(there - {appearance.appearance_id})


def stretches(
    appearance: Appearance, own: Video | None, others: Sequence[Video], window_s: float
) -> tuple[Stretch, ...]:
    """The stretches within `window_s` of an appearance, its own video first, then by video id.

    Args:
        appearance: The appearance.
        own: Its video, when it is known.
        others: Other videos of the gallery.
        window_s: Longest gap between two spans in which clothes are taken to stay the same.
    """
    start_s, end_s = appearance.start_s - window_s, appearance.end_s + window_s
    found = [Stretch(appearance.video_id, max(0.0, start_s), end_s)]
    if own is None or own.site is None or own.recorded_at is None:
        return tuple(found)
    for video in sorted(others, key=lambda video: video.video_id):
        if video.site != own.site or video.recorded_at is None or video.video_id == own.video_id:
            continue
        shift = own.recorded_at - video.recorded_at
        first, last = max(0.0, start_s + shift), end_s + shift
        if last > 0.0 and (video.duration_s <= 0.0 or first < video.duration_s):
            found.append(Stretch(video.video_id, first, last))
    return tuple(found)
