"""Small grey pictures of faces at the film's own rate, so that it can be seen whose mouth moves with the sound.

People are found in every second frame or so; a mouth opens and closes within two. Between two analysed frames a face
is taken to move straight, and the brightness of the frames between is kept only that long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import cv2
import numpy as np

from packs.arrays import F32, U8
from services.ingest.pipeline.settings import MouthSettings
from services.ingest.pipeline.tracking import Track
from services.ingest.pipeline.values import Frame, Glimpse, MouthSeen, Person

__all__ = ["PATCH_HEIGHT_PX", "PATCH_WIDTH_PX", "MouthWatcher", "cut_patch"]

PATCH_WIDTH_PX, PATCH_HEIGHT_PX = 40, 56
# The patch shows more than the face, in shares of its size: its box trembles, and a jaw drops below it.
SIDES, ABOVE, BELOW = 0.1, 0.1, 0.3


class MouthWatcher:
    """Gathers the faces of all tracks of one shot."""

    def __init__(self, settings: MouthSettings) -> None:
        self._settings = settings
        self._glimpses: deque[Glimpse] = deque()
        self._last: dict[int, tuple[float, F32]] = {}
        self._seen: dict[int, list[MouthSeen]] = {}

    def look(self, frame: Frame, glimpses: Sequence[Glimpse], seen: Sequence[tuple[Track, Person]]) -> None:
        """Take in an analysed frame, the people in it, and every glimpse up to it since the one before."""
        time_s = frame.position.time_s
        self._glimpses += glimpses
        while self._glimpses and self._glimpses[0].position.time_s < time_s - self._settings.bridged_s - 1e-6:
            self._glimpses.popleft()
        width = frame.image.shape[1]
        for track, person in seen:
            if person.face is not None:
                self._follow(track.number, time_s, person.face, width)

    def take(self) -> dict[int, list[MouthSeen]]:
        """What was seen of each track, by its number, in order of time; everything is forgotten."""
        taken, self._seen = self._seen, {}
        self._last = {}
        self._glimpses.clear()
        return taken

    def _follow(self, number: int, time_s: float, face: F32, width_px: int) -> None:
        before_s, before = self._last.get(number, (time_s, face))
        self._last[number] = (time_s, face)
        if time_s - before_s > self._settings.bridged_s + 1e-6:
            before_s, before = time_s, face
        kept = self._seen.setdefault(number, [])
        for glimpse in self._glimpses:
            at_s = glimpse.position.time_s
            new = at_s > before_s + 1e-6 or (not kept and at_s >= before_s - 1e-6)
            if not new or at_s > time_s + 1e-6:
                continue
            share = (at_s - before_s) / (time_s - before_s) if time_s > before_s else 1.0
            box = (1.0 - share) * before + share * face
            scaled = np.asarray(box * (glimpse.luma.shape[1] / width_px), dtype=np.float32)
            if scaled[2] - scaled[0] >= self._settings.least_face_px:
                kept.append(MouthSeen(at_s, cut_patch(glimpse.luma, scaled), float(scaled[3] - scaled[1])))


def cut_patch(luma: U8, face: F32) -> U8:
    """The face in a box (x0, y0, x1, y1) of uint8[H, W], to fractions of a pixel: uint8[56, 40]."""
    x0, y0, x1, y1 = (float(value) for value in face)
    width, height = (x1 - x0) * (1.0 + 2.0 * SIDES), (y1 - y0) * (1.0 + ABOVE + BELOW)
    left, top = x0 - SIDES * (x1 - x0), y0 - ABOVE * (y1 - y0)
    rows, columns = luma.shape
    low_x, low_y = int(np.clip(left - 2, 0, columns - 2)), int(np.clip(top - 2, 0, rows - 2))
    high_x, high_y = int(np.clip(left + width + 3, low_x + 2, columns)), int(np.clip(top + height + 3, low_y + 2, rows))
    region = np.ascontiguousarray(luma[low_y:high_y, low_x:high_x])
    # Large faces are shrunk by averaging first: a patch that takes every fifth pixel would flicker.
    factor = max(1, int(min(width / PATCH_WIDTH_PX, height / PATCH_HEIGHT_PX)))
    if factor > 1:
        size = max(1, region.shape[1] // factor), max(1, region.shape[0] // factor)
        region = np.asarray(
            cv2.resize(region[: size[1] * factor, : size[0] * factor], size, interpolation=cv2.INTER_AREA)
        )
    step_x, step_y = width / factor / PATCH_WIDTH_PX, height / factor / PATCH_HEIGHT_PX
    # Pixel centres: patch pixel i looks at (i + 0.5) * step - 0.5 of the region.
    shift_x = (left - low_x) / factor + 0.5 * step_x - 0.5
    shift_y = (top - low_y) / factor + 0.5 * step_y - 0.5
    matrix = np.array([[step_x, 0.0, shift_x], [0.0, step_y, shift_y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    patch = cv2.warpAffine(
        region, matrix, (PATCH_WIDTH_PX, PATCH_HEIGHT_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(patch, dtype=np.uint8)
