"""The body of a dressed person as triangles: limbs, torso, skirt, ears, tied hair, glasses, brims."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from synthetic.hair import tied_parts
from synthetic.head_mesh import HEAD_UNIT_M
from synthetic.identity import RGB, Identity
from synthetic.mesh_batch import MeshBatch
from synthetic.outfit import Cloth, Outfit
from synthetic.pose import Pose, Skeleton
from synthetic.types import F32

Point = tuple[float, float, float]
PART_HEAD: Final = 1
PART_FACE: Final = 2
PART_BODY: Final = 3


@dataclass(frozen=True, slots=True)
class Actor:
    """One person in one frame."""

    person: Identity
    outfit: Outfit
    pose: Pose
    chair: bool = False


def part_id(slot: int, part: int) -> float:
    """Code of a pixel of person `slot` (0-based) in the id buffer, as the shader writes it (0..1)."""
    return (slot * 4 + part) / 255.0


def plain(color: RGB) -> Cloth:
    """Return an unpatterned surface."""
    return Cloth(color, color, "plain", 0.1)


def add_body(batch: MeshBatch, actor: Actor, bones: Skeleton, slot: int, eyes: F32) -> None:
    """Add everything of a person except head and hair meshes; `eyes` float32[2, 3] are eye points in head units."""
    ident, head_ident = part_id(slot, PART_BODY), part_id(slot, PART_HEAD)
    _arms(batch, actor, bones, ident)
    _legs(batch, actor, bones, ident)
    _torso(batch, actor, bones, ident)
    _head_parts(batch, actor, bones, head_ident, eyes)


def _arms(batch: MeshBatch, actor: Actor, b: Skeleton, ident: float) -> None:
    person, outfit = actor.person, actor.outfit
    h, thick = person.build.height_m, person.build.limb_width
    skin = plain(person.skin.color)
    top = _sleeve_cloth(outfit.top)
    r_up, r_el, r_wr = 0.0265 * h * thick, 0.0215 * h * thick, 0.0155 * h * thick
    loose = 1.12 * outfit.loose
    for shoulder, elbow, wrist in zip(b.shoulders, b.elbows, b.wrists, strict=True):
        hand = wrist + (wrist - elbow) / np.linalg.norm(wrist - elbow) * 0.045 * h
        batch.tube(wrist, hand, 0.018 * h, 0.015 * h, skin, ident, side=b.forward, aspect=0.5)
        if outfit.sleeve >= 1:
            batch.tube(shoulder, elbow, r_up * loose * 1.1, r_el * loose, top, ident, side=b.forward)
            batch.tube(elbow, wrist, r_el * loose, r_wr * loose * 1.15, top, ident, side=b.forward)
            continue
        batch.tube(shoulder, elbow, r_up, r_el, skin, ident, side=b.forward)
        batch.tube(elbow, wrist, r_el, r_wr, skin, ident, side=b.forward)
        if outfit.sleeve > 0:
            end = shoulder + (elbow - shoulder) * (0.25 + outfit.sleeve)
            batch.tube(shoulder, end, r_up * loose * 1.15, r_up * loose * 1.1, top, ident, side=b.forward)


def _sleeve_cloth(top: Cloth) -> Cloth:
    return plain(top.color) if top.pattern in ("jacket", "print") else top


def _legs(batch: MeshBatch, actor: Actor, b: Skeleton, ident: float) -> None:
    person, outfit = actor.person, actor.outfit
    h, thick = person.build.height_m, person.build.limb_width
    skin, cloth = plain(person.skin.color), outfit.bottom
    radii = (0.050 * h * thick, 0.034 * h * thick, 0.022 * h * thick)
    loose = 1.06 * outfit.loose
    for hip, knee, ankle, toe in zip(b.hips, b.knees, b.ankles, b.toes, strict=True):
        batch.tube(
            ankle - b.forward * 0.012 * h,
            toe,
            0.026 * h,
            0.020 * h,
            plain(outfit.shoes),
            ident,
            side=b.side,
            aspect=0.85,
            gloss=0.4,
        )
        if outfit.leg >= 1:
            batch.tube(hip, knee, radii[0] * loose, radii[1] * loose * 1.08, cloth, ident, side=b.forward)
            batch.tube(knee, ankle, radii[1] * loose * 1.08, radii[2] * loose * 1.35, cloth, ident, side=b.forward)
            continue
        batch.tube(hip, knee, radii[0], radii[1], skin, ident, side=b.forward)
        batch.tube(knee, ankle, radii[1], radii[2], skin, ident, side=b.forward)
        if outfit.leg > 0:
            end = hip + (knee - hip) * 0.85
            batch.tube(hip, end, radii[0] * loose * 1.05, radii[1] * loose * 1.35, cloth, ident, side=b.forward)


def add_chair(batch: MeshBatch, actor: Actor, bones: Skeleton) -> None:
    """Add the chair under a seated person: seat, back and four legs, as things (id 0)."""
    seat_y = float(bones.pelvis[1]) - 0.055 * actor.person.build.height_m
    wood = plain((0.34, 0.23, 0.15))
    turn = np.stack([bones.side, np.array([0, 1, 0], np.float32), bones.forward], 1)

    def at(x: float, y: float, z: float) -> F32:
        floor = np.array([bones.pelvis[0], 0, bones.pelvis[2]], np.float32)
        return np.asarray(floor + turn @ np.array([x, y, z], np.float32), dtype=np.float32)

    batch.box(at(0, seat_y - 0.02, 0.08), (0.23, 0.02, 0.22), wood, turn)
    batch.box(at(0, seat_y + 0.24, -0.16), (0.22, 0.16, 0.015), wood, turn)
    for x in (-0.2, 0.2):
        for z in (-0.14, 0.26):
            top = seat_y + 0.4 if z < 0 else seat_y
            batch.box(at(x, top / 2, z), (0.018, top / 2, 0.018), wood, turn)


# Torso sections: place along pelvis->neck, half width, half depth (of body height), what widens it.
_TORSO: Final = np.array(
    [
        [-0.02, 0.093, 0.066],
        [0.08, 0.096, 0.068],
        [0.20, 0.088, 0.065],
        [0.34, 0.083, 0.062],
        [0.50, 0.094, 0.066],
        [0.66, 0.104, 0.070],
        [0.80, 0.110, 0.064],
        [0.90, 0.098, 0.054],
        [0.97, 0.070, 0.044],
        [1.03, 0.040, 0.036],
        [1.06, 0.026, 0.026],
    ],
    dtype=np.float32,
)
# Ends inside the torso, and tapers fast enough to stay between the thighs.
_PELVIS: Final = np.array(
    [
        [-0.25, 0.02, 0.014],
        [-0.20, 0.05, 0.030],
        [-0.12, 0.084, 0.046],
        [-0.06, 0.098, 0.056],
        [-0.01, 0.097, 0.063],
        [0.03, 0.088, 0.060],
    ],
    dtype=np.float32,
)


def _torso(batch: MeshBatch, actor: Actor, b: Skeleton, ident: float) -> None:
    person, outfit, build = actor.person, actor.outfit, actor.person.build
    h = build.height_m
    axis = b.neck - b.pelvis
    t = _TORSO[:, 0]
    low = np.clip(1 - t / 0.25, 0, 1)
    high = np.clip((t - 0.45) / 0.2, 0, 1)
    mid = 1 - low - high
    width = (
        _TORSO[:, 1]
        * h
        * (low * build.hips + mid * build.belly**0.8 + high * build.shoulders)
        * (0.96 + 0.06 * outfit.loose)
    )
    depth = (
        _TORSO[:, 2]
        * h
        * (low * build.belly**0.6 + mid * build.belly + high * build.belly**0.4)
        * (0.96 + 0.06 * outfit.loose)
    )
    centres = b.pelvis + axis * t[:, None]
    front = np.exp(-(((t - 0.28) / 0.2) ** 2)) * (build.belly - 1) * 0.05 * h
    if person.sex == "female":
        front = front + np.exp(-(((t - 0.64) / 0.1) ** 2)) * 0.012 * h
    centres = (centres + b.forward * front[:, None]).astype(np.float32)
    batch.loft(
        centres,
        width + 0.004,
        depth + 0.004 + np.abs(front).astype(np.float32) * 0.4,
        b.side,
        b.forward,
        outfit.top,
        ident,
    )
    seat = b.pelvis + axis * _PELVIS[:, :1]
    batch.loft(
        seat.astype(np.float32),
        _PELVIS[:, 1] * h * build.hips,
        _PELVIS[:, 2] * h * build.belly**0.6,
        b.side,
        b.forward,
        outfit.bottom,
        ident,
    )
    if outfit.skirt_m > 0:
        _skirt(batch, actor, b, ident)
    head_centre, up = b.head[:3, 3], b.head[:3, 1] / HEAD_UNIT_M
    batch.tube(
        b.neck - axis * 0.06,
        head_centre - up * 0.045,
        0.036 * h * build.neck,
        0.031 * h * build.neck,
        plain(person.skin.color),
        ident,
        side=b.side,
    )


def _skirt(batch: MeshBatch, actor: Actor, b: Skeleton, ident: float) -> None:
    h, outfit, build = actor.person.build.height_m, actor.outfit, actor.person.build
    t = np.linspace(0, 1, 6, dtype=np.float32)[::-1]
    knees = (b.knees[0] + b.knees[1]) / 2
    thigh = float(np.linalg.norm(knees - b.pelvis))
    fall = (knees - b.pelvis) / max(thigh, 1e-3)
    reach = min(outfit.skirt_m, 0.40 * h) * (1 - 0.35 * actor.pose.sit)
    centres = b.pelvis + axis_up(b) * 0.03 * h + fall * (t * reach)[:, None]
    width = 0.094 * h * build.hips * (1 + t * 0.28)
    depth = 0.070 * h * build.belly**0.6 * (1 + t * (0.45 + 0.9 * actor.pose.stride))
    batch.loft(
        centres.astype(np.float32),
        width.astype(np.float32),
        depth.astype(np.float32),
        b.side,
        b.forward,
        outfit.bottom,
        ident,
        lined=True,
    )


def axis_up(b: Skeleton) -> F32:
    """Unit vector along the spine."""
    axis = b.neck - b.pelvis
    return np.asarray(axis / np.linalg.norm(axis), dtype=np.float32)


def _head_parts(batch: MeshBatch, actor: Actor, b: Skeleton, ident: float, eyes: F32) -> None:
    person, outfit = actor.person, actor.outfit
    right, up, out = (b.head[:3, k] / HEAD_UNIT_M for k in range(3))
    skin = plain(person.skin.color)

    def world(p: Point | F32) -> F32:
        return np.asarray(b.head[:3, :3] @ np.asarray(p, np.float32) + b.head[:3, 3], dtype=np.float32)

    s = person.shape
    half = 0.15 + 0.022 * s.ear_size
    for sign in (-1.0, 1.0):
        x = sign * (0.655 + 0.028 * s.head_width + 0.02 * s.ear_out)
        batch.tube(
            world((x, -0.02 + half, -0.12)),
            world((x, 0.02 - half, -0.05)),
            0.088 * HEAD_UNIT_M,
            0.065 * HEAD_UNIT_M,
            skin,
            ident,
            side=out,
            aspect=0.45,
        )
    hair = plain(person.hair.color)
    for p0, p1, r0, r1 in tied_parts(outfit.hair_style, person.hair.length):
        batch.tube(world(p0), world(p1), r0 * HEAD_UNIT_M, r1 * HEAD_UNIT_M, hair, ident, side=right, gloss=0.3)
    if outfit.glasses != "none":
        _glasses(batch, outfit, eyes, world, (right, up, out), ident)
    if outfit.hat == "cap":
        batch.tube(
            world((0, 0.62, 0.72)),
            world((0, 0.52, 1.12)),
            0.52 * HEAD_UNIT_M,
            0.45 * HEAD_UNIT_M,
            plain(outfit.hat_color),
            ident,
            side=right,
            aspect=0.08,
        )
    if outfit.hat == "brim":
        batch.tube(
            world((0, 0.50, -0.40)),
            world((0, 0.46, 0.25)),
            1.05 * HEAD_UNIT_M,
            1.05 * HEAD_UNIT_M,
            plain(outfit.hat_color),
            ident,
            side=right,
            aspect=0.05,
        )


def _glasses(
    batch: MeshBatch,
    outfit: Outfit,
    eyes: F32,
    world: Callable[[Point | F32], F32],
    axes: tuple[F32, F32, F32],
    ident: float,
) -> None:
    right, up, _ = axes
    frame = plain(outfit.glasses_color)
    square = 0.0 if outfit.glasses == "round" else 1.0
    size = (0.185, 0.165 if outfit.glasses != "square" else 0.125)
    z = float(eyes[:, 2].max()) + 0.13
    for k, sign in ((0, -1.0), (1, 1.0)):
        centre = (sign * (abs(float(eyes[k, 0])) + 0.01), float(eyes[k, 1]) - 0.01, z)
        batch.ring(
            world(centre),
            right,
            up,
            (size[0] * HEAD_UNIT_M, size[1] * HEAD_UNIT_M),
            0.016 * HEAD_UNIT_M,
            square,
            frame,
            ident,
        )
        if outfit.glasses == "sun":
            inner, outer = (centre[0] - 0.03, centre[1], z), (centre[0] + 0.03, centre[1], z)
            batch.tube(
                world(inner),
                world(outer),
                0.15 * HEAD_UNIT_M,
                0.15 * HEAD_UNIT_M,
                plain((0.05, 0.05, 0.06)),
                ident,
                side=up,
                aspect=0.12,
                gloss=0.9,
            )
        hinge = (sign * (abs(centre[0]) + size[0]), centre[1] + 0.03, z)
        batch.tube(
            world(hinge),
            world((sign * 0.70, centre[1] + 0.04, -0.05)),
            0.014 * HEAD_UNIT_M,
            0.014 * HEAD_UNIT_M,
            frame,
            ident,
            side=up,
        )
    gap = abs(float(eyes[0, 0])) + 0.01 - size[0]
    batch.tube(
        world((-gap, float(eyes[0, 1]) + 0.02, z)),
        world((gap, float(eyes[0, 1]) + 0.02, z)),
        0.014 * HEAD_UNIT_M,
        0.014 * HEAD_UNIT_M,
        frame,
        ident,
        side=up,
    )
