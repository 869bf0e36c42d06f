"""Fragments of one person in one shot are joined again, when the shot is over and everything is known.

Inside a shot people keep their clothes, so the body embedding may decide together with the face, and with where the
paths lead: people in one uniform are told apart by how they walk. Two fragments that are seen at the same time are two
people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy.optimize import linear_sum_assignment

from packs.arrays import F32
from packs.calibration import Calibration
from packs.spec import Modality
from services.ingest.pipeline.aggregate import Aggregate, aggregate
from services.ingest.pipeline.cohort import against_cohort
from services.ingest.pipeline.paths import PathEnd, motion_evidence, path_end
from services.ingest.pipeline.settings import RelinkSettings
from services.ingest.pipeline.untangle import settle, untangle
from services.ingest.pipeline.values import Fragment, MouthSeen, Shot

__all__ = ["Relinker"]

DECIDING = (Modality.FACE, Modality.BODY)

Looks = Mapping[Modality, Aggregate]


@dataclass(frozen=True, slots=True, eq=False)
class _Edge:
    """One side of a join: where a fragment ends or begins, and what it looks like."""

    path: PathEnd
    looks: Looks


class Relinker:
    """Joins what belongs together.

    Args:
        calibration: Evidence of each modality; one without a calibration decides nothing.
        settings: Limits in time, space and evidence.
    """

    def __init__(self, calibration: Mapping[Modality, Calibration], settings: RelinkSettings) -> None:
        self._calibration = {modality: calibration[modality] for modality in DECIDING if modality in calibration}
        self._settings = settings

    def relink(self, shot: Shot) -> list[Fragment]:
        """The people of a shot, each as one fragment where that can be told; in order of first frame and place."""
        fragments, loose = untangle(shot.fragments, self._settings.motion)
        while len(fragments) > 1:
            joined = self._join_once(fragments, shot)
            if len(joined) == len(fragments):
                break
            fragments = joined
        people = settle(fragments, loose, self._settings.motion)
        return sorted(people, key=lambda part: (part.first.position.frame, float(part.first.person.box[0])))

    def _join_once(self, fragments: list[Fragment], shot: Shot) -> list[Fragment]:
        """Give each fragment at most one successor, for the greatest evidence in all."""
        tails = [self._tail(fragment) for fragment in fragments]
        lines = self._lines(fragments, tails)
        heads = [self._head(fragment, tail) for fragment, tail in zip(fragments, tails, strict=True)]
        # No join is worth nothing: two weak joins must not take the place of a strong one.
        worth = np.zeros((len(fragments), len(fragments)))
        for row, earlier in enumerate(fragments):
            for column, later in enumerate(fragments):
                if row != column and self._possible(earlier, later, shot):
                    goes_on = later.continues is not None and later.continues == earlier.number
                    evidence = self._link(tails[row], heads[column], lines, goes_on=goes_on)
                    worth[row, column] = evidence or 0.0
        following = {
            int(row): int(column)
            for row, column in zip(*linear_sum_assignment(worth, maximize=True), strict=True)
            if worth[row, column] > 0.0
        }
        return _chains(fragments, following)

    def _lines(self, fragments: Sequence[Fragment], edges: Sequence[_Edge]) -> Mapping[Modality, Calibration]:
        """What cosines mean in this shot: a body's, beside the people who are seen at the same time."""
        body = self._calibration.get(Modality.BODY)
        if body is None:
            return self._calibration
        seen = [
            (edge.looks[Modality.BODY].vector, {point.position.frame for point in fragment.points})
            for fragment, edge in zip(fragments, edges, strict=True)
            if Modality.BODY in edge.looks
        ]
        # Who is seen in one frame with somebody is somebody else.
        strangers = [
            float(one @ other) for (one, mine), (other, theirs) in combinations(seen, 2) if not mine.isdisjoint(theirs)
        ]
        return {**self._calibration, Modality.BODY: against_cohort(body, np.array(strangers))}

    def _link(
        self, earlier: _Edge, later: _Edge, lines: Mapping[Modality, Calibration], *, goes_on: bool
    ) -> float | None:
        """Evidence for a join in nats, or None where it is too little; what goes on for the tracker needs less."""
        looks = _alike(earlier.looks, later.looks, lines, self._settings.most_looks)
        motion = motion_evidence(earlier.path, later.path, self._settings.motion)
        if goes_on:
            natural = self._settings.continuity + motion + (looks or 0.0)
            return natural if natural >= 0.0 else None
        if looks is None or looks + motion < self._settings.least_evidence:
            return None
        return looks + motion

    def _tail(self, fragment: Fragment) -> _Edge:
        made = {modality: aggregate(fragment.observations.get(modality, [])) for modality in self._calibration}
        looks = {modality: look for modality, look in made.items() if look is not None}
        return _Edge(path_end(fragment.points, self._settings.motion), looks)

    def _head(self, fragment: Fragment, tail: _Edge) -> _Edge:
        return replace(tail, path=path_end(fragment.points, self._settings.motion, beginning=True))

    def _possible(self, earlier: Fragment, later: Fragment, shot: Shot) -> bool:
        left, back = earlier.last, later.first
        gap_s = back.position.time_s - left.position.time_s
        if gap_s <= 0.0 or gap_s > self._settings.longest_gap_s:
            return False
        boxes = np.stack([left.person.box, back.person.box])
        if gap_s > self._settings.out_of_frame_s and _at_side(boxes[0], shot) and _at_side(boxes[1], shot):
            return False
        sizes = boxes[:, 3] - boxes[:, 1]
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2.0
        distance = float(np.linalg.norm(centres[0] - centres[1]))
        return distance <= float(sizes.max()) * (0.5 + self._settings.reach_heights_s * gap_s)


