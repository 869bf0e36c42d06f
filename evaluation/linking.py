"""The figures of hearing speech in films, and of linking it to who speaks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evaluation.metrics.bootstrap import Estimate, estimate_ratio
from evaluation.metrics.speech_link import ALONE, LinkedSpan, faces_on_screen, largest_face, linked_to
from evaluation.metrics.speech_time import length_s, shared_s
from evaluation.predictions import PredictedSpeech, PredictedTracklet
from evaluation.truth import Film, TruthTracklet
from evaluation.truth_speech import TruthSpeech

__all__ = ["FilmSpeech", "LinkFigures", "LinkedLine", "film_speech", "link_figures"]

LEAST_FACES = 2


@dataclass(frozen=True, slots=True)
class LinkedLine:
    """A line of the truth with what became of it.

    Attributes:
        line: The line.
        faces: How many faces are on screen.
        linked: To whom it was linked: an identity, `ALONE`, None when it was not found.
        largest: Whose face is the largest; None without a face.
    """

    line: TruthSpeech
    faces: int
    linked: str | None
    largest: str | None

    @property
    def is_right(self) -> bool:
        """Whether it went to its speaker, or stands alone when the speaker cannot be seen."""
        return self.linked == (ALONE if self.line.tracklet is None else self.line.identity)


@dataclass(frozen=True, slots=True)
class FilmSpeech:
    """Speech of one film: its lines, and seconds that were spoken, found, and both."""

    lines: tuple[LinkedLine, ...]
    spoken_s: float
    found_s: float
    shared_s: float


@dataclass(frozen=True, slots=True)
class LinkFigures:
    """Shares over lines (speakers drawn for intervals) and over time (films drawn); None where there is nothing.

    Attributes:
        accuracy: speech_link_accuracy, over lines with two or more faces on screen.
        largest_face: What linking them to the largest face would have.
        on_screen: The accuracy over those of them whose speaker is on screen.
        off_screen: The accuracy over all lines whose speaker is off screen, whatever is on screen.
        dubbed_alone: Share of the dubbed lines that stand alone.
        speech_recall: Share of the spoken time that was found.
        speech_precision: Share of the found time that was spoken.
        accuracy_lines: How many lines have two or more faces on screen.
    """

    accuracy: Estimate | None
    largest_face: Estimate | None
    on_screen: Estimate | None
    off_screen: Estimate | None
    dubbed_alone: Estimate | None
    speech_recall: Estimate | None
    speech_precision: Estimate | None
    accuracy_lines: int


def film_speech(
    film: Film,
    tracklets: Sequence[PredictedTracklet],
    speech: Sequence[PredictedSpeech],
    shown: Mapping[str, TruthTracklet],
) -> FilmSpeech:
    """Compare the found speech of a film with its truth; `shown` says what each predicted tracklet shows."""
    found = [LinkedSpan(one.start_s, one.end_s, ALONE) for one in speech]
    for one in tracklets:
        to = shown[one.appearance_id].identity if one.appearance_id in shown else ""
        found += [LinkedSpan(start_s, end_s, to) for start_s, end_s in one.speech_s]
    lines = [_linked_line(line, film, found) for line in film.speech]
    truth_spans = [line.span_s for line in film.speech]
    found_spans = [(span.start_s, span.end_s) for span in found]
    both_s = shared_s(truth_spans, found_spans)
    return FilmSpeech(tuple(lines), length_s(truth_spans), length_s(found_spans), both_s)


def link_figures(films: Sequence[FilmSpeech]) -> LinkFigures:
    """Pool the films' lines and times."""
    lines = [line for film in films for line in film.lines]
    plain = [line for line in lines if not line.line.dubbed]
    crowded = [line for line in plain if line.faces >= LEAST_FACES]
    off_screen = [line for line in plain if line.line.tracklet is None]
    dubbed = [line for line in lines if line.line.dubbed]
    return LinkFigures(
        accuracy=_share(crowded, [line.is_right for line in crowded]),
        largest_face=_share(crowded, [_largest_is_right(line) for line in crowded]),
        on_screen=_share_right(line for line in crowded if line.line.tracklet is not None),
        off_screen=_share_right(off_screen),
        dubbed_alone=_share(dubbed, [line.linked == ALONE for line in dubbed]),
        speech_recall=_over_films([film.shared_s for film in films], [film.spoken_s for film in films]),
        speech_precision=_over_films([film.shared_s for film in films], [film.found_s for film in films]),
        accuracy_lines=len(crowded),
    )


def _linked_line(line: TruthSpeech, film: Film, found: Sequence[LinkedSpan]) -> LinkedLine:
    rate = film.frames_per_second
    return LinkedLine(
        line=line,
        faces=faces_on_screen(line, film.tracklets, rate),
        linked=linked_to(line, found),
        largest=largest_face(line, film.tracklets, rate),
    )


def _largest_is_right(line: LinkedLine) -> bool:
    return line.line.tracklet is not None and line.largest == line.line.identity


def _share_right(lines: Iterable[LinkedLine]) -> Estimate | None:
    kept = list(lines)
    return _share(kept, [line.is_right for line in kept])


def _share(lines: Sequence[LinkedLine], right: Sequence[bool]) -> Estimate | None:
    """Share of right lines; speakers are drawn, since one voice's lines succeed or fail together."""
    counted: dict[str, float] = {}
    possible: dict[str, float] = {}
    for line, flag in zip(lines, right, strict=True):
        counted[line.line.identity] = counted.get(line.line.identity, 0.0) + flag
        possible[line.line.identity] = possible.get(line.line.identity, 0.0) + 1
    return estimate_ratio(list(counted.values()), list(possible.values()), "speakers") if possible else None


def _over_films(counted: Sequence[float], possible: Sequence[float]) -> Estimate | None:
    return estimate_ratio(counted, possible) if any(value > 0 for value in possible) else None
