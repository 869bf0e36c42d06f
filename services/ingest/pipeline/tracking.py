"""Persons of successive frames become tracks.

After ByteTrack (Zhang et al., ECCV 2022, arXiv:2110.06864): strong detections are matched first, weak ones may only
continue a track, which carries people through occlusions. Added to it: what people wear counts beside the
overlap, expected boxes widen with the time that a track was not seen, and a track keeps the frames from before it
was certain. Tracks that lay over each other begin anew where they come apart (`crossings`): re-linking decides who
is who.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from packs.arrays import F32
from services.ingest.pipeline.clothes import Alike
from services.ingest.pipeline.colours import similarity
from services.ingest.pipeline.crossings import Crossings
from services.ingest.pipeline.geometry import pairwise_iou, stack, widened
from services.ingest.pipeline.motion import BoxFilter
from services.ingest.pipeline.settings import TrackerSettings
from services.ingest.pipeline.values import Person, Point, Position

__all__ = ["Track", "Tracker"]

# How far, in shares of its size a second, an unseen person's box is widened, and at most.
WIDENING_S, WIDEST = 0.5, 0.6
CLOTHES_MEMORY = 0.9
FORBIDDEN = 1e6


class Track:
    """One person being followed.

    Attributes:
        number: Unique in the shot.
        points: Where the person was found.
        expected: Where the person should be in the present frame.
        clothes: What they wear, as seen when nobody was in front.
        crossing: Whether somebody is in front or behind now.
        continues: Number of the track that this one takes up after a crossing.
        continued: Whether another one takes this one up.
    """

    def __init__(self, number: int, point: Point) -> None:
        self.number = number
        self.points: list[Point] = [point]
        self._filter = BoxFilter(point.person.box, point.position.time_s)
        self.expected = point.person.box
        self.clothes = point.person.clothes
        self.crossing = False
        self.continues: int | None = None
        self.continued = False

    def taken_up(self, number: int, point: Point) -> Track:
        """A new track that goes on from here with the same motion and clothes."""
        track = Track(number, point)
        self._filter.correct(point.person.box)
        track._filter, track.clothes = self._filter, self.clothes
        track.continues, self.continued = self.number, True
        return track

    @property
    def seen_s(self) -> float:
        """When it was seen last, in seconds."""
        return self.points[-1].position.time_s

    def predict(self, time_s: float) -> None:
        """Move the expected box on to a time."""
        self.expected = self._filter.predict(time_s)

    def extend(self, point: Point) -> None:
        """Take in where the person was found."""
        self._filter.correct(point.person.box)
        self.points.append(point)
        found = point.person.clothes
        if self.crossing:
            # What is seen now may be the other one's clothes.
            return
        if found is None or self.clothes is None:
            self.clothes = found if self.clothes is None else self.clothes
            return
        blended = CLOTHES_MEMORY * self.clothes + (1.0 - CLOTHES_MEMORY) * found
        self.clothes = (blended / max(float(np.linalg.norm(blended)), 1e-6)).astype(np.float32)


class Tracker:
    """Follows the people of one shot.

    Args:
        settings: How.
        alike: Compares what people wear.
    """

    def __init__(self, settings: TrackerSettings, alike: Alike = similarity) -> None:
        self._settings = settings
        self._alike = alike
        self._live: list[Track] = []
        self._over: list[Track] = []
        self._made = 0
        self._crossings = Crossings(settings.crossing_enter, settings.crossing_leave)

    def update(self, position: Position, persons: list[Person]) -> list[tuple[Track, Person]]:
        """Take in one frame; return which track each person went to, those too weak for one left out."""
        self._retire(position.time_s)
        for track in self._live:
            track.predict(position.time_s)
        strong = [person for person in persons if person.score >= self._settings.high_score]
        weak = [person for person in persons if self._settings.low_score <= person.score < self._settings.high_score]
        matched, tracks, strong = self._match_strong(self._live, strong, position.time_s)
        followed, _, _ = self._match_weak(tracks, weak)
        pairs = self._extended(position, matched + followed)
        pairs += [(self._begin(Point(position, person)), person) for person in strong]
        return pairs

    def finish(self) -> list[Track]:
        """End all tracks; return those that are long enough, in order of their first frame and place."""
        least = self._settings.least_frames
        kept = [
            track
            for track in self._over + self._live
            if len(track.points) >= least or track.continued or track.continues is not None
        ]
        self._live, self._over = [], []
        self._crossings = Crossings(self._settings.crossing_enter, self._settings.crossing_leave)
        return sorted(kept, key=lambda track: (track.points[0].position.frame, float(track.points[0].person.box[0])))

    def _match_strong(
        self, tracks: list[Track], persons: list[Person], time_s: float
    ) -> tuple[list[tuple[Track, Person]], list[Track], list[Person]]:
        unseen = np.array([time_s - track.seen_s for track in tracks], dtype=np.float32)
        widening = np.minimum(unseen * WIDENING_S, WIDEST).astype(np.float32)
        expected = widened(stack([track.expected for track in tracks]), widening)
        found = stack([person.box for person in persons])
        # Both boxes widen alike, so that waiting does not make a box too large to overlap well with any.
        overlaps = (
            np.stack(
                [
                    pairwise_iou(row[None], widened(found, np.full(len(found), share, dtype=np.float32)))[0]
                    for row, share in zip(expected, widening, strict=True)
                ]
            )
            if len(expected)
            else np.zeros((0, len(found)), dtype=np.float32)
        )
        weight = self._settings.appearance_weight
        likeness = (1.0 - weight) * overlaps + weight * self._clothes_likeness(tracks, persons) * (overlaps > 0.0)
        return _assign(tracks, persons, likeness.astype(np.float32), self._settings.gate)

    def _match_weak(
        self, tracks: list[Track], persons: list[Person]
    ) -> tuple[list[tuple[Track, Person]], list[Track], list[Person]]:
        overlaps = pairwise_iou(stack([track.expected for track in tracks]), stack([person.box for person in persons]))
        return _assign(tracks, persons, overlaps, self._settings.low_gate)

    def _clothes_likeness(self, tracks: list[Track], persons: list[Person]) -> F32:
        known = [track.clothes for track in tracks]
        found = [person.clothes for person in persons]
        if not known or not found or any(clothes is None for clothes in known + found):
            return np.ones((len(tracks), len(persons)), dtype=np.float32)
        rows = np.stack([clothes for clothes in known if clothes is not None])
        columns = np.stack([clothes for clothes in found if clothes is not None])
        return self._alike(rows, columns)

    def _extended(self, position: Position, pairs: list[tuple[Track, Person]]) -> list[tuple[Track, Person]]:
        """Lengthen the tracks; those that come out of a crossing are taken up by new ones."""
        known = [
            (track, person)
            for track, person in pairs
            if len(track.points) >= self._settings.least_frames or track.continues is not None
        ]
        parted = self._crossings.update({track.number: person.box for track, person in known})
        extended = []
        for track, person in pairs:
            track.crossing = self._crossings.involves(track.number)
            if track.number in parted:
                extended.append((self._take_up(track, Point(position, person)), person))
            else:
                track.extend(Point(position, person, track.crossing))
                extended.append((track, person))
        return extended

    def _take_up(self, track: Track, point: Point) -> Track:
        successor = track.taken_up(self._made, point)
        self._made += 1
        self._live[self._live.index(track)] = successor
        self._over.append(track)
        return successor

    def _begin(self, point: Point) -> Track:
        track = Track(self._made, point)
        self._made += 1
        self._live.append(track)
        return track

    def _retire(self, time_s: float) -> None:
        over = [track for track in self._live if time_s - track.seen_s > self._settings.memory_s]
        self._over += over
        for track in over:
            self._crossings.forget(track.number)
        self._live = [track for track in self._live if time_s - track.seen_s <= self._settings.memory_s]


def _assign(
    tracks: list[Track], persons: list[Person], likeness: F32, gate: float
) -> tuple[list[tuple[Track, Person]], list[Track], list[Person]]:
    """Pair tracks and persons one to one for the greatest likeness, none below the gate; also return who is left."""
    cost = np.where(likeness >= gate, -likeness, FORBIDDEN)
    rows, columns = linear_sum_assignment(cost) if cost.size else (np.zeros(0, int), np.zeros(0, int))
    chosen = [(row, column) for row, column in zip(rows, columns, strict=True) if cost[row, column] < FORBIDDEN]
    used_rows, used_columns = {row for row, _ in chosen}, {column for _, column in chosen}
    pairs = [(tracks[row], persons[column]) for row, column in chosen]
    left_tracks = [track for row, track in enumerate(tracks) if row not in used_rows]
    left_persons = [person for column, person in enumerate(persons) if column not in used_columns]
    return pairs, left_tracks, left_persons
