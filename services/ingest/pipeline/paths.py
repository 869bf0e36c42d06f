"""Where people go, as evidence for who is who.

Around its end a path is a straight line (Bayesian linear regression with known noise, Bishop 2006, section 3.3), and
around its beginning too. Two paths are likely one person's when the first line leads to where the second begins, at
its speed and with its height. Lengths are in heights of the person, since who is near moves more pixels; so nothing
has to be known of the camera.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from packs.arrays import F32, F64
from services.ingest.pipeline.settings import MotionSettings
from services.ingest.pipeline.values import Point

__all__ = ["Path", "PathEnd", "motion_evidence", "path_end"]

# Precision of the prior of a place: it may be anywhere.
ANYWHERE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class PathEnd:
    """Where a path ends or begins, and how fast.

    Attributes:
        time_s: When.
        place: float64[3]: middle and foot in heights, and the natural logarithm of the height in pixels.
        speed: float64[3], the same per second.
        covariance: float64[2, 2]: how sure each number of the place and its speed are, together.
        width: Of the box, in heights.
        height_px: The unit of lengths.
    """

    time_s: float
    place: F64
    speed: F64
    covariance: F64
    width: float
    height_px: float

    def box_at(self, time_s: float) -> F64:
        """Where the line leads: float64[4], in pixels."""
        middle, foot, size = self.place + self.speed * (time_s - self.time_s)
        height = math.exp(size)
        middle, foot, half = middle * self.height_px, foot * self.height_px, self.width * height / 2.0
        return np.array([middle - half, foot - height, middle + half, foot])


def path_end(points: Sequence[Point], settings: MotionSettings, *, beginning: bool = False) -> PathEnd:
    """Fit the end, or the beginning, of a path of one point or more, in order of time."""
    edge_s = points[0 if beginning else -1].position.time_s
    near = [point for point in points if abs(point.position.time_s - edge_s) <= settings.window_s]
    boxes = np.stack([point.person.box for point in near]).astype(np.float64)
    heights = np.maximum(boxes[:, 3] - boxes[:, 1], 1.0)
    unit_px = float(np.median(heights))
    places = np.stack([(boxes[:, 0] + boxes[:, 2]) / 2.0 / unit_px, boxes[:, 3] / unit_px, np.log(heights)], axis=1)
    times = np.array([point.position.time_s - edge_s for point in near])
    design = np.stack([np.ones_like(times), times], axis=1)
    noise = settings.box_sd**2
    covariance = np.linalg.inv(design.T @ design / noise + np.diag([ANYWHERE, 1.0 / settings.speed_sd_s**2]))
    place, speed = covariance @ (design.T @ places) / noise
    width = float(np.median((boxes[:, 2] - boxes[:, 0]) / heights))
    return PathEnd(edge_s, place, speed, covariance, width, unit_px)


def motion_evidence(earlier: PathEnd, later: PathEnd, settings: MotionSettings) -> float:
    """Log-likelihood ratio, in nats, of one person moving on against another one who is somewhere about there."""
    gap_s = later.time_s - earlier.time_s
    # Both in the earlier one's unit.
    units = np.array([later.height_px / earlier.height_px] * 2 + [1.0])
    missed = later.place * units - earlier.place - earlier.speed * gap_s
    change = later.speed * units - earlier.speed
    onward = np.array([[1.0, gap_s], [0.0, 1.0]])
    astray = np.diag([settings.bias_sd**2 + (settings.drift_sd_s * gap_s) ** 2, settings.change_sd_s**2])
    own = onward @ earlier.covariance @ onward.T + later.covariance + astray
    ratio = sum(
        _log_ratio(np.array(found), own, np.diag(np.square(others)))
        for found, others in zip(
            zip(missed, change, strict=True),
            zip(settings.others_sd, settings.others_speed_sd_s, strict=True),
            strict=True,
        )
    )
    likely = (1.0 - settings.surprise) * math.exp(min(ratio, settings.most_evidence + 1.0)) + settings.surprise
    return min(math.log(likely), settings.most_evidence)


def _log_ratio(found: F64, own: F64, others: F64) -> float:
    """Log density of N(0, own) over that of N(0, own + others), for float64[2]: place and speed along one axis."""
    wide = own + others
    gain = found @ np.linalg.solve(own, found) - found @ np.linalg.solve(wide, found)
    return float(0.5 * (np.log(np.linalg.det(wide) / np.linalg.det(own)) - gain))


class Path:
    """The path of a person through what was not seen of them.

    Args:
        points: Where they were surely seen, in order of time; at least one.
        settings: How people move.
    """

    def __init__(self, points: Sequence[Point], settings: MotionSettings) -> None:
        self._points = points
        self._settings = settings
        self._frames = [point.position.frame for point in points]
        self._ends: dict[int, tuple[PathEnd | None, PathEnd | None]] = {}

    def holds(self, frame: int) -> bool:
        """Whether the person was seen in a frame."""
        place = bisect_left(self._frames, frame)
        return place < len(self._frames) and self._frames[place] == frame

    def spans(self, frame: int) -> bool:
        """Whether the person was seen both before a frame and after it, or in it."""
        return self._frames[0] <= frame <= self._frames[-1]

    def box_at(self, frame: int, time_s: float) -> F32 | None:
        """Where a person must be who is not seen in a frame: float32[4] in pixels; None where nobody can know.

        Between two points the line of the first fades into that of the second; beyond the ends a line is believed for
        a short time.
        """
        before, after = self._around(bisect_left(self._frames, frame))
        if before is None or after is None:
            end = before or after
            if end is None or abs(time_s - end.time_s) > self._settings.beyond_s:
                return None
            return end.box_at(time_s).astype(np.float32)
        share = (time_s - before.time_s) / (after.time_s - before.time_s)
        fading = share * share * (3.0 - 2.0 * share)
        return ((1.0 - fading) * before.box_at(time_s) + fading * after.box_at(time_s)).astype(np.float32)

    def _around(self, place: int) -> tuple[PathEnd | None, PathEnd | None]:
        """The ends to the left and to the right of the point at a place."""
        if place not in self._ends:
            before, after = self._points[:place], self._points[place:]
            self._ends[place] = (
                path_end(before, self._settings) if before else None,
                path_end(after, self._settings, beginning=True) if after else None,
            )
        return self._ends[place]
