"""What a camera and a codec do to a clean picture: blur, noise, and block compression."""

from typing import Final

import cv2
import numpy as np

from synthetic.types import U8

_TILE: Final = 256


class Lens:
    """Softens and grains pictures; the noise field is made once."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Draw the noise field from `rng`."""
        self._grain = np.clip(rng.standard_normal((1280, 1600, 3)) * 12, -127, 127).astype(np.int8)

    def expose(self, image: U8, rng: np.random.Generator, *, blur_px: float, noise: float) -> U8:
        """Blur uint8[H, W, 3] by a Gaussian of `blur_px` and add grain of `noise` (1 = a sigma of 12 levels)."""
        out = cv2.GaussianBlur(image, (0, 0), blur_px) if blur_px > 0.2 else image
        if noise > 0:
            h, w = image.shape[:2]
            y, x = int(rng.integers(0, 1280 - h)), int(rng.integers(0, 1600 - w))
            grain = cv2.multiply(self._grain[y : y + h, x : x + w], (noise,) * 4, dtype=cv2.CV_16S)  # type: ignore[call-overload]
            out = cv2.add(out, grain, dtype=cv2.CV_8U)
        return np.asarray(out, dtype=np.uint8)


def compress(image: U8, quality: int) -> U8:
    """Pass RGB uint8[H, W, 3] through JPEG with halved chroma, as a codec would treat it."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)
