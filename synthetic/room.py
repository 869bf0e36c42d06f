"""Rooms: walls, floor, furniture, windows and pictures, and the light in them."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from synthetic.identity import RGB, clamp_rgb
from synthetic.types import F32, I32, U8, Floats

# Vertex layout: position 3, normal 3, uv 2 (repeats), layer (+100 = glows), colour A 3, colour B 3 (sRGB).
ROOM_FLOATS: Final = 15
TEXTURE_SIZE: Final = 256
LAYERS: Final = (
    "plaster",
    "planks",
    "tiles",
    "bricks",
    "stripes",
    "flowers",
    "carpet",
    "wood",
    "books",
    "art",
    "curtain",
    "diamonds",
)


@dataclass(frozen=True, slots=True)
class Light:
    """Light of a scene: key direction (towards the light), key/fill/sky/ground colours (linear), exposure."""

    key_direction: tuple[float, float, float]
    key: RGB
    fill_direction: tuple[float, float, float]
    fill: RGB
    sky: RGB
    ground: RGB
    exposure: float


@dataclass(frozen=True, slots=True)
class Room:
    """A built room: vertices float32[V, 15], triangles int32[T, 3], half width and depth in metres."""

    vertices: F32
    index: I32
    half_width: float
    half_depth: float
    height: float


def room_textures() -> U8:
    """Return the grey patterns uint8[L, 256, 256], drawn with a fixed seed (they are part of the world version)."""
    rng = np.random.Generator(np.random.PCG64(77))
    n = TEXTURE_SIZE
    y, x = np.mgrid[0:n, 0:n].astype(np.float32) / n
    fine = _noise(rng, n, 128)
    layers = {
        "plaster": 0.5 + 0.12 * _noise(rng, n, 12) + 0.06 * fine,
        "planks": _planks(rng, n, 6, 1.0) + 0.05 * fine,
        "tiles": ((x * 4 % 1 > 0.05) & (y * 4 % 1 > 0.05)) * 0.75 + 0.1 + 0.08 * _noise(rng, n, 8),
        "bricks": _bricks(rng, n),
        "stripes": 0.5 + 0.45 * np.sign(np.sin(x * 2 * np.pi * 6)) + 0.03 * fine,
        "flowers": 0.5
        + 0.5
        * np.tanh(6 * np.sin(x * 2 * np.pi * 4) * np.sin(y * 2 * np.pi * 4) + 2 * np.sin((x + y) * 2 * np.pi * 8)),
        "carpet": 0.5 + 0.28 * fine + 0.1 * _noise(rng, n, 5),
        "wood": 0.5 + 0.2 * np.sin(2 * np.pi * (6 * x + 1.2 * _noise(rng, n, 3))) + 0.1 * fine,
        "books": _planks(rng, n, 24, 3.0),
        "art": 0.5 + 0.5 * np.tanh(2 * _noise(rng, n, 5)),
        "curtain": 0.5 + 0.4 * np.sin(x * 2 * np.pi * 8 + 0.6 * np.sin(y * 6)),
        "diamonds": 0.5 + 0.5 * np.sign(np.sin((x + y) * 2 * np.pi * 6) * np.sin((x - y) * 2 * np.pi * 6)),
    }
    return np.stack([np.asarray(np.clip(layers[k], 0, 1) * 255, dtype=np.uint8) for k in LAYERS])


def _noise(rng: np.random.Generator, n: int, cells: int) -> F32:
    return np.asarray(
        cv2.resize(rng.standard_normal((cells, cells)).astype(np.float32), (n, n), interpolation=cv2.INTER_CUBIC),
        dtype=np.float32,
    )


def _planks(rng: np.random.Generator, n: int, count: int, contrast: float) -> F32:
    tone = rng.uniform(0.5 - 0.16 * contrast, 0.5 + 0.16 * contrast, count)
    column = (np.arange(n) * count // n).astype(int)
    edge = (np.arange(n) * count / n) % 1 < 0.05
    return np.asarray(np.broadcast_to(np.where(edge, 0.15, tone[column]), (n, n)), dtype=np.float32)


def _bricks(rng: np.random.Generator, n: int) -> F32:
    y, x = np.mgrid[0:n, 0:n].astype(np.float32) / n
    row = np.floor(y * 8)
    shifted = x * 4 + 0.5 * (row % 2)
    tone = rng.uniform(0.4, 0.8, (8, 5))[row.astype(int), np.floor(shifted).astype(int) % 5]
    return np.asarray(np.where((shifted % 1 < 0.04) | (y * 8 % 1 < 0.08), 0.05, tone), dtype=np.float32)


class _Builder:
    """Collects quads of a room."""

    def __init__(self) -> None:
        self.vertices: list[F32] = []

    def quad(
        self,
        origin: Floats,
        du: Floats,
        dv: Floats,
        layer: str,
        colors: tuple[RGB, RGB],
        tile_m: float,
        glow: float = 0.0,
    ) -> None:
        """Add the parallelogram origin + s du + t dv; tile_m = metres for one repeat (0 = the picture once)."""
        normal = np.cross(du, dv)
        normal = normal / np.linalg.norm(normal)
        size = (float(np.linalg.norm(du)) / tile_m, float(np.linalg.norm(dv)) / tile_m) if tile_m > 0 else (1.0, 1.0)
        rows = []
        for s, t in ((0, 0), (1, 0), (1, 1), (0, 1)):
            rows.append(
                [
                    *(origin + s * du + t * dv),
                    *normal,
                    s * size[0],
                    t * size[1],
                    LAYERS.index(layer) + (100 if glow else 0),
                    *colors[0],
                    *colors[1],
                ]
            )
        self.vertices.append(np.array(rows, np.float32))

    def box(
        self,
        centre: tuple[float, float, float],
        size: tuple[float, float, float],
        layer: str,
        colors: tuple[RGB, RGB],
        tile_m: float,
    ) -> None:
        """Add a box given its centre and full size."""
        c, h = np.array(centre), np.array(size) / 2
        ex, ey, ez = np.diag(2 * h)
        low = c - h
        for origin, du, dv in (
            (low + ez, ex, ey),
            (low, ez, ey),
            (low + ex + ez, -ez, ey),
            (low + ey + ez, ex, -ez),
            (low + ex, -ex, ey),
        ):
            self.quad(origin, du, dv, layer, colors, tile_m)

    def arrays(self) -> tuple[F32, I32]:
        """Vertices float32[4Q, 15] and triangles int32[2Q, 3]."""
        count = len(self.vertices)
        base = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
        index = (base[None] + 4 * np.arange(count, dtype=np.int32)[:, None, None]).reshape(-1, 3)
        return np.concatenate(self.vertices), index


def _pair(rng: np.random.Generator, low: float, high: float, spread: float, chroma: float) -> tuple[RGB, RGB]:
    value = rng.uniform(low, high)
    first = clamp_rgb(value + rng.normal(0, chroma, 3))
    second = clamp_rgb(np.array(first) * rng.uniform(1 - spread, 1 + spread) + rng.normal(0, chroma / 2, 3))
    return first, second


def make_room(rng: np.random.Generator, half_width: float, half_depth: float) -> Room:
    """Build a random room around the origin; the camera stands towards +z and looks to -z."""
    height = float(rng.uniform(2.6, 3.6)) + 0.12 * max(half_width, half_depth)
    w, d, b = half_width, half_depth, _Builder()
    x, y, z = np.array([2 * w, 0, 0]), np.array([0, height, 0]), np.array([0, 0, 2 * d])
    low = np.array([-w, 0, -d])
    floor = str(rng.choice(["planks", "tiles", "carpet", "wood", "diamonds"]))
    b.quad(low + z, x, -z, floor, _pair(rng, 0.25, 0.65, 0.25, 0.07), float(rng.uniform(1.0, 2.2)))
    b.quad(low + y, x, z, "plaster", _pair(rng, 0.75, 0.95, 0.05, 0.02), 3.0)
    wall = str(rng.choice(["plaster", "plaster", "bricks", "stripes", "flowers", "diamonds"]))
    colors, tile = _pair(rng, 0.3, 0.9, 0.18, 0.10), float(rng.uniform(1.0, 2.5))
    for origin, du in ((low, x), (low + z, -z), (low + x, z), (low + x + z, -x)):
        b.quad(origin, du, y, wall, colors, tile)
    _decorate(b, rng, w, d, height)
    vertices, index = b.arrays()
    return Room(vertices, index, w, d, height)


def _decorate(b: _Builder, rng: np.random.Generator, w: float, d: float, height: float) -> None:
    for k in range(int(rng.integers(2, 6))):
        cx, size = rng.uniform(-0.9 * w, 0.7 * w), rng.uniform(0.5, 1.4)
        origin = np.array([cx, rng.uniform(1.1, 1.7), -d + 0.02 + 0.012 * k])
        kind = rng.random()
        if kind < 0.35:
            sky = (
                clamp_rgb(np.array([0.75, 0.85, 0.95]) * rng.uniform(0.6, 1.05)),
                clamp_rgb(np.array([0.9, 0.9, 0.85])),
            )
            b.quad(
                origin - np.array([0, 0.3, 0]),
                np.array([size, 0, 0]),
                np.array([0, size * 1.2, 0]),
                "art",
                sky,
                0,
                glow=1,
            )
        else:
            b.quad(
                origin,
                np.array([size * 0.9, 0, 0]),
                np.array([0, size * 0.7, 0]),
                "art",
                _pair(rng, 0.2, 0.8, 0.8, 0.25),
                0,
            )
    for side in (-1.0, 1.0):
        if rng.random() < 0.7:
            zc = rng.uniform(-0.8 * d, 0.2 * d)
            sky = (clamp_rgb(np.array([0.7, 0.82, 0.95])), clamp_rgb(np.array([0.95, 0.95, 0.9])))
            b.quad(
                np.array([side * (w - 0.02), 0.9, zc + side * 0.6]),
                np.array([0, 0, -side * 1.2]),
                np.array([0, 1.5, 0]),
                "art",
                sky,
                0,
                glow=1,
            )
    for _ in range(int(rng.integers(2, 7))):
        at_back = rng.random() < 0.65
        extent = (float(rng.uniform(0.5, 1.8)), float(rng.uniform(0.4, 2.1)), float(rng.uniform(0.35, 0.7)))
        cx = float(rng.uniform(-w + 0.9, w - 0.9)) if at_back else float(rng.choice([-1, 1])) * (w - 0.4)
        cz = -d + extent[2] / 2 + 0.02 if at_back else float(rng.uniform(-0.8 * d, 0.3 * d))
        if not at_back:
            extent = (extent[2], extent[1], extent[0])
        layer = str(rng.choice(["wood", "books", "plaster", "curtain"]))
        b.box((cx, extent[1] / 2, cz), extent, layer, _pair(rng, 0.15, 0.75, 0.4, 0.12), 0.9)


def make_light(rng: np.random.Generator) -> Light:
    """Draw the light of a scene; now and then dim or strongly coloured."""
    azimuth, height = rng.normal(0, 1.1), rng.uniform(0.25, 1.2)
    key = np.array([np.sin(azimuth) * np.cos(height), np.sin(height), np.cos(azimuth) * np.cos(height)])
    warm = rng.normal(0, 0.09)
    key_color = np.array([1 + warm, 1.0, 1 - 1.3 * warm]) * rng.uniform(0.55, 1.15)
    tint = rng.normal(0, 0.05)
    sky = np.array([1 - tint, 1.0, 1 + tint]) * rng.uniform(0.28, 0.6)
    fill_azimuth = azimuth + rng.choice([-1, 1]) * rng.uniform(1.2, 2.6)
    fill = np.array([1 + tint, 1.0, 1 - tint]) * rng.uniform(0.05, 0.35)
    return Light(
        key_direction=(float(key[0]), float(key[1]), float(key[2])),
        key=_triple(key_color),
        fill_direction=(float(np.sin(fill_azimuth)), 0.25, float(np.cos(fill_azimuth))),
        fill=_triple(fill),
        sky=_triple(sky),
        ground=_triple(sky * rng.uniform(0.35, 0.7) * np.array([1.05, 1.0, 0.92])),
        exposure=float(rng.uniform(0.45, 0.7) if rng.random() < 0.15 else rng.uniform(0.8, 1.15)),
    )


def _triple(v: np.ndarray) -> RGB:
    return (float(v[0]), float(v[1]), float(v[2]))
