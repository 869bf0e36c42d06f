"""What a mouth does over time, from small grey pictures of the face.

An open mouth is dark. The pictures are laid over each other by the upper half of the face; where the lower half then
is darker than it usually is around that time, something opened. A turned face has its mouth elsewhere, so that the
darkest places count wherever they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from packs.arrays import F32, F64, U8
from services.ingest.pipeline.lips_aligned import UPPER, aligned
from services.ingest.pipeline.values import MouthSeen

__all__ = ["PLACES", "Lips", "read_lips"]

LOWER = slice(24, 54), slice(4, 36)
PLACES = 240
"""Places of the lower face whose darkness is kept: 15 rows of 16."""
BLUR = 5, 3
DARKEST = 4
# Faces are compared after their contrast was made equal; a face without any is noise.
LEAST_CONTRAST = 4.0
# The usual look of a place is its median within so many seconds before and after: light and pose change slowly. It is
# worked out at every fourth look, from every second one.
AROUND_S = 0.6
STEP, EVERY = 4, 2
LONGEST_GAP_S = 0.3
FEWEST = 8


@dataclass(frozen=True, slots=True, eq=False)
class Lips:
    """What a mouth does, at N times.

    Attributes:
        times_s: float64[N], rising.
        dark: float32[N, 240], how much darker than usual each place of the lower face is, in units of the face's
            contrast; negative where it is lighter.
        opening: float32[N], the same of the darkest places.
    """

    times_s: F64
    dark: F32
    opening: F32

    def __len__(self) -> int:
        return len(self.times_s)


def read_lips(mouths: Sequence[MouthSeen]) -> Lips | None:
    """Read the mouth of one person in one shot; None when it was hardly seen."""
    times = np.array([seen.time_s for seen in mouths], dtype=np.float64)
    breaks = np.flatnonzero(np.diff(times) > LONGEST_GAP_S) + 1
    parts = [part for part in np.split(np.arange(len(times)), breaks) if len(part) >= FEWEST]
    if not parts:
        return None
    dark = np.concatenate([_darkness(np.stack([mouths[k].patch for k in part]), times[part]) for part in parts])
    opening = np.sort(dark, axis=1)[:, -DARKEST:].mean(axis=1)
    return Lips(times[np.concatenate(parts)], dark, opening)


def _darkness(patches: U8, times_s: F64) -> F32:
    """How much darker than usual the lower part of a face is that was seen without a gap: float32[N, 240]."""
    faces = aligned(patches, times_s)
    contrast = float(faces[:, *UPPER].reshape(len(faces), -1).std(axis=1).mean())
    lower = faces[:, *LOWER] / max(contrast, LEAST_CONTRAST)
    small = np.stack([cv2.blur(one, BLUR)[::2, ::2] for one in lower])
    lows = np.searchsorted(times_s, times_s - AROUND_S)[::STEP]
    highs = np.searchsorted(times_s, times_s + AROUND_S, side="right")[::STEP]
    usual = [np.median(small[low:high:EVERY], axis=0) for low, high in zip(lows, highs, strict=True)]
    darker = np.stack([usual[number // STEP] for number in range(len(small))]) - small
    return np.asarray(darker.reshape(len(darker), -1), dtype=np.float32)
