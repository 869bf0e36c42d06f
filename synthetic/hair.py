"""Hair: a shell over the head grid, thick where hair grows and sunk into the skull elsewhere; long hair hangs down."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from synthetic.head_mesh import Grid, layout, surface_normals
from synthetic.identity import Identity
from synthetic.types import F32


@dataclass(frozen=True, slots=True)
class Style:
    """A family of hair styles; thicknesses and lengths in head units.

    `fringe` lowers the front hairline (radians), `hang` is the length below the ears (0 = none),
    `opening` the azimuth where hanging hair begins, `tie` is "", "pony", "bun" or "half".
    """

    top: float
    side: float
    fringe: float = 0.0
    hang: float = 0.0
    opening: float = 1.25
    tie: str = ""
    curl: float = 0.0
    lift: float = 0.0
    parting: float = 0.0


STYLES: Final[dict[str, Style]] = {
    "bald": Style(top=-0.05, side=-0.05),
    "buzz": Style(top=0.018, side=0.014),
    "short": Style(top=0.10, side=0.05),
    "pixie": Style(top=0.12, side=0.08, fringe=0.22),
    "side": Style(top=0.14, side=0.05, fringe=0.10, parting=1.0),
    "quiff": Style(top=0.13, side=0.035, lift=0.20),
    "fringe": Style(top=0.12, side=0.07, fringe=0.38),
    "curly": Style(top=0.26, side=0.22, curl=1.0),
    "bob": Style(top=0.11, side=0.12, hang=0.75, opening=1.15, parting=0.7),
    "long": Style(top=0.10, side=0.10, hang=1.7, opening=1.22, parting=0.7),
    "fringe_long": Style(top=0.12, side=0.11, fringe=0.40, hang=1.5, opening=1.18),
    "halfup": Style(top=0.09, side=0.08, hang=0.9, opening=1.35, tie="half"),
    "ponytail": Style(top=0.07, side=0.05, tie="pony"),
    "bun": Style(top=0.07, side=0.05, tie="bun"),
}


def hairline_elevation(azimuth: F32, base: float, recede: float) -> F32:
    """Elevation of the hairline for each azimuth: forehead, temples, sideburns, behind the ears, nape."""
    knots = np.array([0.0, 0.45, 0.80, 1.02, 1.20, 1.42, 1.75, 3.2])
    back = 0.22 * min(recede, 1.5)
    front = base - 0.02
    values = np.array([front + 0.5 * back, front + back, front - 0.12 + back, 0.30, -0.02, 0.05, -0.62, -0.72])
    return np.asarray(np.interp(np.abs(azimuth), knots, values), dtype=np.float32)


def hair_surface(person: Identity, style_name: str, head: F32, g: Grid) -> tuple[F32, F32, F32]:
    """Build the hair of a style on a head.

    Args:
        person: whose hair.
        style_name: a key of `STYLES`.
        head: float32[R, C, 3] head surface in head units, on the grid `g`.
        g: the grid.

    Returns:
        positions float32[R, C, 3], normals float32[R, C, 3], mask float32[R, C] (> 0.5 where hair is drawn).
    """
    style, a, e = STYLES[style_name], g.azimuth, g.elevation
    line = hairline_elevation(a, layout(person.shape).hairline, person.hair.recede)
    front = np.clip((0.95 - np.abs(a)) / 0.25, 0, 1)
    line = line - style.fringe * front * (1 + 0.25 * np.sin(a * 2 + person.hair.part))
    grown = np.clip((e - line) / 0.10 + 0.5, 0, 1)
    thick = _thickness(person, style, a, e)
    direction = head / np.maximum(np.linalg.norm(head, axis=-1, keepdims=True), 1e-6)
    offset = np.where(grown > 0.5, thick * np.clip(grown * 2 - 1, 0.35, 1), -0.05)
    points = head + direction * offset[..., None].astype(np.float32)
    mask = grown.astype(np.float32)
    if style.hang > 0:
        points, mask = _hang(person, style, points, mask, g)
    points = points.astype(np.float32)
    return points, surface_normals(points), mask


def _thickness(person: Identity, style: Style, a: F32, e: F32) -> F32:
    volume = 0.75 + 0.6 * person.hair.volume
    upness = np.clip((e + 0.1) / 0.9, 0, 1)
    thick = (style.side + (style.top - style.side) * upness) * volume
    thick = thick + style.lift * np.exp(-((a / 0.8) ** 2) - ((e - 0.95) / 0.25) ** 2) * volume
    sweep = np.sign(person.hair.part) * style.parting
    thick = thick + 0.05 * sweep * np.tanh(3 * (np.sin(a) - 0.35 * person.hair.part)) * np.exp(
        -(((e - 0.95) / 0.4) ** 2)
    )
    curl = style.curl + (0.35 * person.hair.curl if style.top > 0.05 else 0)
    wave = np.sin(9 * a + 2.1 * np.sin(5 * e)) * np.sin(11 * e + 1.3 * np.cos(4 * a))
    return np.asarray(thick * (1 + 0.20 * curl * wave), dtype=np.float32)


def _hang(person: Identity, style: Style, points: F32, mask: F32, g: Grid) -> tuple[F32, F32]:
    """Let the rows below the ears fall straight down instead of following the skull."""
    a, e = g.azimuth, g.elevation
    start = -0.02
    row = int(np.searchsorted(e[:, 0], start))
    ring = points[row]
    below = np.clip((start - e) / (np.pi / 2 + start), 0, 1)
    length = style.hang * (0.7 + 0.7 * person.hair.length)
    wave = 1 + 0.06 * person.hair.curl * np.sin(14 * below + 5 * a) + 0.10 * person.hair.volume * np.sin(np.pi * below)
    hanging = np.stack(
        [ring[None, :, 0] * wave, ring[None, :, 1] - length * below, ring[None, :, 2] * wave - 0.1 * below], -1
    )
    behind = np.clip((np.abs(a) - style.opening) / 0.12 + 0.5, 0, 1)
    use = (e < start) & (behind > 0.3)
    out = np.where(use[..., None], hanging, points).astype(np.float32)
    end = np.clip((1 - below) / 0.06, 0, 1)
    return out, np.where(e < start, np.minimum(behind, end), mask).astype(np.float32)


def tied_parts(
    style_name: str, length: float
) -> tuple[tuple[tuple[float, float, float], tuple[float, float, float], float, float], ...]:
    """Tapered tubes (start, end, radius, radius; head units) of a bun or tail; empty when nothing is tied."""
    tie = STYLES[style_name].tie
    if tie == "bun":
        return (((0.0, 0.55, -0.98), (0.0, 0.72, -1.08), 0.27, 0.24),)
    if tie == "pony":
        drop = -0.3 - 0.9 * length
        return (
            ((0.0, 0.42, -0.90), (0.0, 0.40, -1.20), 0.15, 0.20),
            ((0.0, 0.42, -1.20), (0.0, drop, -1.12), 0.20, 0.09),
        )
    if tie == "half":
        return (((0.0, 0.48, -0.92), (0.0, -0.2, -1.12), 0.14, 0.10),)
    return ()
