"""Faces of one person, laid over each other by their upper half, which does not move with speech."""

from __future__ import annotations

import cv2
import numpy as np

from packs.arrays import F32, F64, U8

__all__ = ["UPPER", "aligned"]

UPPER = slice(3, 27), slice(4, 36)
"""Rows and columns of the patch that hold brows, eyes and nose."""

AROUND_S = 0.5
ROUNDS = 2
BLUR_PX = 1.0
# A step in each round goes at most so far: pixels, pixels, and a share of the size.
LARGEST_STEP = np.array([2.0, 2.0, 0.08])
# Holds the steps where a face shows too little to lay it over another; grey levels squared.
HELD = np.array([200.0, 200.0, 20_000.0, 1e-3, 1e-3])


def _around(values: F32, times_s: F64, within_s: float) -> F32:
    """Mean of the values float32[N, ...] of all times that are no further away, for each time: float32[N, ...]."""
    low = np.searchsorted(times_s, times_s - within_s - 1e-6)
    high = np.searchsorted(times_s, times_s + within_s + 1e-6)
    sums = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0, dtype=np.float64)])
    counts = (high - low).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray((sums[high] - sums[low]) / counts, dtype=np.float32)


def aligned(patches: U8, times_s: F64) -> F32:
    """Shift and scale each face so that its upper half lies where it does on average around that time.

    The box that a face was cut from trembles more than the lips move. The steps are those of Lucas and Kanade (1981)
    towards the running mean, brightness and contrast left free.

    Args:
        patches: uint8[N, H, W], of one person without a gap.
        times_s: float64[N], rising.

    Returns:
        float32[N, H, W].
    """
    faces: F32 = patches.astype(np.float32)
    height, width = faces.shape[1:]
    centre = np.array([(width - 1) / 2.0, height * 0.28])
    moved, now = np.zeros((len(faces), 3)), faces
    for _ in range(ROUNDS):
        usual = _blurred(_around(now, times_s, AROUND_S))
        moved += np.clip(_steps(usual, _blurred(now), centre), -LARGEST_STEP, LARGEST_STEP)
        now = np.stack([_moved(face, by, centre) for face, by in zip(faces, moved, strict=True)])
    return now


def _steps(usual: F32, now: F32, centre: F64) -> F64:
    """Least squares of now = usual + gradient * step: float64[N, 3], to the right, down, larger."""
    down, right = (np.asarray(np.gradient(usual, axis=axis), dtype=np.float32) for axis in (1, 2))
    rows, columns = np.mgrid[0 : usual.shape[1], 0 : usual.shape[2]]
    larger: F32 = np.asarray(right * (columns - centre[0]) + down * (rows - centre[1]), dtype=np.float32)
    pictures: list[F32] = [right, down, larger, np.ones_like(usual), usual]
    parts = [one[:, *UPPER].reshape(len(now), -1) for one in pictures]
    terms = np.stack(parts, axis=2).astype(np.float64)
    wanted = (now - usual)[:, *UPPER].reshape(len(now), -1, 1)
    turned = terms.transpose(0, 2, 1)
    return np.asarray(np.linalg.solve(turned @ terms + np.diag(HELD), turned @ wanted)[:, :3, 0], dtype=np.float64)


def _moved(face: F32, by: F64, centre: F64) -> F32:
    scale = 1.0 - by[2]
    shift = (1.0 - scale) * centre - by[:2]
    matrix = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
    flags, size = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, (face.shape[1], face.shape[0])
    return np.asarray(
        cv2.warpAffine(face, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), dtype=np.float32
    )


def _blurred(faces: F32) -> F32:
    return np.stack([cv2.GaussianBlur(face, (0, 0), BLUR_PX) for face in faces])
