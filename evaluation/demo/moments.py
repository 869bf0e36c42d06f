"""What a search found of one person, told moment by moment beside the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.matching import assign
from evaluation.predictions import predicted_tracklet_of_hit
from evaluation.truth import Film, TruthTracklet
from personsearch.v1 import hit_pb2

__all__ = ["SURE", "Moment", "Sighting", "compare"]

# Hits from here on are "more likely this person than not"; the demo calls them found.
SURE = 0.5


@dataclass(frozen=True, slots=True)
class Moment:
    """A stretch of the film, in seconds."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Sighting:
    """The verdicts on one person.

    Attributes:
        right: Hits that show the person, with their scores, in order of time.
        wrong: Hits that show somebody else, or nobody, with their scores.
        missed: Truth tracklets that no hit shows; and whether the face can be seen there.
    """

    right: tuple[tuple[Moment, float], ...]
    wrong: tuple[tuple[Moment, float], ...]
    missed: tuple[tuple[Moment, bool], ...]

    @property
    def found_count(self) -> int:
        """How many hits are right."""
        return len(self.right)


def compare(hits: Sequence[hit_pb2.Hit], identity: str, film: Film) -> Sighting:
    """Compare the sure hits of a search with a film's truth; what does not count in the truth is not called missed."""
    sure = [hit for hit in hits if hit.score >= SURE]
    shown = assign([predicted_tracklet_of_hit(hit, film) for hit in sure if hit.appearance.boxes], film.tracklets)
    right: list[tuple[Moment, float]] = []
    wrong: list[tuple[Moment, float]] = []
    for hit in sorted(sure, key=lambda hit: hit.appearance.span.start_s):
        tracklet = shown.get(hit.appearance.appearance_id)
        told = (Moment(hit.appearance.span.start_s, hit.appearance.span.end_s), hit.score)
        (right if tracklet is not None and tracklet.identity == identity else wrong).append(told)
    found = {tracklet.key for tracklet in shown.values()}
    missed = [
        (_moment(tracklet, film), tracklet.face_visible)
        for tracklet in film.tracklets
        if tracklet.identity == identity and tracklet.counts and tracklet.key not in found
    ]
    return Sighting(tuple(right), tuple(wrong), tuple(missed))


def _moment(tracklet: TruthTracklet, film: Film) -> Moment:
    frames = tracklet.tube.frames
    return Moment(float(frames[0]) / film.frames_per_second, float(frames[-1] + 1) / film.frames_per_second)
