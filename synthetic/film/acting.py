"""How a role looks at one moment: walking, standing, turning, blinking, gesturing, speaking."""

import numpy as np

from synthetic.film.blocking import Role
from synthetic.identity import Identity
from synthetic.pose import Pose
from synthetic.types import F32

_STRIDE_OF_HEIGHT = 0.78


def pose_at(role: Role, person: Identity, t: float, mouth: float, loudness: float) -> Pose:
    """Return the pose of a role `t` seconds into its shot.

    Args:
        role: what the person does.
        person: who.
        t: seconds from the start of the shot.
        mouth: opening of the jaw by speech, 0..1.
        loudness: slow envelope of the speech, 0..1, which drives the gestures.
    """
    wave = 2 * np.pi * (t + role.offset) / role.period_s
    breath = float(np.sin(wave))
    x, z, heading, phase, stride = _way(role, person, t)
    if role.action != "walk":
        heading += 0.04 * float(np.sin(0.7 * wave + 1))
    chew = 0.12 * (0.5 + 0.5 * np.sin(2 * np.pi * 1.6 * t)) if role.chews and mouth < 0.02 else 0.0
    beat = float(np.sin(3.1 * t + role.offset)) * loudness * role.gesture
    return Pose(
        x=x,
        z=z,
        heading=heading,
        head_yaw=role.look + role.swing * float(np.sin(0.8 * wave)) + 0.05 * beat,
        head_pitch=0.03 + 0.05 * breath + 0.06 * loudness * float(np.sin(5 * t)),
        head_roll=0.04 * float(np.sin(0.5 * wave)),
        phase=phase,
        stride=stride,
        lean=0.03 + 0.012 * breath,
        sit=role.sit,
        arm_left=0.12 + 0.25 * max(beat, 0.0) + 0.5 * role.sit,
        arm_right=0.12 + 0.45 * role.gesture * loudness + 0.2 * beat + 0.5 * role.sit,
        elbow_left=0.25 + 0.6 * role.sit,
        elbow_right=0.25 + 0.9 * role.gesture * loudness + 0.6 * role.sit,
        mouth_open=float(np.clip(max(mouth, chew), 0, 1)),
        blink=_blink(role, t),
        smile=role.smile,
        gaze_x=0.3 * float(np.sin(0.43 * wave)),
        gaze_y=0.1 * float(np.sin(0.31 * wave)),
    )


def jaw_track(envelope: F32) -> F32:
    """Turn a speech envelope (RMS per frame, float32[N], any scale) into jaw openings float32[N] in 0..1."""
    peak = float(np.percentile(envelope, 98)) if envelope.size else 0.0
    if peak <= 1e-6:
        return np.zeros_like(envelope)
    return np.asarray(np.clip((envelope / peak - 0.08) * 1.05, 0, 1) ** 0.75, dtype=np.float32)


def _way(role: Role, person: Identity, t: float) -> tuple[float, float, float, float, float]:
    """Place, heading, walk phase and stride at time t."""
    if role.action == "walk":
        way = role.speed * t
        phase = 2 * np.pi * way / (_STRIDE_OF_HEIGHT * person.build.height_m) + role.offset
        return (
            role.x + way * float(np.sin(role.heading)),
            role.z + way * float(np.cos(role.heading)),
            role.heading,
            float(phase),
            0.68,
        )
    if role.action == "turn":
        start, end = role.turn_s
        s = float(np.clip((t - start) / (end - start), 0, 1))
        s = s * s * (3 - 2 * s)
        return (
            role.x,
            role.z,
            role.heading + (role.heading_to - role.heading) * s,
            4 * s,
            0.25 * float(np.sin(np.pi * s)),
        )
    return role.x, role.z, role.heading, 0.0, 0.0


def _blink(role: Role, t: float) -> float:
    beat = (t + 1.7 * role.offset) % (2.2 + 0.5 * role.period_s)
    return float(max(0.0, 1 - abs(beat - 0.09) / 0.09))
