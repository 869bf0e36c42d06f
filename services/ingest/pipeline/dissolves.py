"""Dissolves: one picture fades into another, so no frame differs much from the one before it.

During a dissolve every frame is a blend a * A + (1 - a) * B of the picture before and the picture after it, and a falls
steadily. Nothing else in a film is so: a pan or a person who walks by gives frames that no blend of its first and last
one explains. So the frames of a window are projected onto the line from A to B, and what is left over says no.

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

# A window at 25 frames a second: dissolves of up to 0.7 s, with steady pictures before and after.
WINDOW_FRAMES, STEADY_FRAMES = 26, 3
SIZE_PX = (64, 36)
# Least difference of the pictures before and after, as root mean square over grey levels.
LEAST_DIFFERENCE = 20.0
# Most of that difference that a frame between them may have which is no blend of the two.
MOST_RESIDUE = 0.26
# How far the steady frames may lie from pure A and pure B, and how many frames must be, and may be, clearly between.
STEADY_SHARE, BETWEEN, FEWEST_BETWEEN, MOST_BETWEEN = 0.08, 0.15, 4, 13
# A blend may fall back a little (noise), and never leaps as a cut does.
LARGEST_RETREAT, LARGEST_LEAP = 0.06, 0.35


class DissolveDetector:
    """Finds dissolves in a film whose frames are shown to it one by one.

    After a dissolve it knows nothing of the frames before the middle: an ingest that begins again there decides alike.
    """

    def __init__(self) -> None:
        self._window: deque[F32] = deque(maxlen=WINDOW_FRAMES)

    def ends(self, picture: U8) -> int | None:
        """Take in a small BGR picture, uint8[h, w, 3]; if a dissolve ends, say how many frames ago its middle was.

        The middle is the first frame of the second half of those that show both pictures.
        """
        self._window.append(softened(picture))
        if len(self._window) < WINDOW_FRAMES:
            return None
        shares = _blend_shares(np.stack(self._window))
        if shares is None:
            return None
        between = np.flatnonzero((shares > BETWEEN) & (shares < 1.0 - BETWEEN))
        middle = round(float(between[0] + between[-1] + 1) / 2)
        if middle > WINDOW_FRAMES // 2:
            # Not in the centre of the window yet: what counts as the picture after it may still be fading in.
            return None
        kept = list(self._window)[middle:]
        self._window.clear()
        self._window.extend(kept)
        return WINDOW_FRAMES - 1 - middle


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
    grey = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), SIZE_PX, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), 1.0), dtype=np.float32)


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
