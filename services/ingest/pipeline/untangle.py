"""What was found where people lie over each other goes to those through whom their paths lead.

Of two people who overlap a detector finds one, or parts of both, and a tracker takes whatever comes next. What is seen
of each before and after says more. So what was found in the tangle is laid aside (`untangle`), re-linking decides
without it who is who, and then each box goes to the person whose path leads through it (`settle`). A box that fits
nobody's path is dropped where its owner's path goes on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from services.ingest.pipeline.geometry import inside_share, pairwise_iou, stack
from services.ingest.pipeline.paths import Path
from services.ingest.pipeline.settings import MotionSettings
from services.ingest.pipeline.values import Fragment, Point

__all__ = ["Loose", "settle", "untangle"]


@dataclass(frozen=True, slots=True, eq=False)
class Loose:
    """A point that was laid aside.

    Attributes:
        point: Where somebody was found.
        anchor: A point that stayed in the fragment from which this one was taken.
    """

    point: Point
    anchor: Point


def untangle(fragments: Sequence[Fragment], settings: MotionSettings) -> tuple[list[Fragment], list[Loose]]:
    """Lay aside the points at both ends of each fragment where somebody lies over the person.

    A fragment that is in a tangle from end to end stays as it is: there is nothing that would say more.
    """
    tangled = _tangled(fragments, settings.tangled_share)
    clear_ones: list[Fragment] = []
    loose: list[Loose] = []
    for fragment in fragments:
        points = fragment.points
        clear = [place for place, point in enumerate(points) if id(point) not in tangled]
        if clear:
            first, last = clear[0], clear[-1] + 1
            loose += [Loose(point, points[first]) for point in points[:first] + points[last:]]
            fragment = replace(fragment, points=points[first:last])
        clear_ones.append(fragment)
    return clear_ones, loose


def settle(people: Sequence[Fragment], loose: Sequence[Loose], settings: MotionSettings) -> list[Fragment]:
    """Give people the loose points that fit their paths; the rest stays with its owner, unless that is known better."""
    frames: dict[int, list[Loose]] = defaultdict(list)
    for one in loose:
        frames[one.point.position.frame].append(one)
    owners = {id(point): number for number, person in enumerate(people) for point in person.points}
    paths = [Path(person.points, settings) for person in people]
    gained: list[list[Point]] = [[] for _ in people]
    for found in frames.values():
        for number, point in _settled(found, paths, owners, settings.fitting_iou):
            gained[number].append(point)
    return [
        replace(person, points=sorted(person.points + more, key=lambda point: point.position.frame)) if more else person
        for person, more in zip(people, gained, strict=True)
    ]


def _settled(
    found: Sequence[Loose], paths: Sequence[Path], owners: dict[int, int], fitting_iou: float
) -> list[tuple[int, Point]]:
    """Who gets which loose point of one frame."""
    position = found[0].point.position
    absent = [number for number, path in enumerate(paths) if not path.holds(position.frame)]
    boxes = {number: paths[number].box_at(position.frame, position.time_s) for number in absent}
    expected = {number: box for number, box in boxes.items() if box is not None}
    shares = pairwise_iou(stack(list(expected.values())), stack([one.point.person.box for one in found]))
    numbers = list(expected)
    taken = {
        int(column): numbers[row]
        for row, column in zip(*linear_sum_assignment(shares, maximize=True), strict=True)
        if shares[row, column] >= fitting_iou
    }
    free = set(absent).difference(taken.values())
    for column, one in enumerate(found):
        owner = owners[id(one.anchor)]
        if column not in taken and owner in free and not paths[owner].spans(position.frame):
            taken[column] = owner
            free.discard(owner)
    return [(number, found[column].point) for column, number in taken.items()]


def _tangled(fragments: Sequence[Fragment], share: float) -> set[int]:
    """The ids of points that may be somebody else's: in a crossing, or with a share of another one's box."""
    frames: dict[int, list[Point]] = defaultdict(list)
    for fragment in fragments:
        for point in fragment.points:
            frames[point.position.frame].append(point)
    found: set[int] = set()
    for points in frames.values():
        boxes = stack([point.person.box for point in points])
        shares = inside_share(boxes, boxes)
        np.fill_diagonal(shares, 0.0)
        most = np.maximum(shares.max(axis=0), shares.max(axis=1))
        found |= {id(point) for point, one in zip(points, most, strict=True) if point.crossing or one >= share}
    return found
