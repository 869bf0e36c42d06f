"""Faces told apart by their pixels alone."""

from __future__ import annotations

import cv2
import numpy as np

from evaluation.naive.vectors import F32, U8, unit

SIDE_PX = 16


def pixels(crops: U8) -> F32:
    """Colour thumbnails of 16x16 pixels with the mean of each taken out.

    Of 8 to 24 pixels, grey or colour, whole crop or its middle, with the mean or without, this did best on
    SynthCast's faces.

    Args:
        crops: uint8[N, H, W, 3], RGB; N may be 0.

    Returns:
        float32[N, 768], rows of length one; cosine compares them.
    """
    if not len(crops):
        return np.zeros((0, 3 * SIDE_PX * SIDE_PX), np.float32)
    small = [cv2.resize(crop, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA) for crop in crops]
    flat = np.stack(small).reshape(len(small), -1).astype(np.float32)
    return unit(flat - flat.mean(axis=1, keepdims=True))
