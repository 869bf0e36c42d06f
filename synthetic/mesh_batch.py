"""A batch of coloured triangles built on the CPU each frame: tubes, lofts, rings and boxes.

Triangles turn counter-clockwise seen from outside, so that the inside need not be drawn.
Vertex layout, 18 float32: position 3 (m), normal 3, colours A and B 3 + 3 (sRGB), uv 2 (m), pattern, period, gloss, id.
"""

from dataclasses import dataclass, field
from functools import cache
from typing import Final

import numpy as np

from synthetic.outfit import PATTERNS, Cloth
from synthetic.types import F32, I32, Floats

VERTEX_FLOATS: Final = 18
Vector = Floats | tuple[float, float, float]

# Along a tube: (place on the axis 0..1, offset in radii, radius factor); round caps at both ends.
_RINGS: Final = np.array(
    [[0, -1, 0.03], [0, -0.71, 0.71], [0, 0, 1], [0.45, 0, 1.04], [1, 0, 1], [1, 0.71, 0.71], [1, 1, 0.03]],
    dtype=np.float32,
)
_SEGMENTS: Final = 11


@cache
def _sheet_index(rows: int, columns: int) -> I32:
    r, c = np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij")
    p00, p01 = r * columns + c, r * columns + c + 1
    p10, p11 = p00 + columns, p01 + columns
    return np.stack([p00, p01, p11, p00, p11, p10], -1).reshape(-1, 3).astype(np.int32)


@cache
def _turned_index(rows: int, columns: int) -> I32:
    """Return the triangles of a sheet whose outside is its other side."""
    return np.ascontiguousarray(_sheet_index(rows, columns)[:, ::-1])


@cache
def _cube() -> tuple[F32, F32, I32]:
    """Corners and normals float32[24, 3] and triangles int32[12, 3] of the cube from -1 to 1."""
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
    corners: list[F32] = []
    normals: list[F32] = []
    index: list[I32] = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            corners.append(np.insert(square, axis, sign, axis=1).astype(np.float32))
            normals.append(np.tile(np.eye(3, dtype=np.float32)[axis] * sign, (4, 1)))
            turned = (axis == 1) != (sign > 0)
            quad = [[0, 1, 2], [0, 2, 3]] if turned else [[0, 2, 1], [0, 3, 2]]
            index.append(np.array(quad, np.int32) + 4 * len(index))
    return np.concatenate(corners).astype(np.float32), np.concatenate(normals), np.concatenate(index).astype(np.int32)


@dataclass(slots=True)
class _Tube:
    ends: tuple[Vector, Vector]
    radii: tuple[float, float]
    side: Vector
    aspect: float
    cloth: Cloth
    gloss: float
    ident: float


