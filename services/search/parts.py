"""A part of a query to the embeddings that it holds."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from packs.arrays import F32
from packs.manifest import Pack
from packs.spec import Modality
from services.backends.index.protocol import IndexLoadingError, VectorIndex
from services.backends.schemas import Appearance, Box, EmbeddingRow
from services.runtime.errors import (
    AppearanceNotFoundError,
    BackendUnavailableError,
    OtherPackError,
    UnsupportedModalityError,
)
from services.runtime.trust import quality_of_speech
from services.search.answer import Step
from services.search.clips import ClipReader, PortraitReader
from services.search.query import Description, Like, Portrait, QueryPart, RawEmbedding, VoiceClip
from services.search.reach import LONG_TERM, ShortTermReach, Stretch, beside
from services.search.retrieved import QueryVector
from services.search.speaking import speaker_of
from services.search.texts import TextReader


@dataclass(frozen=True, slots=True, eq=False)
class ReadPart:
    """What a part holds.

    Attributes:
        index: Its place in the query.
        weight: Its weight.
        vectors: Its embeddings, never none, long-term keys first.
        appearance_id: The appearance that it names, if it does.
        face: The face that was used, if it is a portrait.
        speech_s: Seconds of speech that were heard, if it is a voice clip.
        unknown_words: Words that could not be read, if it is a description; None for all else.
        way: The steps to the appearance whose face it was given, if it is a hit that shows none (`adopting`).
        named_by: The modality in which a hit is named; that of its first embedding when None.
        beside: Appearances that are somebody else, since they are on screen together with the one that it names.
    """

    index: int
    weight: float
    vectors: tuple[QueryVector, ...]
    appearance_id: str | None = None
    face: Box | None = None
    speech_s: float | None = None
    unknown_words: tuple[str, ...] | None = None
    way: tuple[Step, ...] = ()
    named_by: Modality | None = None
    beside: frozenset[str] = frozenset()

    @property
    def surety(self) -> float:
        """That the face which it was given is its person's; 1 when it is its own."""
        return math.prod(step.probability for step in self.way)

    @property
    def turned(self) -> ReadPart:
        """The same with a positive weight: what a rejected person looks like."""
        vectors = tuple(replace(vector, weight=abs(vector.weight)) for vector in self.vectors)
        return replace(self, weight=abs(self.weight), vectors=vectors)


