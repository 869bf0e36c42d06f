"""The speech of a shot: where it is, its voices, and what speaks for each of the people to say it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from packs.arrays import F32, F64
from packs.sound import HOP
from services.backends.speaking import FaceTrack
from services.ingest.pipeline.aggregate import aggregate
from services.ingest.pipeline.encode import Embedded
from services.ingest.pipeline.likeness import TOLD_BY
from services.ingest.pipeline.lips import read_lips
from services.ingest.pipeline.mouth_reader import MouthReader, bands_of
from services.ingest.pipeline.settings import PipelineSettings
from services.ingest.pipeline.shot_speech import Piece, Player, ShotSpeech
from services.ingest.pipeline.speakers import EVIDENCE, Line, Watched, evidence_of
from services.ingest.pipeline.utterances import FRAME_S, Utterance, utterances
from services.ingest.pipeline.values import Fragment, Shot, Sound

__all__ = ["Hearing", "NobodyWatches", "Watching", "evidence_in", "hear", "watch"]

# A person counts as present when seen within so many seconds of a moment.
PRESENT_S = 0.5
UNWATCHED = Watched(np.zeros(0), np.zeros(0, np.float32))


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


class Watching(Protocol):
    """What the pipeline asks of the active-speaker network (`services.backends.speaking.SpeakingModels` gives it)."""

    @property
    def can_watch(self) -> bool:
        """Whether there is one."""
        ...

    async def speaks(
        self, tracks: Sequence[FaceTrack], sound: F32, begins_s: float, spans: Sequence[tuple[float, float]]
    ) -> list[F32]:
        """Probability that each face of each track speaks, where a span is near."""
        ...


class NobodyWatches:
    """Stands for a pack without an active-speaker network."""

    @property
    def can_watch(self) -> bool:
        """There is none."""
        return False

    async def speaks(
        self, tracks: Sequence[FaceTrack], sound: F32, begins_s: float, spans: Sequence[tuple[float, float]]
    ) -> list[F32]:
        """Must not be asked."""
        raise RuntimeError("there is no active-speaker network: ask `can_watch` first")


async def hear(
    hearing: Hearing,
    watching: Watching,
    shot: Shot,
    people: Sequence[Fragment],
    reader: MouthReader,
    settings: PipelineSettings,
) -> ShotSpeech | None:
    """Find the speech of a shot, and what speaks for each of its people to say it; None without speech.

    Args:
        hearing: The networks of sound.
        watching: That of faces with sound.
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
    watched = await watch(watching, shot.sound, people, spoken)
    evidence, present = await asyncio.to_thread(evidence_in, shot, people, spoken, reader, watched)
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


async def watch(
    watching: Watching, sound: Sound, people: Sequence[Fragment], pieces: Sequence[Utterance]
) -> list[Watched] | None:
    """What the active-speaker network says of each of P people, for some pieces; None where a pack has none."""
    if not watching.can_watch:
        return None
    seen = {k: _face_track(person) for k, person in enumerate(people) if person.mouths}
    spans = [(one.start_s, one.end_s) for one in pieces]
    said = await watching.speaks(list(seen.values()), sound.samples, sound.start_s, spans) if seen else []
    known = {k: Watched(track.times_s, one) for (k, track), one in zip(seen.items(), said, strict=True)}
    return [known.get(k, UNWATCHED) for k in range(len(people))]


def _face_track(person: Fragment) -> FaceTrack:
    times = np.array([seen.time_s for seen in person.mouths], dtype=np.float64)
    return FaceTrack(times, np.stack([seen.patch for seen in person.mouths]))


def evidence_in(
    shot: Shot,
    people: Sequence[Fragment],
    pieces: Sequence[Utterance],
    reader: MouthReader,
    watched: Sequence[Watched] | None = None,
) -> tuple[F64, F64]:
    """What speaks for each of P people to say each of N pieces of a shot that has sound.

    Returns:
        float64[N, P, K] in the order of `EVIDENCE`, K = 5 with what the network says of each person (`watch`), else 4;
        and float64[N, P]: 1 where the person is in the picture.
    """
    assert shot.sound is not None
    looked = [None] * len(people) if watched is None else watched
    bands = bands_of(shot.sound.samples)
    lips = [read_lips(person.mouths) for person in people]
    rows = []
    for piece in pieces:
        line = Line(piece, shot.sound, bands)
        others = [(other.start_s, other.end_s) for other in pieces if other is not piece]
        rows += [evidence_of(line, mouth, others, reader, one) for mouth, one in zip(lips, looked, strict=True)]
    here = [float(_present(person, piece)) for piece in pieces for person in people]
    shape = len(pieces), len(people)
    columns = len(EVIDENCE) - (watched is None)
    return np.array(rows).reshape(*shape, columns), np.array(here).reshape(shape)


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
