"""The speech of a shot: where it is, who of the people in it speaks, and the voices."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np

from packs.arrays import F32, F64
from packs.calibration import Calibration
from packs.sound import HOP
from packs.spec import Modality
from services.backends.schemas import SpeechSpan
from services.ingest.pipeline.aggregate import Aggregate
from services.ingest.pipeline.encode import Embedded
from services.ingest.pipeline.lips import read_lips
from services.ingest.pipeline.mouth_reader import MouthReader, bands_of
from services.ingest.pipeline.settings import PipelineSettings
from services.ingest.pipeline.speakers import EVIDENCE, Line, choose, evidence_of
from services.ingest.pipeline.utterances import FRAME_S, Utterance, clip_of, utterances
from services.ingest.pipeline.values import Fragment, Shot, Sound
from services.runtime.trust import confidence_of, quality_of_speech

__all__ = ["Hearing", "Spoken", "evidence_in", "hear"]

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


@dataclass(slots=True, eq=False)
class Spoken:
    """What one person says in a shot.

    Attributes:
        spans: When, in order.
        voice: Their voice over all of it; its quality is s / (s + 1) for s seconds.
    """

    spans: list[SpeechSpan] = field(default_factory=list)
    voice: Aggregate | None = None

    @property
    def seconds(self) -> float:
        """How long they speak."""
        return sum(span.end_s - span.start_s for span in self.spans)


async def hear(
    hearing: Hearing,
    shot: Shot,
    people: Sequence[Fragment],
    calibration: Mapping[Modality, Calibration],
    reader: MouthReader,
    settings: PipelineSettings,
) -> tuple[dict[int, Spoken], list[Spoken]]:
    """Find the speech of a shot and who speaks it.

    Args:
        hearing: The networks.
        shot: The shot with its sound.
        people: Its people, as they will be stored.
        calibration: What the pack's cosines mean.
        reader: Reads mouths.
        settings: Of the pipeline.

    Returns:
        What each of the people says, by their place in `people`; and what nobody on screen says, a span each.
    """
    if shot.sound is None or not hearing.can_hear:
        return {}, []
    activity = await hearing.speech(shot.sound.samples)
    span = (shot.start.time_s, shot.end.time_s)
    pieces = utterances(activity, shot.sound.start_s, span, hearing.threshold, settings.speech)
    if not pieces:
        return {}, []
    voices = await _voices_of_pieces(hearing, shot.sound, pieces, settings.speech.least_clip_s)
    same = _pairing(pieces, voices, calibration.get(Modality.VOICE), settings)
    belief = await asyncio.to_thread(_believed, shot, people, pieces, same, reader, settings)
    linked, alone = _shared_out(pieces, belief, same, settings)
    everyone = [*linked.values(), *alone]
    await _listen(hearing, shot.sound, activity, everyone)
    return linked, alone


async def _voices_of_pieces(
    hearing: Hearing, sound: Sound, pieces: Sequence[Utterance], least_s: float
) -> list[F32 | None]:
    """The voice of each piece that is long enough, float32[D] of length 1."""
    long = [number for number, piece in enumerate(pieces) if piece.length_s >= least_s]
    voices: list[F32 | None] = [None] * len(pieces)
    if len(long) > 1:
        clips = [clip_of(sound, pieces[number].start_s, pieces[number].end_s) for number in long]
        embedded = await hearing.embed(clips)
        for number, vector in zip(long, embedded.vectors, strict=True):
            voices[number] = vector
    return voices


def _pairing(
    pieces: Sequence[Utterance],
    voices: Sequence[F32 | None],
    calibration: Calibration | None,
    settings: PipelineSettings,
) -> F64:
    """How much each two pieces should have one speaker, float64[N, N] in nats: they sound alike, or follow at once."""
    how = settings.speakers
    same = np.zeros((len(pieces), len(pieces)))
    for one, first in enumerate(voices):
        for other, second in enumerate(voices[:one]):
            if first is not None and second is not None and calibration is not None:
                said = how.voice * calibration.logit(float(first @ second))
                same[one, other] = same[other, one] = np.clip(said, -how.most_voice, how.most_voice)
    for number, (before, after) in enumerate(pairwise(pieces)):
        if after.start_s - before.end_s <= how.at_once_s:
            same[number, number + 1] += how.at_once
            same[number + 1, number] += how.at_once
    return same


def _believed(
    shot: Shot,
    people: Sequence[Fragment],
    pieces: Sequence[Utterance],
    same: F64,
    reader: MouthReader,
    settings: PipelineSettings,
) -> F64:
    """Who says each piece: float64[N, P + 1]."""
    evidence, present = evidence_in(shot, people, pieces, reader)
    return choose(evidence, present, same, settings.speakers)


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


def _shared_out(
    pieces: Sequence[Utterance], belief: F64, same: F64, settings: PipelineSettings
) -> tuple[dict[int, Spoken], list[Spoken]]:
    """Give each piece to whom it most likely belongs, and join pieces that follow each other."""
    nobody = belief.shape[1] - 1
    linked: dict[int, Spoken] = {}
    alone: list[Spoken] = []
    last: Spoken | None = None
    for number, piece in enumerate(pieces):
        best = int(belief[number, :nobody].argmax()) if nobody else nobody
        sure = float(belief[number, best])
        known = best != nobody and sure >= max(settings.speakers.least_sure, float(belief[number, nobody]))
        span = SpeechSpan(piece.start_s, piece.end_s, sure if known else 1.0)
        if known:
            speaker = linked.setdefault(best, Spoken())
        elif last is not None and last in alone and same[number, number - 1] >= 0.0:
            speaker = last
        else:
            speaker = Spoken()
        near = bool(speaker.spans) and piece.start_s - speaker.spans[-1].end_s <= settings.speech.joined_s
        if near and speaker is last:
            speaker.spans[-1] = _joined(speaker.spans[-1], span)
        else:
            speaker = speaker if known else Spoken()
            speaker.spans.append(span)
            if not known:
                alone.append(speaker)
        last = speaker
    least_s = settings.speech.least_alone_s - 1e-9
    return linked, [speaker for speaker in alone if speaker.seconds >= least_s]


def _joined(one: SpeechSpan, other: SpeechSpan) -> SpeechSpan:
    return SpeechSpan(one.start_s, other.end_s, confidence_of([one, other]))


async def _listen(hearing: Hearing, sound: Sound, activity: F32, speakers: Sequence[Spoken]) -> None:
    """Embed the voice of each speaker over all that they say, and say what it is worth."""
    if not speakers:
        return
    clips, heard = [], []
    for speaker in speakers:
        parts = [_frames(sound, span) for span in speaker.spans]
        clips.append(np.concatenate([sound.samples[HOP * low : HOP * high] for low, high in parts]))
        heard.append(np.concatenate([activity[low:high] for low, high in parts]))
    embedded = await hearing.embed(clips, activity=heard)
    for speaker, vector in zip(speakers, embedded.vectors, strict=True):
        speaker.voice = Aggregate(vector, quality_of_speech(speaker.seconds))


def _frames(sound: Sound, span: SpeechSpan) -> tuple[int, int]:
    """A span in frames of 10 ms of the sound."""
    low, high = (round((time_s - sound.start_s) / FRAME_S) for time_s in (span.start_s, span.end_s))
    return max(low, 0), max(high, low + 1)
