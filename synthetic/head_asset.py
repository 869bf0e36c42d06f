"""What the renderer needs of one head: its mesh at two levels of detail, hair and hat."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from synthetic.hair import STYLES, hair_surface
from synthetic.head_mesh import FaceLayout, Grid, face_mask, grid, head_surface, layout, surface_normals
from synthetic.identity import Identity
from synthetic.outfit import Outfit
from synthetic.types import F32, I32

FINE: Final = (72, 60)
COARSE: Final = (40, 32)
HAIR_CUT: Final = -1.1
"""Hair below this height (head units) counts as body, not head."""


@dataclass(frozen=True, slots=True)
class HeadShape:
    """Head of a person at one level of detail: `vertices` float32[V, 9] = position, normal, (azimuth, elevation, 0)."""

    grid: Grid
    surface: F32
    vertices: F32
    eyes: F32
    face: F32
    layout: FaceLayout


def pack(points: F32, normals: F32, g: Grid, mask: F32) -> F32:
    """Interleave a grid surface to float32[R*C, 9]."""
    third = np.stack([g.azimuth, g.elevation, mask], -1)
    return np.concatenate([points, normals, third], -1).reshape(-1, 9).astype(np.float32)


def build_head(person: Identity, detail: tuple[int, int]) -> HeadShape:
    """Build the head mesh of a person with `detail` = (columns, rows)."""
    g = grid(*detail)
    surface = head_surface(person.shape, g)
    place = layout(person.shape)
    eyes = np.stack([_nearest(surface, g, side * place.eye_x, place.eye_y) for side in (-1.0, 1.0)])
    vertices = pack(surface, surface_normals(surface), g, np.zeros_like(g.azimuth))
    return HeadShape(g, surface, vertices, eyes, surface[face_mask(g)], place)


def build_hair(person: Identity, outfit: Outfit, head: HeadShape) -> F32:
    """Hair vertices float32[V, 9] (third triple: azimuth, elevation, mask) of a person in an outfit."""
    points, normals, mask = hair_surface(person, outfit.hair_style, head.surface, head.grid)
    if outfit.hat != "none":
        points = _pressed(points, head)
    return pack(points, normals, head.grid, mask)


def build_hat(outfit: Outfit, head: HeadShape) -> F32:
    """Crown of the hat, float32[V, 9]."""
    g = head.grid
    line = {
        "beanie": 0.42 - 0.16 * np.abs(g.azimuth) / np.pi * 2,
        "cap": 0.52 - 0.1 * np.abs(g.azimuth),
        "brim": 0.50 + 0 * g.azimuth,
    }[outfit.hat]
    direction = head.surface / np.maximum(np.linalg.norm(head.surface, axis=-1, keepdims=True), 1e-6)
    rise = {"beanie": 0.15, "cap": 0.12, "brim": 0.13}[outfit.hat]
    grown = np.clip((g.elevation - line) / 0.1 + 0.5, 0, 1)
    points = head.surface + direction * np.where(grown > 0.3, rise, -0.05)[..., None]
    points = points.astype(np.float32)
    return pack(points, surface_normals(points), g, grown.astype(np.float32))


@dataclass(frozen=True, slots=True)
class HeadTriangles:
    """Triangles int32[T, 3] of a head, split by what the shader has to paint there."""

    plain: I32
    eyes: I32
    mouth: I32


def split_head(head: HeadShape, *, near: bool) -> HeadTriangles:
    """Part the triangles of a head; `near` allows tighter bounds, as features blur wide on small faces only."""
    place, index = head.layout, head.grid.index
    a = np.abs(head.grid.azimuth).reshape(-1)[index]
    e = head.grid.elevation.reshape(-1)[index]
    half, low, high = (0.27, 0.13, 0.22) if near else (0.35, 0.21, 0.21)
    eyes = _touches(a, place.eye_x - half, place.eye_x + half) & _touches(e, place.eye_y - low, place.eye_y + high)
    mouth_w = 1.3 * 1.22 * place.mouth_w
    mouth = _touches(a, -1.0, mouth_w) & _touches(e, place.mouth_y - 0.31, place.mouth_y + (0.2 if near else 0.31))
    mouth &= ~eyes
    return HeadTriangles(index[~eyes & ~mouth], index[eyes], index[mouth])


def shell_triangles(shell: F32, g: Grid) -> I32:
    """Triangles int32[T, 3] of a shell (hair or hat) that can show: the shader throws away what has a low mask."""
    return np.asarray(g.index[shell[:, 8][g.index].max(1) > 0.38], dtype=np.int32)


def uncovered(triangles: I32, shell: F32, g: Grid) -> I32:
    """Leave out the triangles of a head that lie deep under a shell and cannot be seen from outside."""
    full = (shell[:, 8] > 0.99).reshape(g.azimuth.shape)
    for axis in (0, 1):
        # One ring of samples inwards, and another one.
        for step in (1, -1, 1, -1):
            full = full & np.roll(full, step, axis)
    return np.asarray(triangles[~full.reshape(-1)[triangles].all(1)], dtype=np.int32)


def _touches(corners: F32, low: float, high: float) -> np.ndarray:
    return np.asarray((corners.max(1) > low) & (corners.min(1) < high))


def has_hair(outfit: Outfit) -> bool:
    """Whether there is hair to draw at all."""
    return STYLES[outfit.hair_style].top > 0


def head_extent(head: HeadShape, hair: F32 | None, hat: F32 | None) -> F32:
    """Points float32[N, 3] (head units) that span the head box: skull, hair above the cut, hat."""
    shells = [shell for shell in (hair, hat) if shell is not None]
    drawn = [shell[(shell[:, 8] > 0.45) & (shell[:, 1] > HAIR_CUT)][:, :3] for shell in shells]
    return np.concatenate([head.vertices[:, :3], *drawn])


def _nearest(surface: F32, g: Grid, azimuth: float, elevation: float) -> F32:
    distance = (g.azimuth - azimuth) ** 2 + (g.elevation - elevation) ** 2
    return np.asarray(surface.reshape(-1, 3)[int(distance.argmin())], dtype=np.float32)


def _pressed(points: F32, head: HeadShape) -> F32:
    """Flatten the hair under a hat."""
    high = head.grid.elevation > 0.3
    offset = points - head.surface
    length = np.linalg.norm(offset, axis=-1, keepdims=True)
    factor = np.where(high[..., None], np.minimum(1, 0.07 / np.maximum(length, 1e-6)), 1)
    return np.asarray(head.surface + offset * factor, dtype=np.float32)
