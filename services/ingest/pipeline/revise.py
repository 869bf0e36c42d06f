"""The last stage of an ingest: who speaks is decided over the whole film, and what was written of it is put right.

While a film is taken in, each shot says by itself who speaks in it, so that its voices can be found at once. When all
shots are written, all pieces of speech choose again, together. The rows of whoever speaks, spoke or is heard alone are
written anew; ids stay. All of it follows from the notes alone, so it may be cut off anywhere and done again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from packs.calibration import Calibration
from packs.spec import Modality
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import Appearance, AppearanceKind, EmbeddingRow, Scope, Video
from services.ingest.identifiers import appearance_id_of
from services.ingest.pipeline.appearances import embedding_of, speech_alone
from services.ingest.pipeline.film_speakers import choose_over_film
from services.ingest.pipeline.notes import NotesStore
from services.ingest.pipeline.settings import PipelineSettings
from services.ingest.pipeline.shot_speech import ShotSpeech
from services.ingest.pipeline.spoken import Spoken, shared_out

__all__ = ["Reviser"]


@dataclass(frozen=True, slots=True, eq=False)
class _Decided:
    """Who speaks in a film: tracklets by id, and speech alone by the frame of its shot."""

    linked: dict[str, Spoken] = field(default_factory=dict)
    alone: list[tuple[int, Spoken]] = field(default_factory=list)


class Reviser:
    """Decides who speaks in a film whose shots are all written.

    Args:
        index: The record.
        notes: What was heard.
        calibration: What the pack's cosines mean.
        settings: Of the pipeline.
        still_ours: Raises when this process must not write the video any more.
    """

    def __init__(
        self,
        index: VectorIndex,
        notes: NotesStore,
        calibration: Mapping[Modality, Calibration],
        settings: PipelineSettings,
        still_ours: Callable[[], Awaitable[None]],
    ) -> None:
        self._index, self._notes = index, notes
        self._calibration, self._settings = calibration, settings
        self._still_ours = still_ours

    async def revise(self, video: Video) -> Video:
        """Put the speech of a wholly committed video right; return its row with the count of what is there now.

        Raises:
            LostNotesError: If what was heard is not there any more.
        """
        notes = await self._notes.read(video)
        decided = await asyncio.to_thread(self._decide, video, notes.shots)
        alone = [speech_alone(video, frame, said) for frame, said in decided.alone]
        await self._still_ours()
        rows = await self._index.list_appearances(Scope(video.gallery, (video.video_id,)))
        tracklets = [row for row in rows if row.kind is AppearanceKind.TRACKLET]
        voices = [one.embeddings[Modality.VOICE] for one in alone]
        await self._write(
            [*voices, *self._voices(video, tracklets, decided)],
            [*(one.row for one in alone), *self._changed(tracklets, decided)],
        )
        await self._remove(video, rows, {one.row.appearance_id for one in alone}, decided)
        return video.with_changes(appearance_count=notes.tracklet_count + len(alone))

    def _decide(self, video: Video, shots: Sequence[ShotSpeech]) -> _Decided:
        decided = _Decided()
        choices = choose_over_film(shots, self._calibration, self._settings.speakers)
        for shot, chosen in zip(shots, choices, strict=True):
            linked, alone = shared_out(shot, chosen, self._settings)
            for ordinal, said in linked.items():
                decided.linked[appearance_id_of(video.video_id, shot.start_frame, ordinal)] = said
            decided.alone.extend((shot.start_frame, said) for said in alone)
        return decided

    def _voices(self, video: Video, tracklets: Sequence[Appearance], decided: _Decided) -> list[EmbeddingRow]:
        return [
            embedding_of(video, row.appearance_id, (row.start_s, row.end_s), said.voice)
            for row in tracklets
            if (said := decided.linked.get(row.appearance_id)) is not None
        ]

    def _changed(self, tracklets: Sequence[Appearance], decided: _Decided) -> list[Appearance]:
        """The rows of those who speak, or spoke before."""
        made = []
        for row in tracklets:
            said = decided.linked.get(row.appearance_id)
            if said is not None or row.speech:
                made.append(_with_speech(row, said))
        return made

    async def _write(self, voices: Sequence[EmbeddingRow], rows: Sequence[Appearance]) -> None:
        """Embeddings first: an appearance makes them visible."""
        if voices:
            await self._index.put_embeddings(Modality.VOICE, voices)
        if rows:
            await self._index.put_appearances(rows)

    async def _remove(self, video: Video, rows: Sequence[Appearance], alone: set[str], decided: _Decided) -> None:
        """Take out speech that does not stand alone any more, and the voices of those who fell silent."""
        gone = [
            row.appearance_id for row in rows if row.kind is AppearanceKind.SPEECH and row.appearance_id not in alone
        ]
        heard = {row.appearance_id for row in await self._index.list_embeddings(Modality.VOICE, _all_of(video))}
        await self._index.delete_appearances(video.gallery, gone)
        await self._index.delete_embeddings(
            Modality.VOICE, video.gallery, sorted(heard - alone - decided.linked.keys())
        )


def _with_speech(row: Appearance, said: Spoken | None) -> Appearance:
    kept = [modality for modality in row.modalities if modality is not Modality.VOICE]
    if said is None:
        return replace(row, speech=(), modalities=tuple(kept))
    present = {*kept, Modality.VOICE}
    return replace(
        row, speech=tuple(said.spans), modalities=tuple(modality for modality in Modality if modality in present)
    )


def _all_of(video: Video) -> Scope:
    return Scope(video.gallery, (video.video_id,))
