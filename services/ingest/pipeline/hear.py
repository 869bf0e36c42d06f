"""The speech of a shot: where it is, its voices, and what speaks for each of the people to say it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from packs.arrays import F32, F64
from packs.sound import HOP
from services.ingest.pipeline.aggregate import aggregate
from services.ingest.pipeline.encode import Embedded
from services.ingest.pipeline.likeness import TOLD_BY
from services.ingest.pipeline.lips import read_lips
from services.ingest.pipeline.mouth_reader import MouthReader, bands_of
from services.ingest.pipeline.settings import PipelineSettings
from services.ingest.pipeline.shot_speech import Piece, Player, ShotSpeech
from services.ingest.pipeline.speakers import EVIDENCE, Line, evidence_of
from services.ingest.pipeline.utterances import FRAME_S, Utterance, utterances
from services.ingest.pipeline.values import Fragment, Shot, Sound

__all__ = ["Hearing", "evidence_in", "hear"]

# A person counts as present when seen within so many seconds of a moment.
PRESENT_S = 0.5


class Hearing(Protocol):
    """What the pipeline asks of the sound networks (`services.backends.hearing.HearingModels` gives it)."""

    @property
    def can_hear(self) -> bool:
        """Whether there are any."""
        ...

    @property
    def threshold(self) -> float:
        """Probability from which a frame counts as speech."""
        ...

    async def speech(self, samples: F32) -> F32:
        """Probability of speech in each 10 ms."""
        ...

    async def embed(self, clips: Sequence[F32], *, activity: Sequence[F32] | None = None) -> Embedded:
        """Embed clips of one voice each."""
        ...


async def hear(
    hearing: Hearing, shot: Shot, people: Sequence[Fragment], reader: MouthReader, settings: PipelineSettings
) -> ShotSpeech | None:
    """Find the speech of a shot, and what speaks for each of its people to say it; None without speech.

    Args:
        hearing: The networks.
        shot: The shot with its sound.
        people: Its people, as they will be stored.
        reader: Reads mouths.
        settings: Of the pipeline.
    """
    if shot.sound is None or not hearing.can_hear:
        return None
    activity = await hearing.speech(shot.sound.samples)
    span = (shot.start.time_s, shot.end.time_s)
    spoken = utterances(activity, shot.sound.start_s, span, hearing.threshold, settings.speech)
    if not spoken:
        return None
    pieces = await _voices(hearing, shot.sound, activity, spoken)
    evidence, present = await asyncio.to_thread(evidence_in, shot, people, spoken, reader)
    return ShotSpeech(shot.start.frame, tuple(pieces), tuple(map(_player, people)), evidence, present)


async def _voices(hearing: Hearing, sound: Sound, activity: F32, spoken: Sequence[Utterance]) -> list[Piece]:
    """Listen to the voice of each piece."""
    places = [_frames(sound, one) for one in spoken]
    clips = [sound.samples[HOP * low : HOP * high] for low, high in places]
    embedded = await hearing.embed(clips, activity=[activity[low:high] for low, high in places])
    raw = embedded.vectors * embedded.norms[:, None]
    return [Piece(one.start_s, one.end_s, voice) for one, voice in zip(spoken, raw, strict=True)]


def _player(person: Fragment) -> Player:
    looks = {modality: aggregate(person.observations.get(modality, [])) for modality in TOLD_BY}
    known = {modality: look.vector * np.float32(look.quality) for modality, look in looks.items() if look is not None}
    return Player(person.first.position.time_s, person.last.position.time_s, known)


def evidence_in(
    shot: Shot, people: Sequence[Fragment], pieces: Sequence[Utterance], reader: MouthReader
) -> tuple[F64, F64]:
    """What speaks for each of P people to say each of N pieces of a shot that has sound.

    Returns:
        float64[N, P, 4] in the order of `EVIDENCE`, and float64[N, P]: 1 where the person is in the picture.
    """
    assert shot.sound is not None
    bands = bands_of(shot.sound.samples)
    lips = [read_lips(person.mouths) for person in people]
    rows = []
    for piece in pieces:
        line = Line(piece, shot.sound, bands)
        others = [(other.start_s, other.end_s) for other in pieces if other is not piece]
        rows += [evidence_of(line, mouth, others, reader) for mouth in lips]
    here = [float(_present(person, piece)) for piece in pieces for person in people]
    shape = len(pieces), len(people)
    return np.array(rows).reshape(*shape, len(EVIDENCE)), np.array(here).reshape(shape)


def _present(person: Fragment, piece: Utterance) -> bool:
    """Whether a person is in the picture for most of a piece."""
    middles = np.linspace(piece.start_s, piece.end_s, 9)
    times = np.array([point.position.time_s for point in person.points])
    nearest = np.abs(times[:, None] - middles[None]).min(axis=0)
    return bool((nearest <= PRESENT_S).mean() > 0.5)


def _frames(sound: Sound, spoken: Utterance) -> tuple[int, int]:
    """A piece in frames of 10 ms of the sound."""
    low, high = (round((time_s - sound.start_s) / FRAME_S) for time_s in (spoken.start_s, spoken.end_s))
    return max(low, 0), max(high, low + 1)
