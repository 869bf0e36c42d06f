"""Voices from the film: no sound is kept beside the index, so who speaks is listened to again, in the source file."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import numpy as np

from packs.arrays import F32, F64
from packs.sound import HOP
from services.backends.schemas import SpeechSpan, Video
from services.ingest.pipeline.aggregate import Aggregate
from services.ingest.pipeline.decode import UnreadableFileError, VideoFile
from services.ingest.pipeline.encode import Embedded
from services.ingest.pipeline.utterances import FRAME_S
from services.ingest.pipeline.values import Position, Sound
from services.ingest.source import content_digest
from services.runtime.trust import quality_of_speech

__all__ = ["FilmVoices", "Listening"]

# On the way to the next speech the film's sound is read in such steps, so that few pictures wait in memory.
STEP_S = 10.0


class Listening(Protocol):
    """What is asked of the networks (`services.backends.hearing.HearingModels` gives it)."""

    async def speech(self, samples: F32) -> F32:
        """Probability of speech in each 10 ms."""
        ...

    async def embed(self, clips: Sequence[F32], *, activity: Sequence[F32] | None = None) -> Embedded:
        """Embed clips of one voice each."""
        ...


class FilmVoices:
    """Embeds the voices of a film's appearances anew.

    Args:
        hearing: The new pack's networks.
        logger: Where it writes which film is not there any more.
    """

    def __init__(self, hearing: Listening, logger: logging.Logger) -> None:
        self._hearing, self._logger = hearing, logger

    async def embed(self, video: Video, speech: Mapping[str, Sequence[SpeechSpan]]) -> Mapping[str, Aggregate]:
        """Embed the voice of each appearance, given when it speaks; empty when the film is gone or is another now."""
        path = Path(unquote(urlsplit(video.source_uri).path))
        if not any(speech.values()) or not await asyncio.to_thread(self._is_there, path, video):
            return {}
        sums: defaultdict[str, F64 | float] = defaultdict(float)
        spans = sorted((span.start_s, one, span) for one, of_one in speech.items() for span in of_one)
        sounds = _sounds(path, [span for _, _, span in spans])
        for _, one, span in spans:
            sound = await asyncio.to_thread(next, sounds, None)
            heard = None if sound is None else await self._heard(sound, span)
            if heard is not None:
                sums[one] = sums[one] + heard
        await asyncio.to_thread(sounds.close)
        return {one: _joined(total, speech[one]) for one, total in sums.items() if isinstance(total, np.ndarray)}

    async def _heard(self, sound: Sound, span: SpeechSpan) -> F64 | None:
        """A span's voice, float64[D], as long as the span is and as sure as both it and the encoder are."""
        low = max(round((span.start_s - sound.start_s) / FRAME_S), 0)
        high = max(round((span.end_s - sound.start_s) / FRAME_S), low + 1)
        clip = sound.samples[HOP * low : HOP * high]
        if clip.size < HOP:
            return None
        activity = (await self._hearing.speech(sound.samples))[low:high]
        frames = -(-clip.size // HOP)
        embedded = await self._hearing.embed([clip], activity=[_fitted(activity, frames)])
        worth = (span.end_s - span.start_s) * span.confidence * float(embedded.norms[0])
        return np.asarray(embedded.vectors[0].astype(np.float64) * worth, dtype=np.float64)

    def _is_there(self, path: Path, video: Video) -> bool:
        try:
            same = content_digest(path) == video.content_digest
        except OSError:
            same = False
        if not same:
            self._logger.warning("film is gone or changed: its voices are lost", extra={"video_id": video.video_id})
        return same


def _sounds(path: Path, spans: Sequence[SpeechSpan]) -> Generator[Sound | None, None, None]:
    """The sound of each span and half a second around; `spans` are in order of their starts. To be closed."""
    try:
        file = VideoFile(path, threads=1, with_sound=True)
    except UnreadableFileError:
        return
    with file:
        at_s = 0.0
        for span in spans:
            while at_s + STEP_S < span.start_s:
                file.sound(Position(0, at_s), Position(0, at_s + STEP_S))
                file.forget_pictures()
                at_s += STEP_S
            yield file.sound(Position(0, span.start_s), Position(0, span.end_s))
            file.forget_pictures()
            at_s = max(at_s, span.start_s)


def _fitted(activity: F32, frames: int) -> F32:
    """float32[frames]: cut, or silent at the end."""
    made: F32 = np.zeros(frames, np.float32)
    made[: min(frames, activity.size)] = activity[:frames]
    return made


def _joined(total: F64, spans: Sequence[SpeechSpan]) -> Aggregate:
    unit = total / max(float(np.linalg.norm(total)), 1e-12)
    return Aggregate(unit.astype(np.float32), quality_of_speech(sum(span.end_s - span.start_s for span in spans)))
