"""Changes of light: one table of 256 values a channel, so that they cost one look-up a pixel."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]


def random_light(image: U8, strength: float, rng: np.random.Generator) -> U8:
    """Change brightness, contrast, gamma and the colour of the light.

    Args:
        image: uint8[H, W, 3], RGB.
        strength: Largest relative change of each; 0 changes nothing.
        rng: Source of chance.
    """
    if strength == 0.0:
        return image
    ramp = np.linspace(0.0, 1.0, 256)
    gamma = np.exp(rng.uniform(-strength, strength))
    contrast = 1.0 + rng.uniform(-strength, strength)
    brightness = 0.5 * rng.uniform(-strength, strength)
    gains = 1.0 + 0.4 * rng.uniform(-strength, strength, size=3)
    curve = (ramp**gamma - 0.5) * contrast + 0.5 + brightness
    table = np.clip(curve[:, None] * gains[None, :] * 255.0, 0.0, 255.0).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table.reshape(1, 256, 3)), dtype=np.uint8)


def random_blur(image: U8, rng: np.random.Generator) -> U8:
    """Blur by a lens (Gaussian) or by motion (a short line)."""
    if rng.random() < 0.5:
        sigma = float(rng.uniform(0.5, 1.8))
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.uint8)
    return np.asarray(cv2.filter2D(image, -1, _line_kernel(rng)), dtype=np.uint8)


def random_compression(image: U8, rng: np.random.Generator) -> U8:
    """Compress strongly as JPEG and decode again."""
    quality = int(rng.integers(18, 80))
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"an image of shape {image.shape} could not be compressed as JPEG")
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


def _line_kernel(rng: np.random.Generator) -> NDArray[np.float32]:
    length = int(rng.integers(3, 8)) | 1
    kernel = np.zeros((length, length), dtype=np.float32)
    angle = rng.uniform(0.0, np.pi)
    middle = length // 2
    for t in np.linspace(-middle, middle, 2 * length):
        x, y = round(middle + t * np.cos(angle)), round(middle + t * np.sin(angle))
        kernel[y, x] = 1.0
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)
