"""Portraits and voice clips as the search service reads them: the same finders, the pack's networks in this process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from evaluation.datasets.tracklets import ModalityRows, Tracklets
from evaluation.truth import Film, QueryFile
from packs.arrays import F32
from packs.manifest import Pack
from packs.spec import Modality
from services.backends.hearing import HearingModels
from services.backends.inference.protocol import InferenceBackend
from services.backends.vision import VisionModels
from services.backends.words import WordModels
from services.runtime.errors import (
    InvalidFieldError,
    NoFaceError,
    NoKnownWordsError,
    NoSpeechError,
    SeveralFacesError,
    UnreadableImageError,
    UnreadableSoundError,
)
from services.runtime.trust import quality_of_speech
from services.search.faces import FaceFinder
from services.search.query import Description
from services.search.query_reading import PictureReader
from services.search.settings import PortraitSettings, VoiceSettings
from services.search.sound_reading import SoundReader
from services.search.texts import TextReader
from services.search.voices import VoiceFinder

__all__ = ["read_portraits", "read_texts", "read_voices"]

# The vector of a file, and its quality.
Embed = Callable[[Path], Awaitable[tuple[F32, float]]]
# What may come of a query file itself: then it asks for nothing, and finds nothing.
REFUSED = (NoFaceError, SeveralFacesError, UnreadableImageError, NoSpeechError, UnreadableSoundError)


async def read_portraits(films: Sequence[Film], pack: Pack, backend: InferenceBackend) -> Tracklets:
    """Embed the face of every portrait; one that is refused is there without an embedding."""
    settings = PortraitSettings()
    finder = FaceFinder(VisionModels(backend, pack), settings)
    with ThreadPoolExecutor(1) as executor:
        reader = PictureReader(
            executor,
            max_bytes=settings.max_bytes,
            max_pixels=settings.max_pixels,
            working_side=settings.working_side,
        )

        async def embed(path: Path) -> tuple[F32, float]:
            picture = await reader.read(path.read_bytes())
            return (await finder.find(0, picture, None)).vector, 1.0

        files = [(film.name, file) for film in films for file in film.portraits]
        vectors = [await _unless_refused(embed, file.path) for _, file in files]
    return _queries(files, vectors, Modality.FACE)


async def read_voices(films: Sequence[Film], pack: Pack, backend: InferenceBackend) -> Tracklets | None:
    """Embed the speech of every voice clip; None when the pack cannot hear, or there are no clips."""
    settings = VoiceSettings()
    finder = VoiceFinder(HearingModels(backend, pack), settings)
    files = [(film.name, file) for film in films for file in film.voices]
    if not finder.can_hear or not files:
        return None
    with ThreadPoolExecutor(1) as executor:
        reader = SoundReader(executor, max_bytes=settings.max_bytes, max_s=settings.max_s, reach_s=settings.reach_s)

        async def embed(path: Path) -> tuple[F32, float]:
            voice = await finder.find(0, await reader.read(path.read_bytes()))
            return voice.vector, quality_of_speech(voice.speech_s)

        vectors = [await _unless_refused(embed, file.path) for _, file in files]
    return _queries(files, vectors, Modality.VOICE)


async def read_texts(films: Sequence[Film], pack: Pack, backend: InferenceBackend) -> Tracklets | None:
    """Embed every typed description; None when the pack cannot read, or there are none."""
    reader = TextReader(WordModels(backend, pack))
    said = [(film.name, one) for film in films for one in film.descriptions]
    if not reader.can_read or not said:
        return None
    rows: list[F32 | None] = []
    for _, one in said:
        try:
            rows.append((await reader.read(0, Description(one.text))).vector)
        except (NoKnownWordsError, InvalidFieldError):
            rows.append(None)
    vectors = np.zeros((len(rows), max((len(row) for row in rows if row is not None), default=1)), np.float32)
    for place, row in enumerate(rows):
        if row is not None:
            vectors[place] = row
    return Tracklets.of(
        [f"{film}/text{place}" for place, (film, _) in enumerate(said)],
        [film for film, _ in said],
        [one.identity for _, one in said],
        {Modality.TEXT: ModalityRows.of(vectors, [row is not None for row in rows])},
        outfits=[one.dress for _, one in said],
    )


async def _unless_refused(embed: Embed, path: Path) -> tuple[F32, float] | None:
    try:
        return await embed(path)
    except REFUSED:
        return None


def _queries(
    files: Sequence[tuple[str, QueryFile]], vectors: Sequence[tuple[F32, float] | None], modality: Modality
) -> Tracklets:
    dims = {len(one[0]) for one in vectors if one is not None}
    rows = np.zeros((len(files), dims.pop() if dims else 1), np.float32)
    for row, one in enumerate(vectors):
        if one is not None:
            rows[row] = one[0]
    present = [one is not None for one in vectors]
    quality = [one[1] if one is not None else 0.0 for one in vectors]
    return Tracklets.of(
        [f"{film}/{file.path.name}" for film, file in files],
        [film for film, _ in files],
        [file.identity for _, file in files],
        {modality: ModalityRows.of(rows, present, quality)},
    )