@dataclass(slots=True)
class MeshBatch:
    """Collects shapes; `arrays` turns them into vertices and triangles."""

    _tubes: list[_Tube] = field(default_factory=list)
    _vertices: list[F32] = field(default_factory=list)
    _indices: list[I32] = field(default_factory=list)
    _count: int = 0

    def tube(
        self,
        p0: Vector,
        p1: Vector,
        r0: float,
        r1: float,
        cloth: Cloth,
        ident: float,
        side: Vector = (1.0, 0.0, 0.0),
        aspect: float = 1.0,
        gloss: float = 0.15,
    ) -> None:
        """Add a tapered capsule; across `side` it has its radius, across the other direction radius * aspect."""
        self._tubes.append(_Tube((p0, p1), (r0, r1), side, aspect, cloth, gloss, ident))

    def loft(
        self,
        centres: F32,
        widths: F32,
        depths: F32,
        side: Vector,
        forward: Vector,
        cloth: Cloth,
        ident: float,
        lined: bool = False,
    ) -> None:
        """Add a skin over elliptic sections: centres float32[R, 3] upwards, half widths and half depths float32[R].

        `lined` makes the inside visible too.
        """
        columns = 21
        phi = np.linspace(-np.pi, np.pi, columns, dtype=np.float32)
        s, f = np.asarray(side, np.float32), np.asarray(forward, np.float32)
        ring_s, ring_f = np.sin(phi)[None, :, None] * s, np.cos(phi)[None, :, None] * f
        pos = centres[:, None] + widths[:, None, None] * ring_s + depths[:, None, None] * ring_f
        nrm = ring_s / np.maximum(widths, 1e-3)[:, None, None] + ring_f / np.maximum(depths, 1e-3)[:, None, None]
        slope = np.gradient((widths + depths) / 2, centres[:, 1])[:, None, None]
        nrm = nrm / np.linalg.norm(nrm, axis=-1, keepdims=True)
        nrm = nrm - np.clip(slope, -3, 3) * np.array([0, 1, 0], np.float32)
        nrm /= np.linalg.norm(nrm, axis=-1, keepdims=True)
        u = np.broadcast_to(phi * np.float32(widths.max()), pos.shape[:2])
        v = np.broadcast_to((centres[:, 1] - centres[-1, 1])[:, None], pos.shape[:2])
        index = _sheet_index(len(centres), columns)
        if lined:
            index = np.concatenate([index, _turned_index(len(centres), columns)])
        self._append(pos, nrm, np.stack([u, v], -1), cloth, 0.1, ident, index)

    def ring(
        self,
        centre: F32,
        right: F32,
        up: F32,
        radii: tuple[float, float],
        thick: float,
        square: float,
        cloth: Cloth,
        ident: float,
    ) -> None:
        """Add a hoop around `centre` in the plane of `right`, `up` (unit vectors); square 0 = ellipse, 1 = box."""
        columns, rows = 5, 19
        phi = np.linspace(0, 2 * np.pi, rows, dtype=np.float32)
        power = 1 - 0.55 * square
        x = np.sign(np.cos(phi)) * np.abs(np.cos(phi)) ** power * radii[0]
        y = np.sign(np.sin(phi)) * np.abs(np.sin(phi)) ** power * radii[1]
        out = np.cross(right, up)
        middle = centre + x[:, None] * right + y[:, None] * up
        radial = x[:, None] * right + y[:, None] * up
        radial /= np.linalg.norm(radial, axis=-1, keepdims=True)
        psi = np.linspace(0, 2 * np.pi, columns, dtype=np.float32)
        nrm = np.cos(psi)[None, :, None] * radial[:, None] + np.sin(psi)[None, :, None] * out
        pos = middle[:, None] + thick * nrm
        self._append(
            pos, nrm, np.zeros((*pos.shape[:2], 2), np.float32), cloth, 0.6, ident, _turned_index(rows, columns)
        )

    def box(self, centre: Vector, half: Vector, cloth: Cloth, turn: F32) -> None:
        """Add a box (a thing, id 0); `turn` float32[3, 3] rotates it about its centre."""
        corners, normals, index = _cube()
        size = np.asarray(half, np.float32)
        pos = (corners * size) @ turn.T + np.asarray(centre, np.float32)
        uv = np.where(normals[:, :1] != 0, (corners * size)[:, 1:], (corners * size)[:, :2])
        self._append(pos[None], (normals @ turn.T)[None], uv[None], cloth, 0.1, 0.0, index)

    def arrays(self) -> tuple[F32, I32]:
        """Return vertices float32[V, 18] and triangles int32[T, 3]."""
        if self._tubes:
            self._flush_tubes()
        if not self._vertices:
            return np.zeros((0, VERTEX_FLOATS), np.float32), np.zeros((0, 3), np.int32)
        return np.concatenate(self._vertices), np.concatenate(self._indices)

    def _append(
        self, pos: Floats, nrm: Floats, uv: Floats, cloth: Cloth, gloss: float, ident: float, index: I32
    ) -> None:
        n = pos.shape[0] * pos.shape[1]
        out = np.empty((n, VERTEX_FLOATS), np.float32)
        out[:, 0:3], out[:, 3:6] = pos.reshape(n, 3), nrm.reshape(n, 3)
        out[:, 6:9], out[:, 9:12] = cloth.color, cloth.second
        out[:, 12:14] = uv.reshape(n, 2)
        out[:, 14:18] = PATTERNS[cloth.pattern], cloth.scale, gloss, ident
        self._vertices.append(out)
        self._indices.append(index + self._count)
        self._count += n

    def _flush_tubes(self) -> None:
        tubes, self._tubes = self._tubes, []
        p0 = np.array([t.ends[0] for t in tubes], np.float32)
        p1 = np.array([t.ends[1] for t in tubes], np.float32)
        radii = np.array([t.radii for t in tubes], np.float32)
        axis = p1 - p0
        length = np.linalg.norm(axis, axis=1, keepdims=True)
        w = axis / np.maximum(length, 1e-6)
        s = np.array([t.side for t in tubes], np.float32)
        s = s - (s * w).sum(1, keepdims=True) * w
        s /= np.maximum(np.linalg.norm(s, axis=1, keepdims=True), 1e-6)
        f = np.cross(s, w) * np.array([[t.aspect] for t in tubes], np.float32)
        t, cap, swell = _RINGS[:, 0], _RINGS[:, 1], _RINGS[:, 2]
        r = radii[:, :1] + (radii[:, 1:] - radii[:, :1]) * t
        along = t * length + cap * r
        phi = np.linspace(-np.pi, np.pi, _SEGMENTS, dtype=np.float32)
        ring = np.cos(phi)[None, :, None] * s[:, None] + np.sin(phi)[None, :, None] * f[:, None]
        pos = (
            p0[:, None, None]
            + w[:, None, None] * along[:, :, None, None]
            + ring[:, None] * (r * swell)[:, :, None, None]
        )
        tilt = np.array([t.aspect for t in tubes], np.float32)[:, None, None] ** 2
        flat = np.cos(phi)[None, :, None] * s[:, None] + np.sin(phi)[None, :, None] * f[:, None] / tilt
        nrm = flat[:, None] * np.minimum(swell, 1)[None, :, None, None] + w[:, None, None] * cap[None, :, None, None]
        nrm /= np.maximum(np.linalg.norm(nrm, axis=-1, keepdims=True), 1e-6)
        n, rows = len(tubes), len(_RINGS)
        out = np.empty((n, rows, _SEGMENTS, VERTEX_FLOATS), np.float32)
        out[..., 0:3], out[..., 3:6] = pos, nrm
        flat_values = np.array([[*q.cloth.color, *q.cloth.second] for q in tubes], np.float32)
        out[..., 6:12] = flat_values[:, None, None]
        out[..., 12] = phi * radii.mean(1)[:, None, None]
        out[..., 13] = along[:, :, None]
        tail = np.array([[PATTERNS[q.cloth.pattern], q.cloth.scale, q.gloss, q.ident] for q in tubes], np.float32)
        out[..., 14:18] = tail[:, None, None]
        base = _turned_index(rows, _SEGMENTS)
        index = base[None] + (np.arange(n, dtype=np.int32) * rows * _SEGMENTS)[:, None, None] + self._count
        self._vertices.append(out.reshape(-1, VERTEX_FLOATS))
        self._indices.append(index.reshape(-1, 3).astype(np.int32))
        self._count += n * rows * _SEGMENTS
