"""What a mouth does over time, from small grey pictures of the face.

An open mouth is dark. How much darker the region of the mouth is than it was around that time says how far it is open,
whatever the face looks like; what the upper face does at the same time says how much of a change is the head's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from packs.arrays import F32
from services.ingest.pipeline.mouths import PATCH_HEIGHT_PX, PATCH_WIDTH_PX
from services.ingest.pipeline.values import MouthSeen

__all__ = ["Lips", "read_lips"]

# Parts of the patch: what does not move with speech, by which patches are aligned, and where the mouth is.
STILL_ROWS = 30
UPPER = (slice(6, 24), slice(4, 36))
MOUTH = (slice(26, 46), slice(6, 34))
LARGEST_SHIFT_PX = 4.0
LEAST_RESPONSE = 0.1
# The usual look of a mouth is its median within so many seconds before and after.
AROUND_S = 0.6
# Faces are compared after their contrast was made equal; a face without any is noise.
LEAST_CONTRAST = 4.0
LONGEST_GAP_S = 0.3
FEWEST = 8


@dataclass(frozen=True, slots=True, eq=False)
class Lips:
    """What a mouth does, at N times.

    Attributes:
        times_s: float64[N], rising.
        opening: float32[N], how much darker than usual the mouth is, in units of the face's contrast.
        motion: float32[N], change since the frame before at the mouth less that of the upper face.
        height_px: float32[N], height of the face in the film.
    """

    times_s: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    opening: F32
    motion: F32
    height_px: F32

    def within(self, start_s: float, end_s: float) -> Lips:
        """The part in [start_s, end_s)."""
        keep = (self.times_s >= start_s) & (self.times_s < end_s)
        return Lips(self.times_s[keep], self.opening[keep], self.motion[keep], self.height_px[keep])

    def __len__(self) -> int:
        return len(self.times_s)


def read_lips(mouths: Sequence[MouthSeen]) -> Lips | None:
    """Read the mouth of one person in one shot; None when it was hardly seen."""
    times = np.array([seen.time_s for seen in mouths], dtype=np.float64)
    breaks = np.flatnonzero(np.diff(times) > LONGEST_GAP_S) + 1
    parts = [part for part in np.split(np.arange(len(times)), breaks) if len(part) >= FEWEST]
    if not parts:
        return None
    read = [_read_part([mouths[index] for index in part]) for part in parts]
    openings, motions = zip(*read, strict=True)
    kept = np.concatenate(parts)
    heights = np.array([mouths[index].height_px for index in kept], dtype=np.float32)
    return Lips(times[kept], np.concatenate(openings), np.concatenate(motions), heights)


def _read_part(mouths: Sequence[MouthSeen]) -> tuple[F32, F32]:
    """Opening and motion of a face that was seen without a gap, float32[N] each."""
    faces = _aligned(np.stack([seen.patch for seen in mouths]).astype(np.float32))
    contrast = float(faces[:, 8:].reshape(len(faces), -1).std(axis=1).mean())
    faces /= max(contrast, LEAST_CONTRAST)
    mouth, upper = faces[:, *MOUTH], faces[:, *UPPER]
    small = mouth.reshape(len(mouth), mouth.shape[1] // 2, 2, mouth.shape[2] // 2, 2).mean(axis=(2, 4))
    times = np.array([seen.time_s for seen in mouths])
    lows, highs = np.searchsorted(times, times - AROUND_S), np.searchsorted(times, times + AROUND_S, side="right")
    usual = np.stack([np.median(small[low:high], axis=0) for low, high in zip(lows, highs, strict=True)])
    opening = np.maximum(usual - small, 0.0).mean(axis=(1, 2))
    change = np.abs(np.diff(mouth, axis=0)).mean(axis=(1, 2)) - np.abs(np.diff(upper, axis=0)).mean(axis=(1, 2))
    return opening.astype(np.float32), np.concatenate([[0.0], change]).astype(np.float32)


def _aligned(faces: F32) -> F32:
    """Shift each face so that its upper part lies where it usually does: the box that it was cut from trembles."""
    usual = np.median(faces, axis=0)[:STILL_ROWS]
    window = cv2.createHanningWindow((PATCH_WIDTH_PX, STILL_ROWS), cv2.CV_32F)
    aligned = np.empty_like(faces)
    for number, face in enumerate(faces):
        (x, y), response = cv2.phaseCorrelate(usual, np.ascontiguousarray(face[:STILL_ROWS]), window)
        if response < LEAST_RESPONSE or max(abs(x), abs(y)) > LARGEST_SHIFT_PX:
            aligned[number] = face
            continue
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        matrix = np.array([[1.0, 0.0, x], [0.0, 1.0, y]])
        size = (PATCH_WIDTH_PX, PATCH_HEIGHT_PX)
        aligned[number] = cv2.warpAffine(face, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return aligned
