"""What a mouth does over time, from small grey pictures of the face.

An open mouth is dark. How much darker the region of the mouth is than it was around that time says how far it is open,
whatever the face looks like.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from packs.arrays import F32, F64, U8
from services.ingest.pipeline.mouths import PATCH_HEIGHT_PX, PATCH_WIDTH_PX
from services.ingest.pipeline.values import MouthSeen

__all__ = ["Lips", "read_lips"]

# The upper part of the patch does not move with speech: patches are aligned by it.
STILL_ROWS = 30
MOUTH, CENTRE = (slice(26, 46), slice(6, 34)), (slice(2, 9), slice(4, 10))
# Faces are compared after their contrast was made equal; a face without any is noise.
LEAST_CONTRAST = 4.0
LARGEST_SHIFT_PX = 4.0
LEAST_RESPONSE = 0.1
# The usual look of a mouth is its median within so many seconds before and after: light and pose change slowly.
AROUND_S = 0.6
LONGEST_GAP_S = 0.3
FEWEST = 8


@dataclass(frozen=True, slots=True, eq=False)
class Lips:
    """What a mouth does, at N times.

    Attributes:
        times_s: float64[N], rising.
        centre: float32[N], how much darker than usual the middle of the mouth is, in units of the face's contrast;
            negative when it is lighter.
        dark: float32[N], mean over the mouth of what is darker than usual, at least 0.
        height_px: float32[N], height of the face in the film.
    """

    times_s: F64
    centre: F32
    dark: F32
    height_px: F32

    def within(self, start_s: float, end_s: float) -> Lips:
        """The part in [start_s, end_s)."""
        keep = (self.times_s >= start_s) & (self.times_s < end_s)
        return Lips(self.times_s[keep], self.centre[keep], self.dark[keep], self.height_px[keep])

    def __len__(self) -> int:
        return len(self.times_s)


def read_lips(mouths: Sequence[MouthSeen]) -> Lips | None:
    """Read the mouth of one person in one shot; None when it was hardly seen."""
    times = np.array([seen.time_s for seen in mouths], dtype=np.float64)
    breaks = np.flatnonzero(np.diff(times) > LONGEST_GAP_S) + 1
    parts = [part for part in np.split(np.arange(len(times)), breaks) if len(part) >= FEWEST]
    if not parts:
        return None
    read = [_darkness([mouths[index] for index in part]) for part in parts]
    centre, dark = (np.concatenate(column) for column in zip(*read, strict=True))
    kept = np.concatenate(parts)
    heights = np.array([mouths[index].height_px for index in kept], dtype=np.float32)
    return Lips(times[kept], centre, dark, heights)


def _darkness(mouths: Sequence[MouthSeen]) -> tuple[F32, F32]:
    """How dark the mouth of a face is that was seen without a gap: its middle and all of it, float32[N] each."""
    times = np.array([seen.time_s for seen in mouths])
    faces = _aligned(np.stack([seen.patch for seen in mouths]))
    contrast = float(faces[:, 8:].reshape(len(faces), -1).std(axis=1).mean())
    mouth = faces[:, *MOUTH] / max(contrast, LEAST_CONTRAST)
    small = mouth.reshape(len(mouth), mouth.shape[1] // 2, 2, mouth.shape[2] // 2, 2).mean(axis=(2, 4))
    lows, highs = np.searchsorted(times, times - AROUND_S), np.searchsorted(times, times + AROUND_S, side="right")
    usual = np.stack([np.median(small[low:high], axis=0) for low, high in zip(lows, highs, strict=True)])
    darker = usual - small
    return darker[:, *CENTRE].mean(axis=(1, 2)), np.maximum(darker, 0.0).mean(axis=(1, 2))


def _aligned(patches: U8) -> F32:
    """Shift each face so that its upper part lies where it usually does: the box that it was cut from trembles."""
    faces: F32 = patches.astype(np.float32)
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
