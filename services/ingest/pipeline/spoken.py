"""From beliefs to what is stored: who says what, and what nobody in the picture says."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from packs.arrays import F64
from services.backends.schemas import SpeechSpan
from services.ingest.pipeline.aggregate import Aggregate
from services.ingest.pipeline.film_speakers import Choices
from services.ingest.pipeline.settings import PipelineSettings
from services.ingest.pipeline.shot_speech import Piece, ShotSpeech
from services.runtime.trust import confidence_of, quality_of_speech

__all__ = ["Spoken", "shared_out"]


@dataclass(slots=True, eq=False)
class Spoken:
    """What one speaker says in a shot.

    Attributes:
        number: Of the first piece, in the shot: the same whoever says it.
        spans: When, in order.
        pieces: The pieces that it is made of, and how sure it is of each that it belongs here.
    """

    number: int
    spans: list[SpeechSpan] = field(default_factory=list)
    pieces: list[tuple[Piece, float]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long they speak."""
        return sum(span.end_s - span.start_s for span in self.spans)

    @property
    def voice(self) -> Aggregate:
        """Their voice over all of it; its quality is s / (s + 1) for s seconds.

        Pieces count by their length, by how sure the encoder is of them, and by how sure it is that they belong here:
        a line that is somebody else's would make a voice of nobody.
        """
        weights = np.array([piece.length_s * sure for piece, sure in self.pieces])
        mean = weights @ np.stack([piece.voice for piece, _ in self.pieces]).astype(np.float64)
        unit = mean / max(float(np.linalg.norm(mean)), 1e-12)
        return Aggregate(unit.astype(np.float32), quality_of_speech(self.seconds))

    def add(self, piece: Piece, sure: float, joins: bool) -> None:
        """Take in the next piece; one that joins makes the last span longer."""
        span = SpeechSpan(piece.start_s, piece.end_s, sure)
        self.pieces.append((piece, sure))
        if self.spans and joins:
            self.spans[-1] = _joined(self.spans[-1], span)
        else:
            self.spans.append(span)


def shared_out(
    shot: ShotSpeech, choices: Choices, settings: PipelineSettings
) -> tuple[dict[int, Spoken], list[Spoken]]:
    """Give each piece of a shot to whom it most likely belongs.

    Args:
        shot: With its pieces.
        choices: Who says each of them.
        settings: From how sure on a person is linked to speech, and how speech is joined.

    Returns:
        What each of the people says, by their place; and what nobody in the picture says, a span each.
    """
    linked: dict[int, Spoken] = {}
    alone: list[Spoken] = []
    last: Spoken | None = None
    for number, piece in enumerate(shot.pieces):
        near = number > 0 and piece.start_s - shot.pieces[number - 1].end_s <= settings.speech.joined_s
        best, sure = _best(choices.belief[number], settings.speakers.least_sure)
        if best is not None:
            speaker = linked.setdefault(best, Spoken(number))
            speaker.add(piece, sure, near and speaker is last)
        else:
            joins = near and last is not None and last in alone and choices.goes_on[number] >= 0.0
            speaker = last if joins and last is not None else Spoken(number)
            speaker.add(piece, 1.0, joins)
            if not joins:
                alone.append(speaker)
        last = speaker
    least_s = settings.speech.least_alone_s - 1e-9
    return linked, [speaker for speaker in alone if speaker.seconds >= least_s]


def _best(belief: F64, least_sure: float) -> tuple[int | None, float]:
    """Who says a piece, float64[P + 1], and how sure it is; None for nobody who can be seen."""
    nobody = len(belief) - 1
    best = int(belief[:nobody].argmax()) if nobody else nobody
    sure = float(belief[best])
    return (best, sure) if best != nobody and sure >= max(least_sure, float(belief[nobody])) else (None, 1.0)


def _joined(one: SpeechSpan, other: SpeechSpan) -> SpeechSpan:
    return SpeechSpan(one.start_s, other.end_s, confidence_of([one, other]))
