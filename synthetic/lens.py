"""What a camera and a codec do to a clean picture: blur, noise, and block compression."""

import cv2
import numpy as np
import numpy.typing as npt

from synthetic.types import U8


class Lens:
    """Softens and grains pictures; the noise field is made once."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Draw the noise field from `rng`."""
        self._grain = np.clip(rng.standard_normal((1280, 1600, 3)) * 12, -127, 127).astype(np.int8)
        self._noise = 0.0
        self._parts: tuple[U8, U8] | None = None

    def expose(self, image: U8, rng: np.random.Generator, *, blur_px: float, noise: float) -> U8:
        """Blur uint8[H, W, 3] by a Gaussian of `blur_px` and add grain of `noise` (1 = a sigma of 12 levels)."""
        out = _soften(image, blur_px) if blur_px > 0.2 else image
        if noise > 0:
            h, w = image.shape[:2]
            y, x = int(rng.integers(0, 1280 - h)), int(rng.integers(0, 1600 - w))
            brighter, darker = self._grain_of(noise, slice(y, y + h), slice(x, x + w))
            out = np.asarray(cv2.subtract(cv2.add(out, brighter), darker), dtype=np.uint8)
        return np.asarray(out, dtype=np.uint8)

    def _grain_of(self, noise: float, rows: slice, columns: slice) -> tuple[U8, U8]:
        """Return what to add and what to take away; the whole field is scaled once when `noise` comes again."""
        if noise == self._noise and self._parts is None:
            self._parts = _scaled(self._grain, noise)
        elif noise != self._noise:
            self._noise, self._parts = noise, None
        if self._parts is None:
            return _scaled(self._grain[rows, columns], noise)
        return self._parts[0][rows, columns], self._parts[1][rows, columns]


def _scaled(grain: npt.NDArray[np.int8], noise: float) -> tuple[U8, U8]:
    """Scale grain and part it by sign: two additions of bytes are far cheaper than one of mixed types."""
    scaled = np.asarray(cv2.multiply(grain, (noise,) * 4, dtype=cv2.CV_16S))  # type: ignore[call-overload]
    return np.clip(scaled, 0, 255).astype(np.uint8), np.clip(-scaled, 0, 255).astype(np.uint8)


def _soften(image: U8, blur_px: float) -> U8:
    # OpenCV takes three sigmas on each side; two are within a grey level of that at half the cost.
    taps = 2 * max(1, round(2.0 * blur_px)) + 1
    return np.asarray(cv2.GaussianBlur(image, (taps, taps), blur_px), dtype=np.uint8)


def compress(image: U8, quality: int) -> U8:
    """Pass RGB uint8[H, W, 3] through JPEG with halved chroma, as a codec would treat it."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)