def _alike(earlier: Looks, later: Looks, lines: Mapping[Modality, Calibration], most: float) -> float | None:
    """Log-odds of "same person" at even odds, in nats; of two modalities the mean, as they are not independent."""
    both = [
        lines[modality].logit(
            float(earlier[modality].vector @ later[modality].vector),
            min(earlier[modality].quality, later[modality].quality),
        )
        for modality in earlier.keys() & later.keys()
    ]
    return float(np.clip(np.mean(both), -most, most)) if both else None


def _at_side(box: F32, shot: Shot) -> bool:
    margin = 0.01 * shot.width_px
    return bool(box[0] <= margin or box[2] >= shot.width_px - margin)


def _chains(fragments: list[Fragment], following: dict[int, int]) -> list[Fragment]:
    joined = []
    for first in sorted(set(range(len(fragments))) - set(following.values())):
        chain = [first]
        while chain[-1] in following:
            chain.append(following[chain[-1]])
        joined.append(_merged([fragments[index] for index in chain]))
    return joined


def _merged(parts: list[Fragment]) -> Fragment:
    if len(parts) == 1:
        return parts[0]
    observations = {
        modality: [seen for part in parts for seen in part.observations.get(modality, [])]
        for modality in Modality
        if any(part.observations.get(modality) for part in parts)
    }
    frames = [part.key_frame for part in parts if part.key_frame is not None]
    best = max(frames, key=lambda frame: frame.worth, default=None)
    points = [point for part in parts for point in part.points]
    return Fragment(points, observations, best, parts[-1].number, parts[0].continues, _mouths_of(parts))


def _mouths_of(parts: list[Fragment]) -> list[MouthSeen]:
    """The mouths of all parts in order of time, one for each moment.

    Parts may overlap: where two people met, one's track was followed a little longer than it was theirs.
    """
    seen: dict[float, MouthSeen] = {}
    for part in parts:
        for mouth in part.mouths:
            seen.setdefault(mouth.time_s, mouth)
    return [seen[time_s] for time_s in sorted(seen)]
