"""A site filmed by fixed cameras: one plan of who walks where and when, seen by each camera in a corner of its own."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

import numpy as np

from synthetic.balance import camera_gains
from synthetic.camera import Camera
from synthetic.dress import dress_scene
from synthetic.film.blocking import Take
from synthetic.film.roles import Role, Waypoint
from synthetic.film.script import FilmSpec, Scene, Script, Shot
from synthetic.film.truth_file import Whereabouts
from synthetic.film.view import CameraMove, View
from synthetic.identity import make_identity
from synthetic.room import make_light, make_room
from synthetic.types import generator

MOST_AT_ONCE: Final = 8
_WARDROBE: Final = 3_000_017
_GAP_S: Final = (3.0, 12.0)
_PAUSE_S: Final = (1.0, 9.0)
_CLOCK_S: Final = 2.0
_OPENED: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody (cast number) passes before a camera: seconds from the start of the films, a seed for how."""

    person: int
    camera: int
    start_s: float
    end_s: float
    number: int


@dataclass(frozen=True, slots=True)
class SiteFilm:
    """What one camera of a site films."""

    script: Script
    take: Take
    where: Whereabouts


def plan_site(spec: FilmSpec, cameras: int) -> list[SiteFilm]:
    """Plan the films of a site: everybody wears one outfit and walks from camera to camera.

    Raises:
        ValueError: fewer than one camera.
    """
    if cameras < 1:
        raise ValueError(f"got {cameras} cameras, need at least 1")
    cast = tuple(make_identity(spec.cast_seed, k) for k in range(spec.identities))
    outfits = dress_scene(_WARDROBE + spec.seed, 0, cast)
    visits = plan_visits(spec, cameras)
    films = []
    for camera in range(cameras):
        mine = [visit for visit in visits if visit.camera == camera]
        people = tuple(sorted({visit.person for visit in mine}))
        shot = Shot(0, 0, "fixed", 0, spec.frames, people)
        script = Script(spec, cast, (Scene(camera, 0, spec.frames, outfits),), (shot,))
        films.append(SiteFilm(script, _take(script, shot, camera, mine), _whereabouts(spec, camera)))
    return films


def plan_visits(spec: FilmSpec, cameras: int) -> list[Visit]:
    """Send everybody through the site, from one camera to the next with gaps between; in order of person and time."""
    rng = generator(spec.cast_seed, spec.seed, 702)
    seconds = spec.minutes * 60
    visits: list[Visit] = []
    for person in (int(k) for k in rng.permutation(spec.identities)):
        # Some stay all the time, others come late or leave early.
        now = float(rng.uniform(-5, 0.2 * seconds))
        leaves = seconds * float(rng.uniform(0.6, 1.3))
        camera = int(rng.integers(cameras))
        while now < min(leaves, seconds - 3):
            end = now + float(rng.uniform(9, 24))
            visit = Visit(person, camera, round(now, 2), round(end, 2), len(visits))
            if _together(visits, visit) < MOST_AT_ONCE:
                visits.append(visit)
                now = end
            now += float(rng.uniform(*_GAP_S))
            camera = (camera + int(rng.choice([-1, 1]))) % cameras
    return sorted(visits, key=lambda visit: (visit.person, visit.start_s))


def _together(visits: list[Visit], new: Visit) -> int:
    return sum(v.camera == new.camera and v.start_s < new.end_s + 1 and new.start_s < v.end_s + 1 for v in visits)


def _whereabouts(spec: FilmSpec, camera: int) -> Whereabouts:
    rng = generator(spec.cast_seed, spec.seed, 703, camera)
    offset = round(float(rng.uniform(-_CLOCK_S, _CLOCK_S)), 3)
    clock = _OPENED + timedelta(days=spec.seed % 28, seconds=offset)
    return Whereabouts(
        camera_id=f"cam{camera}",
        site=f"site-{spec.cast_seed}-{spec.seed}",
        recorded_at=clock.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        clock_offset_s=offset,
    )


