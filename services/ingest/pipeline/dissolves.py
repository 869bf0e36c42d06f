"""Dissolves: one picture fades into another, so no frame differs much from the one before it.

During a dissolve every frame is a blend a * A + (1 - a) * B of the picture before and the picture after it, and a falls
steadily. A long pan or a person who walks by gives frames that no blend of its first and last one explains. So the
frames of a window are projected onto the line from A to B, and what is left over says no.

A short pan is nearly a blend of where it began and where it ended, so two more things are asked. Two pictures on top of
each other have less contrast from pixel to pixel than either: their edges do not meet. And no shift turns the picture
before into the picture after.

A shot begins in the middle of a dissolve. That is known only when it is over, so frames wait for a window's length.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import cv2
import numpy as np

from packs.arrays import F32, U8
from services.ingest.pipeline.decode import DecodedFrame

__all__ = ["WINDOW_FRAMES", "DissolveDetector", "softened", "with_dissolves"]

# Windows at 25 frames a second: dissolves of up to 0.7 s, with steady pictures before and after, and of up to 0.4 s
# where the camera moves before or after it.
WINDOW_FRAMES, SHORT_FRAMES, STEADY_FRAMES = 26, 18, 3
SIZE_PX, FINE_PX = (64, 36), (128, 72)
# Least difference of the pictures before and after, as root mean square over grey levels: dark scenes have 10.
LEAST_DIFFERENCE = 8.0
# Most of that difference that a frame between them may have which is no blend of the two.
MOST_RESIDUE = 0.3
# How far the steady frames may lie from pure A and pure B, and how many frames must be, and may be, clearly between.
STEADY_SHARE, BETWEEN, FEWEST_BETWEEN, MOST_BETWEEN = 0.08, 0.15, 4, 13
# A blend may fall back a little (noise), and never leaps as a cut does.
LARGEST_RETREAT, LARGEST_LEAP = 0.06, 0.35
# What the middle has of the edges of both ends, and how well a shift explains them (the peak of their phase
# correlation): on seven films of SynthCast dissolves had at most 0.93 and 0.55, moves at least 0.95 and, there, 0.51.
MOST_EDGES, MOST_SHIFTED = 0.95, 0.5


class DissolveDetector:
    """Finds dissolves in a film whose frames are shown to it one by one.

    After a dissolve it knows nothing of the frames before the middle: an ingest that begins again there decides alike.
    """

    def __init__(self) -> None:
        self._window: deque[tuple[F32, F32]] = deque(maxlen=WINDOW_FRAMES)

    def ends(self, picture: U8) -> int | None:
        """Take in a small BGR picture, uint8[h, w, 3]; if a dissolve ends, say how many frames ago its middle was.

        The middle is the first frame of the second half of those that show both pictures.
        """
        grey = _grey(picture)
        fine = cv2.resize(grey, FINE_PX, interpolation=cv2.INTER_AREA)
        self._window.append((_soft(grey), np.asarray(fine, dtype=np.float32)))
        soft = np.stack([one for one, _ in self._window])
        for frames in (WINDOW_FRAMES, SHORT_FRAMES):
            middle = self._middle(soft[-frames:], frames)
            if middle is not None:
                kept = list(self._window)[middle - frames :]
                self._window.clear()
                self._window.extend(kept)
                return frames - 1 - middle
        return None

    def _middle(self, soft: F32, frames: int) -> int | None:
        """The place of a dissolve's middle in the newest frames, float32[frames, h, w] or fewer."""
        if len(soft) < frames:
            return None
        shares = _blend_shares(soft)
        if shares is None:
            return None
        between = np.flatnonzero((shares > BETWEEN) & (shares < 1.0 - BETWEEN))
        middle = round(float(between[0] + between[-1] + 1) / 2)
        if middle > frames // 2:
            # Not in the centre of the window yet: what counts as the picture after it may still be fading in.
            return None
        newest = list(self._window)[-frames:]
        return None if _moves(np.stack([fine for _, fine in newest]), middle) else middle


def with_dissolves(frames: Iterable[DecodedFrame]) -> Iterator[tuple[DecodedFrame, U8, bool]]:
    """Give each frame with its small picture, and whether a dissolve has its middle there; a window's length late."""
    detector = DissolveDetector()
    waiting: deque[tuple[DecodedFrame, U8]] = deque()
    given, middles = 0, set()
    for number, decoded in enumerate(frames):
        small = decoded.thumbnail()
        waiting.append((decoded, small))
        ago = detector.ends(small)
        if ago is not None:
            middles.add(number - ago)
        if len(waiting) > WINDOW_FRAMES:
            yield *waiting.popleft(), given in middles
            given += 1
    for entry in waiting:
        yield *entry, given in middles
        given += 1


def softened(picture: U8) -> F32:
    """What is large in a BGR picture uint8[h, w, 3]: float32[36, 64], grey levels without noise and fine patterns."""
    return _soft(_grey(picture))


def _grey(picture: U8) -> U8:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def _soft(grey: U8) -> F32:
    small = cv2.resize(grey, SIZE_PX, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 1.0), dtype=np.float32)


def _blend_shares(window: F32) -> F32 | None:
    """How much each frame of a window float32[N, h, w] shows of its end, float32[N]; None when it is no dissolve."""
    before, after = window[:STEADY_FRAMES].mean(0), window[-STEADY_FRAMES:].mean(0)
    line = after - before
    power = float((line * line).mean())
    if power < LEAST_DIFFERENCE**2:
        return None
    moved = window - before
    shares = (moved * line).mean((1, 2)) / power
    residue = np.sqrt(((moved - shares[:, None, None] * line) ** 2).mean((1, 2)) / power)
    steps = np.diff(shares)
    between = int(np.count_nonzero((shares > BETWEEN) & (shares < 1.0 - BETWEEN)))
    fades = (
        float(residue.max()) < MOST_RESIDUE
        and float(np.abs(shares[:STEADY_FRAMES]).max()) < STEADY_SHARE
        and float(np.abs(shares[-STEADY_FRAMES:] - 1.0).max()) < STEADY_SHARE
        and FEWEST_BETWEEN <= between <= MOST_BETWEEN
        and float(steps.min()) > -LARGEST_RETREAT
        and float(steps.max()) < LARGEST_LEAP
    )
    return np.asarray(shares, dtype=np.float32) if fades else None


def _moves(window: F32, middle: int) -> bool:
    """Whether a window float32[N, h, w] that looks like a blend is a move of the camera."""
    before, after = window[:STEADY_FRAMES].mean(0), window[-STEADY_FRAMES:].mean(0)
    if _edges(window[middle]) > MOST_EDGES * (_edges(before) + _edges(after)) / 2.0:
        return True
    _, shifted = cv2.phaseCorrelate(before, after, cv2.createHanningWindow(FINE_PX, cv2.CV_32F))
    return shifted > MOST_SHIFTED


def _edges(picture: F32) -> float:
    """How much a picture float32[h, w] changes from pixel to pixel."""
    across, down = cv2.Sobel(picture, cv2.CV_32F, 1, 0), cv2.Sobel(picture, cv2.CV_32F, 0, 1)
    return float(np.hypot(across, down).mean())
