"""Where a track should be now: one constant-velocity Kalman filter for each of centre x, centre y, width and height.

The four do not influence each other, so their 2x2 covariances are three numbers each and no matrix is inverted.
"""

from __future__ import annotations

import numpy as np

from packs.arrays import F32, F64

__all__ = ["BoxFilter"]

# All in heights of the box, since a near person moves and jitters more pixels than a far one.
MEASUREMENT_SD = 0.03
ACCELERATION_SD_S2 = np.array([3.0, 2.0, 1.0, 1.0])
FIRST_SPEED_SD_S = 1.0
# An unseen person is believed to keep their speed only for a while.
COASTING_S = 0.4


class BoxFilter:
    """The motion of one box; times in seconds, boxes in pixels."""

    def __init__(self, box: F32, time_s: float) -> None:
        self._time_s = time_s
        self._seen_s = time_s
        self._place = _centred(box)
        self._speed: F64 = np.zeros(4)
        height = self._height
        self._pp: F64 = np.full(4, (MEASUREMENT_SD * height) ** 2)
        self._pv: F64 = np.zeros(4)
        self._vv: F64 = np.full(4, (FIRST_SPEED_SD_S * height) ** 2)

    def predict(self, time_s: float) -> F32:
        """Move on to a time and return the expected box, float32[4]."""
        step = time_s - self._time_s
        self._time_s = time_s
        moving = max(0.0, min(step, self._seen_s + COASTING_S - (time_s - step)))
        self._place = self._place + self._speed * moving
        self._place[2:] = np.maximum(self._place[2:], 1.0)
        noise = (ACCELERATION_SD_S2 * self._height) ** 2
        self._pp = self._pp + 2.0 * step * self._pv + step**2 * self._vv + noise * step**4 / 4.0
        self._pv = self._pv + step * self._vv + noise * step**3 / 2.0
        self._vv = self._vv + noise * step**2
        return self.box

    def correct(self, box: F32) -> None:
        """Take in where it was found at the time of the last prediction."""
        surprise = _centred(box) - self._place
        total = self._pp + (MEASUREMENT_SD * self._height) ** 2
        gain, gain_speed = self._pp / total, self._pv / total
        self._place = self._place + gain * surprise
        self._speed = self._speed + gain_speed * surprise
        self._pp, self._pv, self._vv = (
            (1.0 - gain) * self._pp,
            (1.0 - gain) * self._pv,
            self._vv - gain_speed * self._pv,
        )
        self._place[2:] = np.maximum(self._place[2:], 1.0)
        self._seen_s = self._time_s

    @property
    def box(self) -> F32:
        """The believed box, float32[4]."""
        half = self._place[2:] / 2.0
        return np.concatenate([self._place[:2] - half, self._place[:2] + half]).astype(np.float32)

    @property
    def _height(self) -> float:
        return max(float(self._place[3]), 1.0)


def _centred(box: F32) -> F64:
    low, high = box[:2].astype(np.float64), box[2:].astype(np.float64)
    return np.concatenate([(low + high) / 2.0, high - low])
