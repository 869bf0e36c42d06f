"""How sharp a crop is, by the variance of its Laplacian, as its encoder will see it."""

from __future__ import annotations

import math

import cv2

from packs.arrays import U8

__all__ = ["clearness_of", "sharpness_of"]

# The variance at which half of what sharpness adds is reached.
HALF_SHARP = 60.0
# Of faces 96 pixels wide: what is left of one that was blurred by a sixth of its width, and what half of the usual
# sharpness is (film 8103; the faces are of 24 to 117 pixels).
BLIND, SHARP = 2.0, 20.0


def sharpness_of(crop: U8) -> float:
    """In [0.3, 1]; even a blurred crop is worth something when there is no other. `crop` is uint8[h, w, 3]."""
    variance = _variance(crop)
    return 0.3 + 0.7 * variance / (variance + HALF_SHARP)


def clearness_of(crop: U8) -> float:
    """How much a crop uint8[h, w, 3] can show at all, in [0, 1]: 0 for one that is blurred beyond knowing."""
    share = math.log(max(_variance(crop), BLIND) / BLIND) / math.log(SHARP / BLIND)
    return min(1.0, share)


def _variance(crop: U8) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.CV_32F).var())
