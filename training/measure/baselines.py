"""What is had without any training: the figures that a network must beat."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.measure.served import unit

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]


def raw_pixels(crops: U8, side: int = 16) -> F32:
    """Grey thumbnails with mean and length taken out: float32[N, side * side]."""
    small = [
        cv2.cvtColor(cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY) for crop in crops
    ]
    flat = np.stack(small).reshape(len(crops), -1).astype(np.float32)
    return unit(flat - flat.mean(axis=1, keepdims=True))


def colour_histogram(crops: U8) -> F32:
    """Hue-saturation histograms of the upper and lower half, square-rooted: float32[N, 2 * 16 * 8]."""
    return unit(
        np.sqrt(np.stack([np.concatenate([_half(half) for half in np.array_split(crop, 2)]) for crop in crops]))
    )


def _half(image: U8) -> F32:
    hsv = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2HSV)
    histogram = cv2.calcHist([hsv], [0, 1], None, [16, 8], [0, 180, 0, 256])
    return np.asarray(histogram.ravel() / max(1.0, float(histogram.sum())), dtype=np.float32)
