"""How sharp a crop is, as its encoder will see it, and how much one that is blurred can show at all."""

from __future__ import annotations

import cv2
import numpy as np

from packs.arrays import U8

__all__ = ["clearness_of", "detail_of", "no_clearer_than", "sharpness_of"]

# The variance of the Laplacian at which half of what sharpness adds is reached.
HALF_SHARP = 60.0
# A face is looked at in so many pixels: finer detail is noise, and rounding, where the blur is heavy.
COARSE_PX = 24
# Mean squared frequency there (`_frequency`) at which a crop shows nothing, and from which on blur hides nobody. Of 114
# faces of films 9601 and 9602 blurred by 0.16, 0.12, 0.08 and 0.06 of their width it is 0.09, 0.15, 0.29 and 0.45 in
# the middle, and of 98 in 100 sharp ones more than 0.58.
BLIND, ENOUGH = 0.05, 0.30
# Mean squared frequency from which on a face lacks no detail, and with which power of it what is left counts. Blur by
# 0.02 of the width takes a fifth of the frequency, of small faces as of large ones, so a hundredth of the quality. By
# the length of the embedding alone that may rise by half as much (docs/fusion.md). A sharp face has 1.3 in the middle.
FINE, SLOWLY = 1.6, 0.05
# Squared grey levels: what rounding and grain leave of a crop that shows nothing.
FLAT = 2.0


def sharpness_of(crop: U8) -> float:
    """In [0.3, 1]; even a blurred crop is worth something when there is no other. `crop` is uint8[h, w, 3]."""
    variance = float(cv2.Laplacian(_grey(crop), cv2.CV_32F).var())
    return 0.3 + 0.7 * variance / (variance + HALF_SHARP)


def clearness_of(crop: U8) -> float:
    """How much a crop uint8[h, w, 3] of a face can show, in [0, 1]: 0 for one that is blurred beyond knowing.

    Unlike `sharpness_of` it is 1 for all but heavy blur, whatever the contrast and the noise.
    """
    return _clearness(_frequency(crop))


def detail_of(crop: U8) -> float:
    """How much of its detail a crop uint8[h, w, 3] of a face has left, in [0, 1]: near 1, and less for any blur.

    Where `clearness_of` is still 1 it falls slowly, so that no lost frequency can make a face clearer.
    """
    return _detail(_frequency(crop))


def no_clearer_than(crop: U8, quality: float) -> float:
    """A quality in [0, 1] as far as a crop uint8[h, w, 3] of a face allows: by its detail, at most its clearness."""
    frequency = _frequency(crop)
    return min(quality * _detail(frequency), _clearness(frequency))


def _clearness(frequency: float) -> float:
    return float(np.clip((frequency - BLIND) / (ENOUGH - BLIND), 0.0, 1.0))


def _detail(frequency: float) -> float:
    return float(min(1.0, frequency / FINE) ** SLOWLY)


def _frequency(crop: U8) -> float:
    """Mean squared frequency of what a gradient shows, in [0, 4]: energy of second differences by that of first ones.

    Of the crop in `COARSE_PX`, which the smallest faces have too.
    """
    small = cv2.resize(_grey(crop).astype(np.float32), (COARSE_PX, COARSE_PX), interpolation=cv2.INTER_AREA)
    picture = np.asarray(small, np.float32)
    first, second = (
        sum(float(np.square(np.diff(picture, order, axis=axis)).mean()) for axis in (0, 1)) for order in (1, 2)
    )
    return second / (first + FLAT)


def _grey(crop: U8) -> U8:
    return np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), np.uint8)
