"""speech_link_accuracy: whether speech is linked to the person on screen who speaks it.

Over the lines of the truth during which at least two faces are on screen, dubbed ones left out. The line is found
when found speech covers at least half of it; found speech is linked to a tracklet or stands alone, and where pieces
of the line go to different ones, the one with most of its time decides. It is right when the line is found, and goes
to a tracklet that shows the speaker, or stands alone when the speaker is off screen. A line that is not found is
wrong.

A face is on screen during a line when it is visible (24 px wide, not hidden, turned by less than 60 degrees) in at
least half of the line's frames. The baseline links every such line to the face that is the largest on average over
the line's frames, nothing being counted where it cannot be seen; it is given the truth's faces and the truth's lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.metrics.speech_time import shared_s
from evaluation.truth import TruthTracklet
from evaluation.truth_speech import TruthSpeech
from evaluation.tubes import Tube, box_areas

__all__ = ["ALONE", "LinkedSpan", "faces_on_screen", "largest_face", "linked_to"]

ALONE = "alone"
LEAST_COVERED = 0.5
LEAST_FRAMES = 0.5


@dataclass(frozen=True, slots=True)
class LinkedSpan:
    """Found speech: `to` is the identity that its tracklet shows (empty: nobody of the truth), or `ALONE`."""

    start_s: float
    end_s: float
    to: str


def linked_to(line: TruthSpeech, found: Sequence[LinkedSpan]) -> str | None:
    """Say to whom a line is linked: an identity, `ALONE`, or None when the line is not found."""
    covered_s = shared_s([line.span_s], [(span.start_s, span.end_s) for span in found])
    if covered_s < LEAST_COVERED * line.duration_s or covered_s <= 0:
        return None
    targets = sorted({span.to for span in found})
    shares = {
        to: shared_s([line.span_s], [(span.start_s, span.end_s) for span in found if span.to == to]) for to in targets
    }
    return max(targets, key=shares.__getitem__)


def faces_on_screen(line: TruthSpeech, tracklets: Sequence[TruthTracklet], frames_per_second: float) -> int:
    """Count the faces that are on screen during a line of their film."""
    first, last = _frames(line, frames_per_second)
    least = LEAST_FRAMES * (last - first)
    return sum(len(_within(tracklet.faces, first, last).frames) >= max(least, 1) for tracklet in tracklets)


def largest_face(line: TruthSpeech, tracklets: Sequence[TruthTracklet], frames_per_second: float) -> str | None:
    """Return the identity whose face is the largest on average during a line; None when there is no face."""
    first, last = _frames(line, frames_per_second)
    areas = {one.key: float(box_areas(_within(one.faces, first, last).boxes).sum()) for one in tracklets}
    best = max(tracklets, key=lambda one: areas[one.key], default=None)
    return best.identity if best is not None and areas[best.key] > 0 else None


def _frames(line: TruthSpeech, frames_per_second: float) -> tuple[int, int]:
    """Return the first frame of a line, and the one behind its last; at least one frame."""
    first = int(np.ceil(line.start_s * frames_per_second))
    return first, max(first + 1, int(np.ceil(line.end_s * frames_per_second)))


def _within(tube: Tube, first: int, last: int) -> Tube:
    inside = slice(*np.searchsorted(tube.frames, [first, last]))
    return Tube(tube.frames[inside], tube.boxes[inside])
