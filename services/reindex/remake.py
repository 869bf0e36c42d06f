"""The rows of the new pack for some appearances of the old one: ids, spans and boxes stay, embeddings are its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from packs.spec import Modality
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import Appearance, EmbeddingRow, SpeechSpan, Video
from services.ingest.pipeline.aggregate import Aggregate
from services.reindex.pictures import KeyFrameEmbedder
from services.reindex.ways import Way

__all__ = ["Remade", "Remaker"]

Voices = Mapping[str, Aggregate]


class VoiceEmbedder(Protocol):
    """What hears a film again (`services.reindex.voices.FilmVoices` does)."""

    async def embed(self, video: Video, speech: Mapping[str, Sequence[SpeechSpan]]) -> Voices:
        """Embed the voice of each appearance, given when it speaks."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Remade:
    """Rows to write, and of which appearances an embedding that the old pack had is lost."""

    appearances: Sequence[Appearance]
    embeddings: Mapping[Modality, Sequence[EmbeddingRow]]
    lost: Mapping[Modality, int]


class Remaker:
    """Makes rows.

    Args:
        source: The index of the old pack.
        ways: How each modality is made.
        pictures: Embeds by key frames.
        voices: Embeds by sound; None when no modality needs it.
    """

    def __init__(
        self,
        source: VectorIndex,
        ways: Mapping[Modality, Way],
        pictures: KeyFrameEmbedder,
        voices: VoiceEmbedder | None,
    ) -> None:
        self._source, self._ways = source, ways
        self._pictures, self._voices = pictures, voices

    @property
    def listens(self) -> bool:
        """Whether the film's sound is needed."""
        return self._voices is not None and Way.SOUND in self._ways.values()

    async def listen(self, video: Video, speech: Mapping[str, Sequence[SpeechSpan]]) -> Voices:
        """The voices of a film's appearances, in one reading of it."""
        if self._voices is None or not self.listens:
            return {}
        return await self._voices.embed(video, speech)

    async def remake(self, rows: Sequence[Appearance], voices: Voices) -> Remade:
        """Make the new rows of some appearances of one gallery; `voices` are what `listen` found."""
        seen = await self._pictures.embed(rows)
        made: dict[Modality, list[EmbeddingRow]] = {}
        for modality, way in self._ways.items():
            if way is Way.COPY:
                made[modality] = await self._copied(modality, rows)
            else:
                found = seen.get(modality, {}) if way is Way.KEY_FRAME else voices if way is Way.SOUND else {}
                made[modality] = [_row(row, found[row.appearance_id]) for row in rows if row.appearance_id in found]
        has = {modality: {row.appearance_id for row in of_one} for modality, of_one in made.items()}
        lost = {
            modality: sum(modality in row.modalities and row.appearance_id not in ids for row in rows)
            for modality, ids in has.items()
        }
        return Remade([_with_modalities(row, has) for row in rows], made, lost)

    async def _copied(self, modality: Modality, rows: Sequence[Appearance]) -> list[EmbeddingRow]:
        wanted = [row.appearance_id for row in rows if modality in row.modalities]
        if not wanted:
            return []
        found = await self._source.get_embeddings(modality, rows[0].gallery, wanted)
        return [found[one] for one in wanted if one in found]


def _row(row: Appearance, one: Aggregate) -> EmbeddingRow:
    return EmbeddingRow(
        row.appearance_id, row.gallery, row.video_id, row.start_s, row.end_s, row.generation, one.quality, one.vector
    )


def _with_modalities(row: Appearance, has: Mapping[Modality, set[str]]) -> Appearance:
    present = tuple(modality for modality in Modality if row.appearance_id in has.get(modality, set()))
    return replace(row, modalities=present)
