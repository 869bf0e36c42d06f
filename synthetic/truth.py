"""From what was drawn to ground truth: boxes, visibility and the direction of the head."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from synthetic.body import PART_FACE
from synthetic.camera import Camera
from synthetic.pose import Skeleton
from synthetic.renderer import Drawn
from synthetic.types import F32

FACE_YAW_LIMIT_DEG: Final = 75.0
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the truth says of one person in one frame.

    Boxes are x0, y0, x1, y1 in frame pixels, None when out of the frame (a face also when turned away); visibilities
    are 0..1; `in_frame` is the share of the person's box that lies inside the frame.
    """

    person: Box | None
    head: Box | None
    face: Box | None
    visibility: float
    face_visibility: float
    yaw_deg: float
    in_frame: float


def observe(camera: Camera, drawn: Drawn) -> list[Seen]:
    """Describe every person of a drawn frame (which must carry its coverage)."""
    return [_observe_one(camera, drawn, slot) for slot in range(len(drawn.outlines))]


def _observe_one(camera: Camera, drawn: Drawn, slot: int) -> Seen:
    yaw = head_yaw_deg(camera, drawn.bones[slot])
    outline = drawn.outlines[slot]
    person, in_frame = _box(camera, outline.body)
    head, _ = _box(camera, outline.head)
    face, _ = _box(camera, outline.face)
    visible, face_visible = _visibility(drawn, slot)
    if abs(yaw) > FACE_YAW_LIMIT_DEG or person is None:
        face = None
    return Seen(person, head, face, visible, face_visible if face else 0.0, yaw, in_frame)


def head_yaw_deg(camera: Camera, bones: Skeleton) -> float:
    """Angle in degrees by which the face turns from the camera, positive to the person's left; 180 = from behind."""
    toward = bones.head[:3, :3].T @ (np.asarray(camera.eye, np.float32) - bones.head[:3, 3])
    return float(np.degrees(np.arctan2(-toward[0], toward[2])))


def _box(camera: Camera, points: F32) -> tuple[Box | None, float]:
    """Return the box of projected points clipped to the frame, and the share of the unclipped box that lies inside."""
    at = camera.project(points)
    at = at[at[:, 2] > 0.1]
    if len(at) == 0:
        return None, 0.0
    x0, y0 = at[:, :2].min(0)
    x1, y1 = at[:, :2].max(0)
    left, top = max(float(x0), 0.0), max(float(y0), 0.0)
    right, bottom = min(float(x1), float(camera.width)), min(float(y1), float(camera.height))
    if right - left < 1 or bottom - top < 1:
        return None, 0.0
    area = max(float((x1 - x0) * (y1 - y0)), 1e-6)
    return (left, top, right, bottom), (right - left) * (bottom - top) / area


def _visibility(drawn: Drawn, slot: int) -> tuple[float, float]:
    if drawn.cover is None:
        raise ValueError("got a frame drawn without coverage; draw it with cover=True to observe visibility")
    alone = drawn.cover[..., slot]
    mine = drawn.ids >> 2 == slot
    seen_any = mine & (drawn.ids > 0)
    all_alone = int(np.count_nonzero(alone))
    visible = int(np.count_nonzero(seen_any)) / all_alone if all_alone else 0.0
    face_seen = drawn.ids == slot * 4 + PART_FACE
    # Where the person's own hair, hat or hand lies over the face is no occlusion by others.
    face_alone = int(np.count_nonzero((alone > 250) & ~(seen_any & ~face_seen)))
    face = int(np.count_nonzero(face_seen)) / face_alone if face_alone else 0.0
    return min(visible, 1.0), min(face, 1.0)
