"""What each person of a shot does: stand, turn, sit, cross, come, go; drawn to suit the kind of the shot."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from synthetic.film.view import View
from synthetic.identity import Identity

Waypoint = tuple[float, float, float]
"""Seconds from the start of the shot, and world x, z in metres."""

# Share of people who do what, by kind of shot; the rest stand and face the camera more or less.
_DOINGS: Final[dict[str, dict[str, float]]] = {
    "talk": {"away": 0.05, "turn": 0.08, "come": 0.07, "profile": 0.10},
    "medium": {"away": 0.14, "turn": 0.08, "come": 0.10, "go": 0.08, "profile": 0.12},
    "wide": {"cross": 0.34, "go": 0.15, "come": 0.13, "turn": 0.08, "away": 0.12, "profile": 0.06},
    "behind": {"go": 0.30, "away": 0.70},
    "crowd": {"cross": 0.20, "go": 0.10, "come": 0.08, "turn": 0.06, "away": 0.20, "profile": 0.14},
    "small": {"cross": 0.40, "go": 0.14, "come": 0.14, "away": 0.12, "profile": 0.05},
}
_MOVER_DOINGS: Final = {"away": 0.07, "profile": 0.13}
_MOVER_BEHIND: Final = {"away": 0.60, "profile": 0.15}
_CHEWS: Final = 0.22
_WALL_M: Final = 0.45


@dataclass(frozen=True, slots=True)
class Role:
    """What one person does in a shot. Metres, radians, seconds from the start of the shot.

    Somebody with a `path` walks along its waypoints, looks to `heading` before the first and to `heading_to` after the
    last; with `turn_s` somebody who stands turns from `heading` to `heading_to` in that time; `present` is when they
    are there at all. `smile` and `smile_to` are the smile at the start and the end; who does not chew has `chew_hz` 0.
    """

    person: int
    x: float
    z: float
    heading: float
    heading_to: float = 0.0
    turn_s: tuple[float, float] | None = None
    path: tuple[Waypoint, ...] = ()
    present: tuple[float, float] = (-1e9, 1e9)
    sit: float = 0.0
    look: float = 0.0
    swing: float = 0.15
    period_s: float = 4.0
    offset: float = 0.0
    smile: float = 0.0
    smile_to: float = 0.0
    chew_hz: float = 0.0
    chew_depth: float = 0.0
    gesture: float = 0.0


@dataclass(frozen=True, slots=True)
class Part:
    """What the script asks of a person in a shot: whether the face must be shown, and whether they speak."""

    person: int
    who: Identity
    shown: bool
    speaks: bool


def draw_role(
    rng: np.random.Generator, kind: str, seconds: float, view: View, spot: tuple[float, float], part: Part, sit: float
) -> Role:
    """Draw a role; `spot` is the place in the frame (-1..1) and the depth in metres."""
    role = _stand(rng, view, spot, part, sit)
    toward = view.toward(role.x, role.z)
    doing = _doing(rng, kind, part)
    speed = float(rng.uniform(0.9, 1.4)) * part.who.build.height_m / 1.7
    side = float(rng.choice([-1, 1]))
    if doing == "away":
        return replace(role, heading=toward + np.pi + float(rng.normal(0, 0.35)))
    if doing == "profile":
        return replace(role, heading=toward + side * float(rng.uniform(1.0, 1.7)))
    if doing == "turn":
        start = float(rng.uniform(0.2, 0.4)) * seconds
        back = toward + side * np.pi * float(rng.uniform(0.55, 1.0))
        ends = (back, role.heading) if rng.random() < 0.6 else (role.heading, back)
        return replace(role, heading=ends[0], heading_to=ends[1], turn_s=(start, start + float(rng.uniform(0.7, 1.2))))
    if doing == "cross":
        return _cross(rng, role, view, spot, speed * side)
    if doing == "come":
        return _come(rng, role, view, spot, speed, seconds)
    if doing == "go":
        return _go(rng, role, view, toward, speed, seconds)
    return role


def _doing(rng: np.random.Generator, kind: str, part: Part) -> str:
    chance = float(rng.random())
    if part.shown:
        return "stand"
    speaking = _MOVER_BEHIND if kind == "behind" else _MOVER_DOINGS
    for doing, share in (speaking if part.speaks else _DOINGS[kind]).items():
        if chance < share:
            return doing
        chance -= share
    return "stand"


def _stand(rng: np.random.Generator, view: View, spot: tuple[float, float], part: Part, sit: float) -> Role:
    """Stand and face the camera, more or less; silent people now and then chew, and smiles come and go."""
    x, z = view.place(*spot)
    steady = part.shown or part.speaks
    smile = float(rng.normal(0.15, 0.4))
    changes = float(rng.normal(0.1, 0.5)) if rng.random() < 0.4 else smile
    chews = rng.random() < _CHEWS and not part.speaks
    hz, depth = float(rng.uniform(1.4, 2.6)), float(rng.uniform(0.14, 0.42))
    return Role(
        person=part.person,
        x=x,
        z=z,
        heading=view.toward(x, z) + float(np.clip(rng.normal(0, 0.22 if steady else 0.42), -1.3, 1.3)),
        sit=sit,
        look=float(rng.normal(0, 0.08 if part.shown else 0.16)),
        swing=float(rng.uniform(0.05, 0.15 if part.shown else 0.35)),
        period_s=float(rng.uniform(2.5, 6)),
        offset=float(rng.uniform(0, 6)),
        smile=smile,
        smile_to=changes,
        chew_hz=hz if chews else 0.0,
        chew_depth=depth if chews else 0.0,
        gesture=float(rng.uniform(0, 1)),
    )


def _cross(rng: np.random.Generator, role: Role, view: View, spot: tuple[float, float], speed: float) -> Role:
    """Walk across the frame; the sign of `speed` is the side to which they go."""
    side = float(np.sign(speed))
    depth = spot[1] * float(rng.uniform(0.85, 1.15))
    start = view.place(-side * float(rng.uniform(0.75, 1.3)), depth)
    end = view.place(side * 1.3, depth * float(rng.uniform(0.85, 1.15)))
    # They have been walking for a second when the shot begins.
    return walk(role, [start, end], abs(speed), -1.0)


def _come(
    rng: np.random.Generator, role: Role, view: View, spot: tuple[float, float], speed: float, seconds: float
) -> Role:
    """Come from the side or from the back and stop at the spot."""
    if rng.random() < 0.6:
        side = float(np.sign(spot[0])) or 1.0
        start = view.place(side * 1.15, spot[1] * float(rng.uniform(0.9, 1.2)))
    else:
        start = view.place(spot[0] * 0.8, spot[1] + float(rng.uniform(1.5, 3.5)))
    here = (role.x, role.z)
    need = _distance(start, here) / speed
    # Who has far to go is on the way already when the shot begins.
    begins = float(rng.uniform(0.4, 0.7)) * seconds - need
    return walk(replace(role, heading_to=role.heading), [start, here], speed, begins)


def _go(rng: np.random.Generator, role: Role, view: View, toward: float, speed: float, seconds: float) -> Role:
    """Walk away from the camera, or stand for a while and then leave to the side."""
    here = (role.x, role.z)
    if rng.random() < 0.65:
        heading = toward + np.pi + float(rng.normal(0, 0.25))
        end = (role.x + 12 * float(np.sin(heading)), role.z + 12 * float(np.cos(heading)))
        return walk(replace(role, heading=heading), [here, end], 0.75 * speed, -1.0)
    right, forward = view.right(), view.forward()
    side = float(rng.choice([-1, 1]))
    end = (role.x + 9 * (side * right[0] + 0.2 * forward[0]), role.z + 9 * (side * right[1] + 0.2 * forward[1]))
    return walk(role, [here, end], speed, float(rng.uniform(0.35, 0.6)) * seconds)


def walk(role: Role, points: list[tuple[float, float]], speed: float, begins: float) -> Role:
    """Give a role the path through `points` at `speed` from second `begins` on; walkers do not sit."""
    path = [(begins, *points[0])]
    for start, end in pairwise(points):
        path.append((path[-1][0] + max(_distance(start, end), 0.01) / speed, *end))
    return replace(role, x=points[0][0], z=points[0][1], path=tuple(path), sit=0.0)


def keep_inside(role: Role, half_width: float, half_depth: float) -> Role:
    """Stop a path at the walls of a room of half sizes in metres, so that nobody walks through them."""
    w, d = half_width - _WALL_M, half_depth - _WALL_M
    points = [(t, float(np.clip(x, -w, w)), float(np.clip(z, -d, d))) for t, x, z in role.path]
    moved = replace(role, x=float(np.clip(role.x, -w, w)), z=float(np.clip(role.z, -d, d)), path=tuple(points))
    if not role.path:
        return moved
    # Clipping shortens the way; the pace stays.
    timed = [points[0]]
    for (t0, x0, z0), (t1, x1, z1), (_, x2, z2) in zip(role.path, role.path[1:], points[1:], strict=False):
        pace = _distance((x0, z0), (x1, z1)) / max(t1 - t0, 1e-6)
        timed.append((timed[-1][0] + max(_distance(timed[-1][1:], (x2, z2)), 0.01) / max(pace, 0.1), x2, z2))
    return replace(moved, path=tuple(timed), heading_to=role.heading_to or _direction(timed))


def _direction(path: list[Waypoint]) -> float:
    (_, x0, z0), (_, x1, z1) = path[-2:]
    return float(np.arctan2(x1 - x0, z1 - z0))


def _distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    return float(np.hypot(b[0] - a[0], b[1] - a[1]))
