"""How one camera renders light: its exposure and white balance differ from those of the next."""

import cv2
import numpy as np

from synthetic.types import U8

_EXPOSURE_SPREAD = 0.13
_COLOUR_SPREAD = 0.055


def camera_gains(rng: np.random.Generator) -> tuple[float, float, float]:
    """Draw the gains of a camera for red, green and blue; about 1."""
    exposure = rng.normal(0, _EXPOSURE_SPREAD)
    red, blue = rng.normal(0, _COLOUR_SPREAD, 2)
    r, g, b = np.exp([exposure + red, exposure, exposure + blue])
    return float(r), float(g), float(b)


def apply_gains(picture: U8, gains: tuple[float, float, float]) -> U8:
    """Multiply the channels of RGB uint8[H, W, 3] by gains; what is too bright stays white."""
    levels = np.arange(256, dtype=np.float32)
    table = np.clip(np.rint(np.stack([levels * gain for gain in gains], -1)), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(picture, table.reshape(1, 256, 3)), dtype=np.uint8)
