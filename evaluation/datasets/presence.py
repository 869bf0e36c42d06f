"""Who is in an appearance besides the one whom it shows: heard in it, or seen in a part of it.

A tracklet whose boxes wander from one person to another is assigned to nobody, and yet shows both; speech that was
linked to the wrong tracklet is nobody's who is seen there, and yet is heard. A search for a person is in a gallery
without that person only when none of these is left in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.speech_time import shared_s
from evaluation.predictions import PredictedTracklet
from evaluation.truth import Film
from evaluation.tubes import Tube, box_areas, box_intersections, meeting
from personsearch.v1 import appearance_pb2

__all__ = ["heard_in", "in_part"]

# In so many of its frames a tracklet passes over somebody.
LEAST_SHARE = 0.1
# There a box is somebody's at this overlap; that of a tracklet of nobody when so much of it lies on the person.
SAME_BOX, ON_PERSON = 0.5, 0.5
# Of the time that an appearance speaks, the person who is heard in it speaks at least so much.
MOST_OF_SPEECH = 0.5
Wire = appearance_pb2.Appearance


def heard_in(appearance: Wire, film: Film) -> tuple[str | None, frozenset[str]]:
    """Who is heard most of the time that an appearance speaks, if anybody, and everybody who is heard at all."""
    spans = [(one.span.start_s, one.span.end_s) for one in appearance.speech]
    if appearance.kind == appearance_pb2.APPEARANCE_KIND_SPEECH:
        spans = [(appearance.span.start_s, appearance.span.end_s)]
    lines: Mapping[str, list[tuple[float, float]]] = defaultdict(list)
    for line in film.speech:
        lines[line.identity].append(line.span_s)
    spoken_s = {name: shared for name, said in lines.items() if (shared := shared_s(spans, said)) > 0.0}
    total_s = sum(end_s - start_s for start_s, end_s in spans)
    most = max(spoken_s, key=lambda name: spoken_s[name], default=None)
    if most is not None and spoken_s[most] < MOST_OF_SPEECH * total_s:
        most = None
    return most, frozenset(spoken_s)


def in_part(predicted: Iterable[PredictedTracklet], film: Film, shown: Collection[str]) -> dict[str, frozenset[str]]:
    """Whom the boxes of each tracklet of a film pass over, by its id; `shown` are those that show somebody."""
    several = list(predicted)
    found: dict[str, set[str]] = defaultdict(set)
    for i, j in meeting([one.tube for one in several], [one.tube for one in film.tracklets]):
        name, truth = several[i].appearance_id, film.tracklets[j]
        if _share(several[i].tube, truth.tube, loose=name not in shown) >= LEAST_SHARE:
            found[name].add(truth.identity)
    return {name: frozenset(names) for name, names in found.items()}


def _share(tube: Tube, person: Tube, *, loose: bool) -> float:
    """In how many of a tube's frames its box is on a person."""
    common = np.intersect1d(tube.frames, person.frames)
    own, theirs = tube.at(common).boxes, person.at(common).boxes
    shared, area = box_intersections(own, theirs), box_areas(own)
    on: NDArray[np.bool_] = shared >= SAME_BOX * (area + box_areas(theirs) - shared)
    if loose:
        on |= shared >= ON_PERSON * area
    return float(np.count_nonzero(on & (shared > 0.0)) / max(1, len(tube.frames)))
