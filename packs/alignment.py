"""Faces turned and scaled so that five points lie where ArcFace was trained to see them.

Source: S. Umeyama, "Least-squares estimation of transformation parameters between two point patterns" (1991), equations
34 to 42; the places are those of insightface (methods.md 7.1).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike

from packs.arrays import F32, F64, U8

SIDE = 112
# Eye, eye, nose, corner and corner of the mouth, the image's left one first: (x, y) in pixels of a crop of 112.
PLACES = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)], np.float32
)


def align_face(image: U8, points: ArrayLike, side: int = SIDE) -> U8:
    """Cut a face out so that its points come as near to ArcFace's places as turning, scaling and moving can bring them.

    Args:
        image: uint8[H, W, 3].
        points: float[5, 2], (x, y) in pixels of the image: eye, eye, nose, mouth, mouth, the image's left one first.
        side: Rows and columns of the crop, in pixels.

    Returns:
        uint8[side, side, 3]; what lies outside the image is black, as in the crops that public networks learned from.

    Raises:
        ValueError: If there are not five finite points, or all lie at one place.
    """
    matrix = similarity(points, PLACES * np.float32(side / SIDE))
    return np.asarray(cv2.warpAffine(image, matrix, (side, side), borderValue=(0, 0, 0)), dtype=np.uint8)


def similarity(points: ArrayLike, places: F32) -> F64:
    """The rotation, scale and shift that bring points nearest to places, in the sum of squared distances.

    Args:
        points: float[N, 2], N >= 2.
        places: float32[N, 2].

    Returns:
        float64[2, 3]: multiply (x, y, 1) by it. It never mirrors.

    Raises:
        ValueError: If the shapes differ, a point is not finite, or all points lie at one place.
    """
    found = np.asarray(points, np.float64)
    if found.shape != places.shape or not np.isfinite(found).all():
        raise ValueError(f"expected finite points {list(places.shape)}, got {list(found.shape)}: {found.tolist()}")
    centre, target = found.mean(axis=0), places.mean(axis=0, dtype=np.float64)
    spread = float(np.square(found - centre).sum(axis=1).mean())
    if spread < 1e-12:
        raise ValueError("all points of the face lie at one place: it cannot be turned upright")
    u, sizes, v = np.linalg.svd((places - target).T @ (found - centre) / len(found))
    signs = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(v)) or 1.0])
    turned = u @ np.diag(signs) @ v * (sizes @ signs / spread)
    return np.column_stack([turned, target - turned @ centre])
