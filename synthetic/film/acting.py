"""How a role looks at one moment: walking, standing, turning, blinking, chewing, gesturing, speaking."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from synthetic.film.roles import Role
from synthetic.identity import Identity
from synthetic.pose import Pose

_STRIDE_OF_HEIGHT: Final = 0.78
_STRIDE: Final = 0.68
_STEP_IN_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class MouthShape:
    """A mouth at one instant: jaw 0..1, width -1 (rounded) .. 1 (spread), press 0..1, loudness 0..1 of the speech."""

    jaw: float = 0.0
    wide: float = 0.0
    press: float = 0.0
    loud: float = 0.0


CLOSED: Final = MouthShape()


@dataclass(frozen=True, slots=True)
class Gait:
    """Where somebody is and how they walk: place in metres, heading, phase and stride of the walk."""

    x: float
    z: float
    heading: float
    phase: float = 0.0
    stride: float = 0.0


def pose_at(role: Role, person: Identity, t: float, seconds: float, mouth: MouthShape) -> Pose:
    """Return the pose of a role.

    Args:
        role: what the person does.
        person: who.
        t: seconds from the start of the shot (a little before and after it for dissolves).
        seconds: length of the shot.
        mouth: what the speech does to the mouth and, by its loudness, to the gestures.
    """
    wave = 2 * np.pi * (t + role.offset) / role.period_s
    breath, loud = float(np.sin(wave)), mouth.loud
    gait = gait_at(role, person, t)
    sway = 0.04 * float(np.sin(0.7 * wave + 1)) if gait.stride == 0.0 else 0.0
    beat = float(np.sin(3.1 * t + role.offset)) * loud * role.gesture
    jaw, press = _chew(role, t) if role.chew_hz > 0 and mouth.jaw < 0.02 else (mouth.jaw, mouth.press)
    return Pose(
        x=gait.x,
        z=gait.z,
        heading=gait.heading + sway,
        head_yaw=role.look + role.swing * float(np.sin(0.8 * wave)) + 0.05 * beat,
        head_pitch=0.03 + 0.05 * breath + 0.06 * loud * float(np.sin(5 * t)),
        head_roll=0.04 * float(np.sin(0.5 * wave)),
        phase=gait.phase,
        stride=gait.stride,
        lean=0.03 + 0.012 * breath,
        sit=role.sit,
        arm_left=0.12 + 0.25 * max(beat, 0.0) + 0.5 * role.sit,
        arm_right=0.12 + 0.45 * role.gesture * loud + 0.2 * beat + 0.5 * role.sit,
        elbow_left=0.25 + 0.6 * role.sit,
        elbow_right=0.25 + 0.9 * role.gesture * loud + 0.6 * role.sit,
        mouth_open=float(np.clip(jaw, 0, 1)),
        mouth_wide=float(np.clip(mouth.wide, -1, 1)),
        mouth_press=float(np.clip(press, 0, 1)),
        blink=_blink(role, t),
        smile=_smile(role, t, seconds),
        gaze_x=0.3 * float(np.sin(0.43 * wave)),
        gaze_y=0.1 * float(np.sin(0.31 * wave)),
    )


def gait_at(role: Role, person: Identity, t: float) -> Gait:
    """Return where a role is at `t` and how it walks there."""
    if role.path:
        return _on_path(role, person, t)
    if role.turn_s is not None:
        start, end = role.turn_s
        s = _ease((t - start) / (end - start))
        heading = role.heading + (role.heading_to - role.heading) * s
        return Gait(role.x, role.z, heading, 4 * s, 0.25 * float(np.sin(np.pi * s)))
    return Gait(role.x, role.z, role.heading)


def _on_path(role: Role, person: Identity, t: float) -> Gait:
    times = [p[0] for p in role.path]
    x, z = (float(np.interp(t, times, [p[k] for p in role.path])) for k in (1, 2))
    legs = [_leg(a[1:], b[1:]) for a, b in zip(role.path, role.path[1:], strict=False)]
    gone = float(np.interp(t, times, np.concatenate([[0.0], np.cumsum([length for length, _ in legs])])))
    heading = role.heading if role.heading_to or times[0] > 0 else legs[0][1]
    # From the direction of one leg to that of the next within a step.
    turns = [(times[k], way) for k, (length, way) in enumerate(legs) if length > 0.02] + [(times[-1], role.heading_to)]
    for at, way in turns:
        heading += _wrapped(way - heading) * _ease((t - at + _STEP_IN_S / 2) / _STEP_IN_S)
    moving = min(_ease((t - times[0]) / _STEP_IN_S), _ease((times[-1] - t) / _STEP_IN_S))
    moving = min([moving, *(_pause(t, a, b, leg) for a, b, (leg, _) in zip(times, times[1:], legs, strict=False))])
    phase = 2 * np.pi * gone / (_STRIDE_OF_HEIGHT * person.build.height_m) + role.offset
    return Gait(x, z, heading, float(phase), _STRIDE * moving)


def _pause(t: float, start: float, end: float, length: float) -> float:
    """0 while a path rests in one place between `start` and `end`, 1 elsewhere."""
    if length > 0.02:
        return 1.0
    return 1 - min(_ease((t - start + _STEP_IN_S) / _STEP_IN_S), _ease((end - t + _STEP_IN_S) / _STEP_IN_S))


def _leg(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    dx, dz = b[0] - a[0], b[1] - a[1]
    return float(np.hypot(dx, dz)), float(np.arctan2(dx, dz))


def _wrapped(angle: float) -> float:
    return float((angle + np.pi) % (2 * np.pi) - np.pi)


def _ease(s: float) -> float:
    s = float(np.clip(s, 0, 1))
    return s * s * (3 - 2 * s)


def _chew(role: Role, t: float) -> tuple[float, float]:
    """Jaw and press of somebody who chews: as fast as syllables, with a swallow now and then, whatever is said."""
    cycle = (t + role.offset) % 5.0
    if cycle > 4.2:
        return 0.0, 0.5
    s = 0.5 + 0.5 * float(np.sin(2 * np.pi * role.chew_hz * (t + role.offset)))
    return role.chew_depth * s * (0.8 + 0.2 * float(np.sin(1.7 * t))), 0.45 * (1 - s)


def _smile(role: Role, t: float, seconds: float) -> float:
    return role.smile + (role.smile_to - role.smile) * _ease((t / max(seconds, 0.1) - 0.3) / 0.35)


def _blink(role: Role, t: float) -> float:
    beat = (t + 1.7 * role.offset) % (2.2 + 0.5 * role.period_s)
    return float(max(0.0, 1 - abs(beat - 0.09) / 0.09))