class PartReader:
    """Reads the parts of a query."""

    def __init__(
        self,
        index: VectorIndex,
        pack: Pack,
        portraits: PortraitReader,
        clips: ClipReader,
        texts: TextReader,
        reach: ShortTermReach,
    ) -> None:
        self._index = index
        self._pack = pack
        self._portraits = portraits
        self._clips = clips
        self._texts = texts
        self._reach = reach

    @property
    def usable(self) -> tuple[Modality, ...]:
        """Modalities that the pack embeds and has a calibration of: without one nothing may be decided."""
        return tuple(modality for modality in self._pack.modalities if modality in self._pack.calibration)

    async def read(self, gallery: str, index: int, part: QueryPart) -> ReadPart:
        """Read one part.

        Raises:
            DomainError: UNREADABLE_IMAGE, NO_FACE, SEVERAL_FACES, UNREADABLE_SOUND, NO_SPEECH, NO_KNOWN_WORDS,
                INVALID_FIELD, APPEARANCE_NOT_FOUND, OTHER_PACK, UNSUPPORTED_MODALITY or BACKEND_UNAVAILABLE.
        """
        match part.content:
            case Portrait():
                return await self._portrait(index, part.weight, part.content)
            case VoiceClip():
                return await self._voice(index, part.weight, part.content)
            case Description():
                return await self._text(index, part.weight, part.content)
            case Like():
                return await self._like(gallery, index, part.weight, part.content)
            case RawEmbedding():
                return self._embedding(index, part.weight, part.content)

    async def _portrait(self, index: int, weight: float, portrait: Portrait) -> ReadPart:
        self.check_usable(Modality.FACE)
        face = await self._portraits.read(index, portrait)
        vector = QueryVector(index, Modality.FACE, weight, face.vector)
        return ReadPart(index, weight, (vector,), face=face.box)

    async def _voice(self, index: int, weight: float, clip: VoiceClip) -> ReadPart:
        self.check_usable(Modality.VOICE)
        voice = await self._clips.read(index, clip)
        vector = QueryVector(index, Modality.VOICE, weight, voice.vector, quality=quality_of_speech(voice.speech_s))
        return ReadPart(index, weight, (vector,), speech_s=voice.speech_s)

    async def _text(self, index: int, weight: float, description: Description) -> ReadPart:
        """A description has no place of its own: its words are compared with the clothes of all of the filter."""
        self.check_usable(Modality.TEXT)
        read = await self._texts.read(index, description)
        vector = QueryVector(index, Modality.TEXT, weight, read.vector)
        return ReadPart(index, weight, (vector,), unknown_words=read.unknown)

    def _embedding(self, index: int, weight: float, embedding: RawEmbedding) -> ReadPart:
        """A raw short-term vector is searched in all of the filter: only its maker knows where it holds."""
        if embedding.pack_digest != self._pack.digest:
            raise OtherPackError(got=embedding.pack_digest, expected=self._pack.digest)
        self.check_usable(embedding.modality)
        vector = self._normalised(embedding.modality, embedding.vector)
        return ReadPart(index, weight, (QueryVector(index, embedding.modality, weight, vector),))

    async def _like(self, gallery: str, index: int, weight: float, like: Like) -> ReadPart:
        try:
            appearance = await self.appearance(gallery, like.appearance_id)
            part = await hit_part(self._index, self._reach, appearance, self.usable, index, weight)
        except IndexLoadingError as error:
            raise BackendUnavailableError("milvus", "the index is being loaded; try again shortly") from error
        if not part.vectors:
            why = f"appearance {like.appearance_id} has no embedding that pack {self._pack.name} can use"
            raise UnsupportedModalityError(str(Modality.FACE), why)
        return part

    async def appearance(self, gallery: str, appearance_id: str) -> Appearance:
        """An appearance of the gallery; another gallery's is not found.

        Raises:
            AppearanceNotFoundError: If it is not there.
            IndexLoadingError: If the index is being loaded.
        """
        found = (await self._index.get_appearances(gallery, [appearance_id])).get(appearance_id)
        if found is None or found.gallery != gallery:
            raise AppearanceNotFoundError(gallery, appearance_id)
        return found

    def check_usable(self, modality: Modality) -> None:
        """Refuse a modality that the pack cannot search by, with UnsupportedModalityError."""
        deaf = modality is Modality.VOICE and not self._clips.can_hear
        if deaf or modality not in self.usable:
            raise UnsupportedModalityError(str(modality), self._why_not(modality))

    def _why_not(self, modality: Modality) -> str:
        usable = ", ".join(self.usable) or "nothing"
        said = f"pack {self._pack.name} searches by {usable}"
        if modality is not Modality.TEXT:
            return said
        if not self._texts.can_read:
            return f"{said} and has no text pair, so it cannot read descriptions: ask otherwise, or run a pack with one"
        return f"{said}; its text pair has no calibration: fit one with `python -m training calibrate`"

    def _normalised(self, modality: Modality, vector: F32) -> F32:
        dimension = self._pack.model_for(modality).embedding_dim
        wide = vector.astype(np.float64)  # squares of large float32 overflow
        length = float(np.linalg.norm(wide))
        if vector.shape != (dimension,) or not length > 0.0:
            why = f"expected {dimension} numbers that are not all 0, got {vector.shape[0]} of length {length:g}"
            raise UnsupportedModalityError(str(modality), why)
        return np.asarray(wide / length, dtype=np.float32)


async def hit_part(
    index: VectorIndex,
    reach: ShortTermReach,
    appearance: Appearance,
    modalities: Iterable[Modality],
    part_index: int,
    weight: float,
) -> ReadPart:
    """A hit as a part: its embeddings of some modalities, perhaps none, and who is somebody else.

    Without that of its looks in the text space: what a cosine says there is known of a sentence against a body,
    which lie apart, and not of two bodies, which their own modality compares. Raises what the index does.
    """
    compared = [modality for modality in modalities if modality is not Modality.TEXT]
    order = sorted(compared, key=lambda modality: modality not in LONG_TERM)
    gallery, name, speaker = appearance.gallery, appearance.appearance_id, speaker_of(appearance)
    (stretches, others), read = await asyncio.gather(
        asyncio.gather(reach.of(appearance), beside(index, appearance)),
        asyncio.gather(*(index.get_embeddings(modality, gallery, [name]) for modality in order)),
    )
    every = [
        vector_of_row(part_index, weight, modality, rows[name], stretches, speaker)
        for modality, rows in zip(order, read, strict=True)
        if rows
    ]
    vectors = tuple(vector for vector in every if vector.weight != 0.0)
    return ReadPart(part_index, weight, vectors, appearance_id=name, beside=others)


def vector_of_row(
    index: int, weight: float, modality: Modality, row: EmbeddingRow, stretches: tuple[Stretch, ...], speaker: float
) -> QueryVector:
    """An embedding of an appearance as one of the query; its voice counts as far as it is sure to be its person's."""
    heeded = weight * speaker if modality is Modality.VOICE else weight
    return QueryVector(
        index, modality, heeded, row.vector, None if modality in LONG_TERM else stretches, quality=row.quality
    )
