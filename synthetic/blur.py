"""Blur of a camera that moves while its shutter is open."""

import cv2
import numpy as np

from synthetic.types import U8


def motion_blur(picture: U8, angle: float, length_px: float) -> U8:
    """Smear uint8[H, W, 3] along a line of `length_px` pixels at `angle` radians (0 = along rows)."""
    if length_px < 1.5:
        return picture
    size = 2 * int(np.ceil(length_px / 2)) + 1
    kernel = np.zeros((size, size), np.float32)
    middle = (size - 1) / 2
    # Many weak dots along the line: an antialiased stroke whose weights are right at any angle.
    for t in np.linspace(-length_px / 2, length_px / 2, 8 * size):
        x, y = middle + t * np.cos(angle), middle + t * np.sin(angle)
        x0, y0 = int(x), int(y)
        for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
            if x0 + dx < size and y0 + dy < size:
                kernel[y0 + dy, x0 + dx] += (1 - abs(x - x0 - dx)) * (1 - abs(y - y0 - dy))
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), dtype=np.uint8)
