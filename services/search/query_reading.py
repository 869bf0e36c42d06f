"""An encoded picture to pixels: bounded before anything is decoded, off the event loop, upright, RGB."""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import Executor

import cv2
import numpy as np
from PIL import Image, ImageOps

from packs.arrays import U8
from services.runtime.errors import UnreadableImageError

FORMATS = ("JPEG", "PNG", "WEBP")
BACKGROUND_GREY = 114
_DAMAGED = (
    OSError,
    SyntaxError,  # what Pillow raises for a broken PNG
    ValueError,
    EOFError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,  # an exception where warnings are errors
)


class PictureReader:
    """Reads pictures.

    Args:
        executor: Threads that decode; their number bounds the memory that is in use at once.
        max_bytes: Largest encoded picture.
        max_pixels: Most pixels, by the header.
        working_side: Longer side of what comes out at most, in pixels.
    """

    def __init__(self, executor: Executor, *, max_bytes: int, max_pixels: int, working_side: int) -> None:
        self._executor = executor
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels
        self._working_side = working_side

    async def read(self, encoded: bytes) -> U8:
        """The picture as uint8[H, W, 3].

        Raises:
            UnreadableImageError: If it is no JPEG, PNG or WebP, is damaged, or is larger than the limits.
        """
        if len(encoded) > self._max_bytes:
            raise UnreadableImageError(got=f"{len(encoded)} bytes", expected=f"at most {self._max_bytes}")
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._decode, encoded)

    def _decode(self, encoded: bytes) -> U8:
        try:
            with Image.open(io.BytesIO(encoded), formats=FORMATS) as picture:
                self._check_size(picture)
                # Lets the JPEG decoder leave out what would be shrunk away: twice as fast at 12 megapixels.
                picture.draft("RGB", (self._working_side, self._working_side))
                upright = ImageOps.exif_transpose(picture)
                pixels = _flattened(upright)
        except _DAMAGED as error:
            expected = f"an undamaged {', '.join(FORMATS)} of at most {self._max_pixels} pixels"
            raise UnreadableImageError(got=f"{type(error).__name__}: {error}"[:200], expected=expected) from error
        return _shrunk(pixels, self._working_side)

    def _check_size(self, picture: Image.Image) -> None:
        width, height = picture.size
        if width * height > self._max_pixels:
            got, expected = f"{width}x{height} pixels", f"at most {self._max_pixels} pixels"
            raise UnreadableImageError(got=got, expected=expected)


def _flattened(picture: Image.Image) -> U8:
    """Pixels as uint8[H, W, 3]; what is transparent becomes grey, and 16-bit greys lose their lower half."""
    if picture.mode.startswith(("I", "F")):
        # Pillow's own conversion of these modes clips at 255 instead of scaling.
        grey = np.asarray(picture, dtype=np.float64)
        scaled = np.clip(grey / (257.0 if grey.max(initial=0.0) > 255.0 else 1.0), 0.0, 255.0)
        return np.repeat(scaled.astype(np.uint8)[:, :, None], 3, axis=2)
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        ground = Image.new("RGBA", layer.size, (BACKGROUND_GREY, BACKGROUND_GREY, BACKGROUND_GREY, 255))
        picture = Image.alpha_composite(ground, layer)
    return np.asarray(picture.convert("RGB"), dtype=np.uint8)


def _shrunk(pixels: U8, side: int) -> U8:
    height, width = pixels.shape[:2]
    if max(height, width) <= side:
        return np.ascontiguousarray(pixels)
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
