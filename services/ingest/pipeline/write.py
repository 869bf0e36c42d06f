"""Finished shots go into the stores in an order that a kill can cut anywhere.

Embeddings come first, then key frames, then the appearances, which make them visible, then the note of what was heard,
and last the video's row, whose checkpoint says that all before it is there. What lies behind the checkpoint is deleted
before an ingest goes on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from packs.spec import Modality
from services.backends.index.protocol import VectorIndex
from services.backends.media.protocol import MediaStore
from services.backends.schemas import AppearanceKind, Scope, Video, VideoState
from services.ingest.identifiers import key_frame_key
from services.ingest.pipeline.appearances import FinishedAppearance
from services.ingest.pipeline.notes import Notes, NotesStore
from services.ingest.pipeline.shot_speech import ShotSpeech
from services.ingest.pipeline.values import Position

__all__ = ["IncompleteIndexError", "Writer"]


class IncompleteIndexError(RuntimeError):
    """The index does not hold what was written to it."""


class Writer:
    """Writes one video.

    Args:
        index: The record.
        media: Where key frames go.
        notes: Where what was heard is kept.
        still_ours: Raises when this process must not write the video any more; asked before each commit.
    """

    def __init__(
        self, index: VectorIndex, media: MediaStore, notes: NotesStore, still_ours: Callable[[], Awaitable[None]]
    ) -> None:
        self._index = index
        self._media = media
        self._notes = notes
        self._still_ours = still_ours

    async def begin(self, video: Video) -> Video:
        """Remove what an ingest before left behind the checkpoint; return the row as the ingest goes on from it."""
        await self._still_ours()
        started = video.with_changes(state=VideoState.INGESTING, failure_reason="")
        await self._index.put_video(started)
        await self._index.delete_from(video.gallery, video.video_id, _just_before(video.committed_s))
        return started

    async def commit(
        self, video: Video, finished: Sequence[FinishedAppearance], heard: Sequence[ShotSpeech], up_to: Position
    ) -> Video:
        """Write appearances and what was heard, and move the checkpoint; return the new row."""
        await self._still_ours()
        for modality in Modality:
            rows = [one.embeddings[modality] for one in finished if modality in one.embeddings]
            if rows:
                await self._index.put_embeddings(modality, rows)
        placed = [await self._with_media(video, one) for one in finished]
        if placed:
            await self._index.put_appearances([one.row for one in placed])
        tracklets = sum(one.row.kind is AppearanceKind.TRACKLET for one in finished)
        await self._notes.write(video, up_to.frame, Notes(tracklets, tuple(heard)))
        await self._still_ours()
        committed = video.with_changes(
            committed_frame=up_to.frame,
            committed_s=up_to.time_s,
            appearance_count=video.appearance_count + len(finished),
        )
        await self._index.put_video(committed)
        return committed

    async def complete(self, video: Video, damage: str = "") -> Video:
        """Make a wholly committed video ready, after a look that finds all of it.

        Args:
            video: Its row.
            damage: What of the file could not be read, for people.

        Raises:
            IncompleteIndexError: If rows are missing or too many.
        """
        await self._index.flush()
        rows = await self._index.list_appearances(Scope(video.gallery, (video.video_id,)))
        expected = 1 + len(rows) + sum(len(row.modalities) for row in rows)
        found = await self._index.count_video(video.gallery, video.video_id)
        if len(rows) != video.appearance_count or found != expected:
            raise IncompleteIndexError(
                f"the index holds {len(rows)} appearances and {found} rows of the video, expected "
                f"{video.appearance_count} and {expected}; ask for the ingest again"
            )
        await self._still_ours()
        ready = video.with_changes(state=VideoState.READY, failure_reason=damage)
        await self._index.put_video(ready)
        await self._notes.forget(ready)
        return ready

    async def _with_media(self, video: Video, one: FinishedAppearance) -> FinishedAppearance:
        if one.key_frame is None:
            return one
        key = key_frame_key(video.gallery, video.video_id, one.row.appearance_id)
        return one.with_key_frame(await self._media.put(key, one.key_frame.jpeg))


def _just_before(time_s: float) -> float:
    # A store may round times; shots are further apart than this.
    return max(0.0, time_s - 0.001)
