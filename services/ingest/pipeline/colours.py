"""The colours of a person's clothes, the cheap cue that keeps apart those who cross."""

from __future__ import annotations

import cv2
import numpy as np

from packs.arrays import F32, U8

__all__ = ["clothes_colours", "similarity"]

# Parts of a person's height: the upper body and the legs. The middle of the width holds little background.
PARTS = ((0.15, 0.50), (0.50, 0.90))
MIDDLE = (0.25, 0.75)
HUES, SATURATIONS, GREYS = 8, 2, 4


def clothes_colours(image: U8, box: F32) -> F32:
    """Describe the clothes in a box: float32[40], of length 1 (square roots of shares, after Hellinger).

    Saturated pixels count by hue, grey ones by brightness: the hue of a grey pixel means nothing.
    """
    height, width = image.shape[:2]
    x0, y0, x1, y1 = (float(value) for value in box)
    left, right = x0 + MIDDLE[0] * (x1 - x0), x0 + MIDDLE[1] * (x1 - x0)
    parts = []
    for upper, lower in PARTS:
        top, bottom = y0 + upper * (y1 - y0), y0 + lower * (y1 - y0)
        columns = slice(int(np.clip(left, 0, width - 1)), int(np.clip(np.ceil(right), 1, width)))
        rows = slice(int(np.clip(top, 0, height - 1)), int(np.clip(np.ceil(bottom), 1, height)))
        parts.append(_histogram(image[rows, columns]))
    joined = np.sqrt(np.concatenate(parts) / len(parts))
    return joined.astype(np.float32)


def similarity(rows: F32, columns: F32) -> F32:
    """Bhattacharyya coefficient of each pair of float32[N, D] and float32[M, D]: float32[N, M] in [0, 1]."""
    return np.asarray(np.clip(rows @ columns.T, 0.0, 1.0), dtype=np.float32)


def _histogram(region: U8) -> F32:
    if region.size == 0:
        return np.full(HUES * SATURATIONS + GREYS, 1.0 / (HUES * SATURATIONS + GREYS), dtype=np.float32)
    small = cv2.resize(np.ascontiguousarray(region), (12, 12), interpolation=cv2.INTER_AREA)
    hue, saturation, value = (
        channel.ravel().astype(np.int32) for channel in cv2.split(cv2.cvtColor(small, cv2.COLOR_RGB2HSV))
    )
    # Hue is told apart only where there is enough of it: chroma = saturation x value, in [0, 255].
    coloured = saturation * value // 255 >= 32
    shade = (saturation >= 128).astype(np.int32)
    cells = np.where(coloured, (hue * HUES // 180) * SATURATIONS + shade, HUES * SATURATIONS + value * GREYS // 256)
    counts = np.bincount(cells, minlength=HUES * SATURATIONS + GREYS).astype(np.float32)
    return np.asarray(counts / counts.sum(), dtype=np.float32)
