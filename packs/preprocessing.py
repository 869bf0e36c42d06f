"""Images to network inputs, the only implementation: training, export and serving all call it.

Images are uint8[H, W, 3] in RGB; boxes are (x0, y0, x1, y1) in pixels of the image, end exclusive, and
may reach outside. Networks normalise inside their graph, so what leaves here is uint8 too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from packs.arrays import F32, U8
from packs.spec import Preprocessing

PADDING_GREY = 114


@dataclass(frozen=True, slots=True)
class Letterboxed:
    """An image fitted into a canvas.

    Attributes:
        canvas: uint8[height, width, 3].
        scale: Canvas pixels per image pixel.
        pad_x: Columns of padding left of the image (0: it is anchored at the top left).
        pad_y: Rows of padding above the image.
        image_height: Rows of the image, in pixels.
        image_width: Columns of the image, in pixels.
    """

    canvas: U8
    scale: float
    pad_x: float
    pad_y: float
    image_height: int
    image_width: int

    def to_image(self, boxes: ArrayLike) -> F32:
        """Boxes float[N, 4] of the canvas as float32[N, 4] of the image, clipped to it."""
        shift = np.array([self.pad_x, self.pad_y, self.pad_x, self.pad_y], dtype=np.float32)
        mapped = (np.asarray(boxes, dtype=np.float32).reshape(-1, 4) - shift) / np.float32(self.scale)
        limit = np.array([self.image_width, self.image_height] * 2, dtype=np.float32)
        clipped: F32 = np.clip(mapped, np.float32(0.0), limit).astype(np.float32)
        return clipped


def letterbox(image: U8, height: int, width: int) -> Letterboxed:
    """Fit ``image`` into height x width with its aspect kept, at the top left, the rest grey."""
    _check_image(image)
    rows, columns = image.shape[:2]
    scale = min(height / rows, width / columns)
    inner_height = min(height, max(1, round(rows * scale)))
    inner_width = min(width, max(1, round(columns * scale)))
    canvas = np.full((height, width, 3), PADDING_GREY, dtype=np.uint8)
    canvas[:inner_height, :inner_width] = _resize(image, inner_height, inner_width)
    return Letterboxed(canvas, scale, 0.0, 0.0, rows, columns)


def crop_square(image: U8, box: Sequence[float] | F32, size: int, enlarge: float = 1.0) -> U8:
    """Cut a square about the box's centre, ``enlarge`` times its longer side; outside repeats the border."""
    _check_image(image)
    x0, y0, x1, y1 = _checked_box(box)
    side = max(1, round(enlarge * max(x1 - x0, y1 - y0)))
    left = round((x0 + x1 - side) / 2.0)
    top = round((y0 + y1 - side) / 2.0)
    return _resize(_cut_replicated(image, left, top, side), size, size)


def crop_stretch(image: U8, box: Sequence[float] | F32, height: int, width: int, enlarge: float = 1.0) -> U8:
    """Cut the box, enlarged about its centre and clipped to the image, and stretch it to height x width."""
    _check_image(image)
    x0, y0, x1, y1 = _checked_box(box)
    half_width, half_height = enlarge * (x1 - x0) / 2.0, enlarge * (y1 - y0) / 2.0
    centre_x, centre_y = (x0 + x1) / 2.0, (y0 + y1) / 2.0
    left, right = _clipped_span(centre_x - half_width, centre_x + half_width, image.shape[1])
    top, bottom = _clipped_span(centre_y - half_height, centre_y + half_height, image.shape[0])
    return _resize(image[top:bottom, left:right], height, width)


def prepare_crop(image: U8, box: Sequence[float] | F32, how: Preprocessing) -> U8:
    """Cut a box as a network's manifest says; uint8[how.height, how.width, 3].

    Raises:
        ValueError: If the box is empty, or the network does not take boxes.
    """
    if how.kind == "square":
        return crop_square(image, box, how.height, how.enlarge)
    if how.kind == "stretch":
        return crop_stretch(image, box, how.height, how.width, how.enlarge)
    if how.kind == "aligned":
        raise ValueError(
            "an aligned network takes a face's five points, not its box: call packs.alignment.align_face()"
        )
    raise ValueError("a letterboxed network takes whole images: call letterbox()")


def _check_image(image: NDArray[np.generic]) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"an image must be a non-empty uint8[H, W, 3], got {image.dtype}{list(image.shape)}")


def _checked_box(box: Sequence[float] | F32) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (float(value) for value in box)
    if not (np.isfinite([x0, y0, x1, y1]).all() and x1 > x0 and y1 > y0):
        raise ValueError(f"a box needs finite x0 < x1 and y0 < y1, got ({x0}, {y0}, {x1}, {y1})")
    return x0, y0, x1, y1


def _clipped_span(start: float, end: float, limit: int) -> tuple[int, int]:
    first = min(max(round(start), 0), limit - 1)
    return first, min(max(round(end), first + 1), limit)


def _cut_replicated(image: U8, left: int, top: int, side: int) -> U8:
    rows, columns = image.shape[:2]
    if left >= 0 and top >= 0 and left + side <= columns and top + side <= rows:
        return image[top : top + side, left : left + side]
    ys = np.clip(np.arange(top, top + side), 0, rows - 1)
    xs = np.clip(np.arange(left, left + side), 0, columns - 1)
    # The part inside the image is cut first: gathering whole rows would copy far more than is kept.
    inner = image[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]
    gathered: U8 = inner[(ys - ys[0])[:, None], (xs - xs[0])[None, :]]
    return gathered


def _resize(image: U8, height: int, width: int) -> U8:
    if image.shape[:2] == (height, width):
        return np.ascontiguousarray(image)
    shrinking = height * width < image.shape[0] * image.shape[1]
    method = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), dtype=np.uint8)
