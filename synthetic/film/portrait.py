"""Query pictures: studio portraits of each person, under other light and in other clothes than in the film."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from synthetic.body import Actor
from synthetic.camera import Camera
from synthetic.identity import Identity
from synthetic.outfit import make_outfit
from synthetic.pose import Pose, head_height_m
from synthetic.renderer import Renderer
from synthetic.room import Light, make_room
from synthetic.types import U8, generator

PORTRAIT_PX: Final = 512
_SUPERSAMPLE: Final = 2
_FACE_SHARE: Final = 0.44
_DISTANCE_M: Final = 1.5
_FACE_WIDTH_M: Final = 0.15
_WARDROBE: Final = 5_000_011


def portrait_renderer() -> Renderer:
    """Return a renderer for `draw_portrait`."""
    size = PORTRAIT_PX * _SUPERSAMPLE
    return Renderer(width=size, height=size, skin_px=512, keep=8)


def draw_portrait(renderer: Renderer, person: Identity, film_seed: int, number: int) -> U8:
    """Draw portrait `number` of a person: uint8[512, 512, 3] RGB, the face about half of the width."""
    rng = generator(person.cast_seed, person.index, 601, film_seed, number)
    outfit = make_outfit(person, _WARDROBE + film_seed, number)
    outfit = replace(outfit, hat="none", glasses="none" if outfit.glasses == "sun" else outfit.glasses)
    pose = Pose(
        0.0,
        0.0,
        float(rng.normal(0, 0.15)),
        head_yaw=float(rng.normal(0, 0.16)),
        head_pitch=float(rng.normal(0.02, 0.06)),
        smile=float(rng.uniform(-0.1, 0.7)),
        gaze_x=float(rng.normal(0, 0.15)),
    )
    size = PORTRAIT_PX * _SUPERSAMPLE
    height = head_height_m(person)
    focal = size * _FACE_SHARE * _DISTANCE_M / _FACE_WIDTH_M
    shift = float(rng.normal(0, 0.012))
    camera = Camera((shift, height + 0.02, _DISTANCE_M), (shift, height + 0.005, 0.0), focal, size, size)
    room = make_room(rng, 4.0, 2.0)
    drawn = renderer.draw(camera, room, _studio(rng), [Actor(person, outfit, pose)], vignette=0.25, cover=False)
    return np.asarray(cv2.resize(drawn.image, (PORTRAIT_PX, PORTRAIT_PX), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def write_portraits(cast: tuple[Identity, ...], film_seed: int, folder: Path, count: int = 2) -> list[dict[str, Any]]:
    """Write `count` portraits of everybody into `folder`; returns the queries of the truth file."""
    folder.mkdir(parents=True, exist_ok=True)
    queries = []
    with portrait_renderer() as renderer:
        for person in cast:
            for number in range(count):
                path = folder / f"portrait_{person.identity_id}_{number}.jpg"
                picture = draw_portrait(renderer, person, film_seed, number)
                cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])
                queries.append(
                    {"kind": "portrait", "identity_id": person.identity_id, "path": f"{folder.name}/{path.name}"}
                )
    return queries


def _studio(rng: np.random.Generator) -> Light:
    side = float(rng.choice([-1, 1]))
    angle = side * float(rng.uniform(0.3, 0.9))
    warm = float(rng.normal(0, 0.05))
    key = np.array([1 + warm, 1, 1 - warm]) * float(rng.uniform(0.7, 0.95))
    sky = float(rng.uniform(0.38, 0.5))
    return Light(
        key_direction=(float(np.sin(angle)) * 0.85, 0.5, float(np.cos(angle)) * 0.85),
        key=(float(key[0]), float(key[1]), float(key[2])),
        fill_direction=(-float(np.sin(angle)), 0.1, float(np.cos(angle))),
        fill=(0.2, 0.2, 0.21),
        sky=(sky, sky, sky),
        ground=(0.6 * sky, 0.58 * sky, 0.55 * sky),
        exposure=float(rng.uniform(0.9, 1.1)),
    )
