"""How films are made, by their truth: who is long on screen, who speaks, for how long, whose face is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.truth import Film


@dataclass(frozen=True, slots=True)
class FilmFigures:
    """Statistics of some films, pooled.

    Attributes:
        screen_time_of_busiest_quarter: Share of all screen time that the busiest quarter of each cast has, in the mean.
        share_who_never_speak: Of the people of all casts.
        median_speech_s: Median length of a line.
        tracklets_without_face: Share of the tracklets that count on which no face is visible.
        tracklets: How many count.
        people: How many there are.
        films: How many films.
    """

    screen_time_of_busiest_quarter: float
    share_who_never_speak: float
    median_speech_s: float
    tracklets_without_face: float
    tracklets: int
    people: int
    films: int


def film_figures(films: Sequence[Film]) -> FilmFigures:
    """Measure films; the same person in two films counts once when asked whether they ever speak.

    Raises:
        ValueError: no films, or nobody speaks in them.
    """
    lines = [line.duration_s for film in films for line in film.speech]
    if not lines:
        raise ValueError(f"got {len(films)} films without any speech, expected films of `python -m synthetic render`")
    people = {who for film in films for who in film.attributes}
    speakers = {line.identity for film in films for line in film.speech}
    counted = [tracklet for film in films for tracklet in film.tracklets if tracklet.counts]
    return FilmFigures(
        screen_time_of_busiest_quarter=float(np.mean([_busiest_quarter(film) for film in films])),
        share_who_never_speak=1 - len(speakers & people) / len(people),
        median_speech_s=float(np.median(lines)),
        tracklets_without_face=float(np.mean([not tracklet.face_visible for tracklet in counted])),
        tracklets=len(counted),
        people=len(people),
        films=len(films),
    )


def _busiest_quarter(film: Film) -> float:
    times = dict.fromkeys(film.attributes, 0)
    for tracklet in film.tracklets:
        times[tracklet.identity] += len(tracklet.tube.frames)
    ordered = np.sort(list(times.values()))[::-1]
    return float(ordered[: max(1, round(len(ordered) / 4))].sum() / max(1, ordered.sum()))
