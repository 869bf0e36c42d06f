"""A person at one instant: where they stand, how their limbs lie, and the joints that follow from it."""

from dataclasses import dataclass

import numpy as np

from synthetic.head_mesh import HEAD_UNIT_M
from synthetic.identity import Identity
from synthetic.types import F32


@dataclass(frozen=True, slots=True)
class Pose:
    """State of one body. Metres and radians; angles are relative to the body, `heading` 0 looks along +z.

    `phase`/`stride` drive the walk (stride 0 = standing), `sit` 0..1, `arm_*` raise an arm forwards and bend its elbow,
    `mouth_open`, `blink`, `smile` are 0..1 (smile may be negative), `gaze_x`, `gaze_y` turn the eyes. The mouth as
    a viseme: `mouth_open` is the jaw, `mouth_wide` goes from -1 (rounded, o u) over 0 to 1 (spread, i e), `mouth_press`
    from 0 to 1 (lips closed tight, m b p).
    """

    x: float
    z: float
    heading: float
    head_yaw: float = 0.0
    head_pitch: float = 0.0
    head_roll: float = 0.0
    phase: float = 0.0
    stride: float = 0.0
    lean: float = 0.0
    sit: float = 0.0
    arm_left: float = 0.0
    arm_right: float = 0.0
    elbow_left: float = 0.15
    elbow_right: float = 0.15
    mouth_open: float = 0.0
    blink: float = 0.0
    smile: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0
    mouth_wide: float = 0.0
    mouth_press: float = 0.0


@dataclass(frozen=True, slots=True)
class Skeleton:
    """World joints (float32[3] each, metres); `head` is float32[4, 4] from head units to the world."""

    pelvis: F32
    chest: F32
    neck: F32
    head: F32
    side: F32
    forward: F32
    shoulders: tuple[F32, F32]
    elbows: tuple[F32, F32]
    wrists: tuple[F32, F32]
    hips: tuple[F32, F32]
    knees: tuple[F32, F32]
    ankles: tuple[F32, F32]
    toes: tuple[F32, F32]


def rotation(yaw: float, pitch: float, roll: float) -> F32:
    """Rotation float32[3, 3]: roll about z, then pitch about x (positive looks down), then yaw about y."""
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    ry = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rx = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    rz = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(ry @ rx @ rz, dtype=np.float32)


def head_height_m(person: Identity) -> float:
    """Height of the centre of the head above the floor when the person stands upright."""
    return person.build.height_m - HEAD_UNIT_M * (1 + 0.03 * person.shape.head_size) * 1.02


def solve(person: Identity, pose: Pose) -> Skeleton:
    """Turn a pose into joints."""
    h, build = person.build.height_m, person.build
    turn = rotation(pose.heading, 0.0, 0.0)
    side, up, forward = turn[:, 0], turn[:, 1], turn[:, 2]
    bob = 0.012 * h * pose.stride * np.cos(2 * pose.phase)
    drop = 0.27 * h * pose.sit
    root = np.array([pose.x, 0.0, pose.z], dtype=np.float32)
    pelvis = root + up * (0.525 * h - drop + bob)
    lean = forward * np.sin(pose.lean) + up * np.cos(pose.lean)
    chest = pelvis + lean * 0.285 * h
    neck = pelvis + lean * 0.325 * h
    shoulder_half = 0.097 * h * build.shoulders
    swing = 0.55 * pose.stride * np.sin(pose.phase)
    shoulders, elbows, wrists = [], [], []
    for sign, raise_, bend, gait in (
        (1, pose.arm_left, pose.elbow_left, -swing),
        (-1, pose.arm_right, pose.elbow_right, swing),
    ):
        shoulder = chest + side * (sign * shoulder_half) + lean * (-0.018 * h)
        upper = _swing(lean, forward, raise_ + gait * 0.8) + side * (sign * (0.12 + 0.10 * (build.belly - 1)))
        elbow = shoulder + _unit(upper) * 0.170 * h
        lower = _swing(lean, forward, raise_ + gait * 0.8 + bend + 0.2 * pose.stride) - side * (
            sign * 0.25 * min(bend, 1.0)
        )
        wrist = elbow + _unit(lower) * 0.150 * h
        shoulders.append(shoulder)
        elbows.append(elbow)
        wrists.append(wrist)
    hips, knees, ankles, toes = [], [], [], []
    for sign, phase in ((1, pose.phase), (-1, pose.phase + np.pi)):
        hip = pelvis + side * (sign * 0.052 * h * build.hips) - up * 0.01 * h
        thigh = 0.5 * pose.stride * np.sin(phase) + 1.45 * pose.sit
        bend = pose.stride * (0.35 + 0.45 * np.sin(phase - 1.9)) + 1.45 * pose.sit + 0.02
        knee = hip + _swing(up, forward, thigh) * 0.245 * h
        ankle = knee + _swing(up, forward, thigh - bend) * 0.235 * h
        ankle[1] = max(float(ankle[1]), 0.035 * h)
        hips.append(hip)
        knees.append(knee)
        ankles.append(ankle)
        toes.append(ankle + forward * 0.10 * h + side * (sign * 0.02 * h) - up * 0.022 * h)
    return Skeleton(
        pelvis=pelvis,
        chest=chest,
        neck=neck,
        head=_head_matrix(person, pose, neck, lean),
        side=side,
        forward=forward,
        shoulders=(shoulders[0], shoulders[1]),
        elbows=(elbows[0], elbows[1]),
        wrists=(wrists[0], wrists[1]),
        hips=(hips[0], hips[1]),
        knees=(knees[0], knees[1]),
        ankles=(ankles[0], ankles[1]),
        toes=(toes[0], toes[1]),
    )


def _swing(up: F32, forward: F32, angle: float) -> F32:
    return np.asarray(-up * np.cos(angle) + forward * np.sin(angle), dtype=np.float32)


def _unit(v: F32) -> F32:
    return np.asarray(v / np.linalg.norm(v), dtype=np.float32)


def _head_matrix(person: Identity, pose: Pose, neck: F32, lean: F32) -> F32:
    turn = rotation(pose.heading + pose.head_yaw, pose.head_pitch + 0.3 * pose.lean, pose.head_roll)
    standing_neck = 0.85 * person.build.height_m
    rise = head_height_m(person) - standing_neck
    out = np.eye(4, dtype=np.float32)
    out[:3, :3] = turn * HEAD_UNIT_M
    out[:3, 3] = neck + lean * rise * 0.9 + turn[:, 1] * rise * 0.1 + turn[:, 2] * 0.012
    return out