def _take(script: Script, shot: Shot, camera: int, visits: list[Visit]) -> Take:
    spec = script.spec
    rng = generator(spec.cast_seed, spec.seed, 701, camera)
    corner_m = (float(rng.uniform(9.5, 11)), float(rng.uniform(7.5, 9)))
    room, light = make_room(rng, *corner_m), make_light(rng)
    angle, focal = float(np.clip(rng.normal(0, 0.1), -0.2, 0.2)), float(rng.uniform(700, 950))
    view = View(float(rng.uniform(-1, 1)), corner_m[1] - 1.0, angle, focal)
    ahead = view.place(0.0, 6.0)
    eye = Camera((view.x, float(rng.uniform(2.1, 2.7)), view.z), (ahead[0], 1.05, ahead[1]), view.focal)
    roles = [_role(spec, visit, view) for visit in visits]
    return Take(
        shot=shot,
        roles=tuple(roles),
        room=room,
        light=light,
        camera=eye,
        move=CameraMove(),
        gains=camera_gains(rng),
        blur_px=float(rng.uniform(0.5, 0.9)),
        noise=float(rng.uniform(0.05, 0.3)),
        vignette=float(rng.uniform(0.2, 0.8)),
    )


def _role(spec: FilmSpec, visit: Visit, view: View) -> Role:
    """Come in at one side, stop once or twice, and leave."""
    rng = generator(spec.cast_seed, spec.seed, 704, visit.number)
    side = float(rng.choice([-1, 1]))
    depths = rng.uniform(3.2, 8.5, 4) * np.array([0.7, 1, 1, 0.7])
    points = [
        view.place(-side * 1.2, float(depths[0])),
        view.place(-side * float(rng.uniform(0.1, 0.75)), float(depths[1])),
        view.place(side * float(rng.uniform(0.1, 0.75)), float(depths[2])),
        view.place(side * (1.2 if rng.random() < 0.7 else -1.2), float(depths[3])),
    ]
    return Role(
        person=visit.person,
        x=points[0][0],
        z=points[0][1],
        heading=_way(points[0], points[1]),
        heading_to=_way(points[-2], points[-1]),
        present=(visit.start_s, visit.end_s),
        path=_timed(rng, view, points, visit),
        look=float(rng.normal(0, 0.15)),
        swing=float(rng.uniform(0.1, 0.4)),
        period_s=float(rng.uniform(2.5, 6)),
        offset=float(rng.uniform(0, 6)),
        smile=float(rng.normal(0.1, 0.3)),
        smile_to=float(rng.normal(0.1, 0.3)),
    )


def _timed(
    rng: np.random.Generator, view: View, points: list[tuple[float, float]], visit: Visit
) -> tuple[Waypoint, ...]:
    """Walk through the points in the time of the visit: as much rest as brisk walking leaves, some of it facing us."""
    lengths = [float(np.hypot(b[0] - a[0], b[1] - a[1])) for a, b in pairwise(points)]
    seconds = visit.end_s - visit.start_s
    pace = max(float(rng.uniform(0.9, 1.3)), sum(lengths) / seconds)
    spare = seconds - sum(lengths) / pace
    share = float(rng.uniform(0.2, 0.8))
    rests = (spare * share, spare * (1 - share))
    now = visit.start_s
    path: list[Waypoint] = [(now, *points[0])]
    for k, (x, z) in enumerate(points[1:]):
        now += lengths[k] / pace
        path.append((now, x, z))
        if k < 2 and rests[k] > 0.5:
            # A small step turns them to where they look while they rest.
            facing = view.toward(x, z) + float(rng.normal(0, 0.9))
            x, z = x + 0.05 * float(np.sin(facing)), z + 0.05 * float(np.cos(facing))
            path += [(now + 0.3, x, z), (now + rests[k], x, z)]
            now += rests[k]
    return tuple(path)


def _way(a: tuple[float, float], b: tuple[float, float]) -> float:
    return float(np.arctan2(b[0] - a[0], b[1] - a[1]))
