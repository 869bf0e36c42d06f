"""The head: one smooth closed surface over (azimuth, elevation), deformed by the shape parameters of a face.

Head space: x to the person's left, y up, z out of the face; unit = half the height of a mean head (0.115 m).
Azimuth 0 is the middle of the face, elevation 0 the middle of the head.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from synthetic.identity import FaceShape
from synthetic.types import F32, I32

HEAD_UNIT_M: Final = 0.115
FACE_AZIMUTH: Final = 1.12
FACE_LOW: Final = -1.2
FACE_HIGH: Final = 0.70


@dataclass(frozen=True, slots=True)
class FaceLayout:
    """Where the features sit on the surface (radians of azimuth/elevation); shared by mesh, skin and shader."""

    eye_x: float
    eye_y: float
    eye_w: float
    eye_h: float
    eye_tilt: float
    mouth_y: float
    mouth_w: float
    lip_upper: float
    lip_lower: float
    nose_top: float
    nose_tip: float
    nose_w: float
    hairline: float


@dataclass(frozen=True, slots=True)
class Grid:
    """A latitude-longitude grid: `azimuth`, `elevation` float32[R, C] (column 0 = column -1), `index` int32[T, 3]."""

    azimuth: F32
    elevation: F32
    index: I32


def layout(shape: FaceShape) -> FaceLayout:
    """Place the features of a face."""
    eye_y = 0.06 + 0.028 * shape.eye_height
    return FaceLayout(
        eye_x=0.40 + 0.030 * shape.eye_distance,
        eye_y=eye_y,
        eye_w=0.175 + 0.017 * shape.eye_width,
        eye_h=0.068 + 0.014 * shape.eye_open,
        eye_tilt=0.02 + 0.085 * shape.eye_tilt,
        mouth_y=-0.59 + 0.035 * shape.mouth_height,
        mouth_w=0.31 + 0.042 * shape.mouth_width,
        lip_upper=max(0.018, 0.050 + 0.016 * shape.lip_upper),
        lip_lower=max(0.022, 0.066 + 0.018 * shape.lip_lower),
        nose_top=eye_y + 0.05 + 0.03 * shape.nose_bridge,
        nose_tip=-0.25 - 0.035 * shape.nose_length,
        nose_w=0.17 + 0.028 * shape.nose_width,
        hairline=0.78 + 0.06 * shape.hairline,
    )


@cache
def grid(columns: int, rows: int) -> Grid:
    """Return the grid with more samples where the face is; azimuth in -pi..pi, elevation in -pi/2..pi/2."""
    azimuth = _warp(np.pi, columns + 1, 0.0, 0.55, 3.0)
    elevation = _warp(np.pi / 2, rows, -0.25, 0.55, 1.4)
    a, e = np.meshgrid(azimuth, elevation)
    c = np.arange(columns, dtype=np.int32)
    r = np.arange(rows - 1, dtype=np.int32)[:, None]
    p00, p01 = r * (columns + 1) + c, r * (columns + 1) + c + 1
    p10, p11 = p00 + columns + 1, p01 + columns + 1
    tri = np.stack([np.stack([p00, p01, p11], -1), np.stack([p00, p11, p10], -1)], 2)
    return Grid(a.astype(np.float32), e.astype(np.float32), tri.reshape(-1, 3).astype(np.int32))


def _warp(half: float, count: int, centre: float, width: float, gain: float) -> np.ndarray:
    fine = np.linspace(-half, half, 2001)
    density = 1 + gain * np.exp(-(((fine - centre) / width) ** 2))
    cdf = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return np.asarray(np.interp(np.linspace(0, cdf[-1], count), cdf, fine))


def head_surface(shape: FaceShape, g: Grid) -> F32:
    """Return positions float32[R, C, 3] of the head in head units."""
    a, e = g.azimuth, g.elevation
    d = np.stack([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)], -1)
    place = layout(shape)
    radius = _base_radius(shape, d) + _bumps(shape, place, np.abs(a), e)
    points = d * radius[..., None]
    points[..., 2] += _nose(shape, place, np.abs(a), e)
    return np.asarray(points * (1 + 0.03 * shape.head_size), dtype=np.float32)


def _base_radius(shape: FaceShape, d: F32) -> F32:
    skull = _ellipsoid(d, (0, 0.20, -0.10), (0.69 + 0.028 * shape.head_width, 0.80, 0.87 + 0.03 * shape.head_depth))
    jaw_rx = 0.50 + 0.04 * shape.jaw_width
    jaw = _ellipsoid(d, (0, -0.42, 0.16), (jaw_rx, 0.58 + 0.045 * shape.chin_length, 0.60))
    k = 11.0
    return np.asarray(np.log(np.exp(k * skull) + np.exp(k * jaw)) / k, dtype=np.float32)


def _ellipsoid(d: F32, centre: tuple[float, float, float], radii: tuple[float, float, float]) -> F32:
    """Distance from the origin (which lies inside) to an ellipsoid along the unit directions d[..., 3]."""
    q = 1 / np.asarray(radii, dtype=np.float32)
    u, v = d * q, np.asarray(centre, dtype=np.float32) * q
    aa, bb, cc = (u * u).sum(-1), (u * v).sum(-1), float((v * v).sum()) - 1
    return np.asarray((bb + np.sqrt(np.maximum(bb * bb - aa * cc, 0))) / aa, dtype=np.float32)


def _bumps(s: FaceShape, p: FaceLayout, a: F32, e: F32) -> F32:
    """Sum of the smooth hills and hollows of a face, along the radius; a = |azimuth|."""
    hills = (
        (-0.060 - 0.020 * s.eye_depth, p.eye_x - 0.02, p.eye_y + 0.01, 0.21, 0.13),
        (0.038, p.eye_x, p.eye_y, 0.12, 0.075),
        (0.035 + 0.018 * s.brow_ridge, 0.36, p.eye_y + 0.19, 0.36, 0.075),
        (0.030 + 0.026 * s.cheekbone, 0.74, -0.10, 0.28, 0.17),
        (0.000 + 0.040 * s.cheek_fat, 0.75, -0.52, 0.38, 0.30),
        (0.75 * p.lip_upper, 0.0, p.mouth_y + 0.05, 0.75 * p.mouth_w, 0.045),
        (0.75 * p.lip_lower, 0.0, p.mouth_y - 0.06, 0.65 * p.mouth_w, 0.050),
        (-0.035, 0.0, p.mouth_y, 0.9 * p.mouth_w, 0.020),
        (-0.030, 0.0, p.mouth_y - 0.17, 0.25, 0.06),
        (0.050 + 0.035 * s.chin_forward, 0.0, -0.92, 0.30, 0.15),
        (0.020 + 0.030 * s.jaw_corner, 1.15, -0.72, 0.30, 0.25),
        (-0.020 - 0.015 * s.temple, 1.10, 0.30, 0.25, 0.25),
        (0.020 + 0.022 * s.forehead, 0.0, 0.55, 0.60, 0.25),
        (0.045, p.nose_w * 0.95, p.nose_tip - 0.03, 0.065, 0.055),
    )
    total = np.zeros_like(a)
    for height, ha, he, sa, se in hills:
        total += np.float32(height) * np.exp(-(((a - ha) / sa) ** 2) - ((e - he) / se) ** 2)
    return total


def _nose(s: FaceShape, p: FaceLayout, a: F32, e: F32) -> F32:
    """Forward push of the nose; grows from the bridge to the tip and falls off below it."""
    t = (p.nose_top - e) / (p.nose_top - p.nose_tip)
    forward = 0.225 + 0.035 * s.nose_forward
    root = 0.16 + 0.08 * s.nose_bridge
    body = root + (1 - root) * np.clip(t, 0, 1) ** 1.25
    fall = np.where(
        t > 1, np.exp(-(((t - 1) / (0.30 + 0.05 * s.nose_tip_up)) ** 2)), np.where(t < 0, np.exp(-((t / 0.45) ** 2)), 1)
    )
    hump = 0.030 * s.nose_hump * np.exp(-(((t - 0.45) / 0.25) ** 2))
    width = 0.085 + (p.nose_w * 0.82 - 0.085) * np.clip(t, 0, 1) ** 1.5
    return np.asarray((forward * body * fall + hump) * np.exp(-((a / width) ** 2)), dtype=np.float32)


def surface_normals(points: F32) -> F32:
    """Unit normals float32[R, C, 3] of a closed grid surface (columns wrap)."""
    du = np.empty_like(points)
    du[:, 1:-1] = points[:, 2:] - points[:, :-2]
    du[:, 0] = du[:, -1] = points[:, 1] - points[:, -2]
    dv = np.empty_like(points)
    dv[1:-1] = points[2:] - points[:-2]
    dv[0], dv[-1] = points[1] - points[0], points[-1] - points[-2]
    n = np.cross(du, dv)
    length = np.linalg.norm(n, axis=-1, keepdims=True)
    n = n / np.maximum(length, 1e-9)
    n[0], n[-1] = (0, -1, 0), (0, 1, 0)
    return np.asarray(n, dtype=np.float32)


def face_mask(g: Grid) -> np.ndarray:
    """Boolean [R, C]: which samples lie on the face (ear to ear, hairline to chin)."""
    return (np.abs(g.azimuth) < FACE_AZIMUTH) & (g.elevation > FACE_LOW) & (g.elevation < FACE_HIGH)
