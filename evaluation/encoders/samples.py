"""What is embedded: crops and lines of the films, taken where the truth says that somebody is.

Of each truth tracklet that counts, up to four crops of the whole person, spread over the frames in which at least
half of the person is seen, and up to four of the face, spread over the frames in which it is visible. Of the speech,
every line of a second or more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.truth import Film, TruthTracklet
from evaluation.tubes import Tube
from packs.spec import Modality

__all__ = ["CROPS", "LEAST_LINE_S", "Label", "Place", "places_by_frame", "voice_labels"]

CROPS = 4
LEAST_LINE_S = 1.0


@dataclass(frozen=True, slots=True)
class Label:
    """Whose sample it is; `group` is its tracklet or line, `scene` where clothes hold (empty for voices)."""

    identity: str
    group: str
    scene: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A crop to be cut: `box` is float64[4] in pixels of its frame."""

    modality: Modality
    box: NDArray[np.float64]
    label: Label


def places_by_frame(film: Film) -> dict[int, list[Place]]:
    """Map frames of a film to the crops that are cut from them."""
    places: dict[int, list[Place]] = {}
    for tracklet in film.tracklets:
        if tracklet.counts:
            for frame, place in _places(tracklet):
                places.setdefault(frame, []).append(place)
    return places


def voice_labels(film: Film) -> list[tuple[tuple[float, float], Label]]:
    """Return span in seconds and label of the lines that are embedded."""
    lines = [line for line in film.speech if line.duration_s >= LEAST_LINE_S]
    return [(line.span_s, Label(line.identity, line.key)) for line in lines]


def _places(tracklet: TruthTracklet) -> Iterator[tuple[int, Place]]:
    label = Label(tracklet.identity, tracklet.key, tracklet.scene)
    parts: Mapping[Modality, Tube] = {
        Modality.BODY: tracklet.tube.at(tracklet.clear_frames),
        Modality.FACE: tracklet.faces,
    }
    for modality, tube in parts.items():
        for row in _spread(len(tube.frames)):
            yield int(tube.frames[row]), Place(modality, tube.boxes[row], label)


def _spread(count: int) -> Sequence[int]:
    """Choose up to four of `count` rows, in the middles of four equal stretches."""
    middles = (np.arange(CROPS) + 0.5) / CROPS * count
    return sorted({int(middle) for middle in middles}) if count else []
