"""The ground as a camera sees it, and how the camera moves while a shot lasts."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from synthetic.camera import Camera

HALF_FRAME_PX: Final = 640.0
_STILL: Final = 0.67
_MOVES: Final = ("pan", "zoom", "hand", "dolly")


@dataclass(frozen=True, slots=True)
class View:
    """Where the camera stands (x, z in metres), its direction (radians, 0 is along -z), focal length in pixels."""

    x: float
    z: float
    angle: float
    focal: float

    def right(self) -> tuple[float, float]:
        """Unit vector x, z to the right of the frame."""
        return float(np.cos(self.angle)), -float(np.sin(self.angle))

    def forward(self) -> tuple[float, float]:
        """Unit vector x, z into the depth of the frame."""
        return -float(np.sin(self.angle)), -float(np.cos(self.angle))

    def place(self, fraction: float, depth: float) -> tuple[float, float]:
        """World x, z of a point at `fraction` of the half frame (right positive) and `depth` metres away."""
        aside = fraction * HALF_FRAME_PX / self.focal * depth
        (rx, rz), (fx, fz) = self.right(), self.forward()
        return self.x + fx * depth + rx * aside, self.z + fz * depth + rz * aside

    def toward(self, x: float, z: float) -> float:
        """Heading of somebody at x, z who looks at the camera."""
        return float(np.arctan2(self.x - x, self.z - z))


@dataclass(frozen=True, slots=True)
class CameraMove:
    """How a camera moves: `kind` is "still", "pan", "zoom", "hand" or "dolly".

    `eye` and `target` are the metres (x, y, z) by which each has moved at the end, `zoom` multiplies the focal length;
    `shake` is the size in metres at the target of a hand's tremor, `phase` where its waves begin.
    """

    kind: str = "still"
    eye: tuple[float, float, float] = (0.0, 0.0, 0.0)
    target: tuple[float, float, float] = (0.0, 0.0, 0.0)
    zoom: float = 1.0
    shake: float = 0.0
    phase: float = 0.0

    def at(self, camera: Camera, t: float, seconds: float) -> Camera:
        """Return the camera `t` seconds into a shot of `seconds`."""
        if self.kind == "still":
            return camera
        s = float(np.clip(t / max(seconds, 1e-6), 0, 1))
        s = s * s * (3 - 2 * s)
        dx, dy = self._tremor(t)
        eye, target = camera.eye, camera.target
        return replace(
            camera,
            eye=(eye[0] + self.eye[0] * s + 0.3 * dx, eye[1] + self.eye[1] * s + 0.3 * dy, eye[2] + self.eye[2] * s),
            target=(
                target[0] + self.target[0] * s + dx,
                target[1] + self.target[1] * s + dy,
                target[2] + self.target[2] * s,
            ),
            focal_px=camera.focal_px * self.zoom**s,
        )

    def _tremor(self, t: float) -> tuple[float, float]:
        if self.shake == 0.0:
            return 0.0, 0.0
        w = 2 * np.pi * t
        across = np.sin(0.43 * w + self.phase) + 0.5 * np.sin(1.1 * w + 2 * self.phase) + 0.12 * np.sin(3.7 * w)
        down = np.sin(0.51 * w + 3 * self.phase) + 0.4 * np.sin(1.3 * w) + 0.12 * np.sin(4.1 * w + self.phase)
        return self.shake * float(across), self.shake * 0.7 * float(down)


def draw_move(rng: np.random.Generator, view: View, near: float) -> CameraMove:
    """Draw a camera move for people `near` metres away; two of three shots stand still, which are cheap to draw."""
    moves = rng.random() >= _STILL
    kind = str(rng.choice(_MOVES)) if moves else "still"
    side, size, phase = float(rng.choice([-1, 1])), float(rng.uniform(0, 1)), float(rng.uniform(0, 6.28))
    right, forward = view.right(), view.forward()
    if kind == "pan":
        shift = side * (0.12 + 0.2 * size) * near * HALF_FRAME_PX / view.focal
        return CameraMove("pan", target=(shift * right[0], 0.0, shift * right[1]))
    if kind == "zoom":
        factor = 1.08 + 0.25 * size
        return CameraMove("zoom", zoom=factor if side > 0 else 1 / factor)
    if kind == "hand":
        return CameraMove("hand", shake=(0.006 + 0.014 * size) * near, phase=phase)
    if kind == "dolly":
        way = side * (0.05 + 0.10 * size) * near
        if phase < 3.5:
            along = (way * right[0], 0.0, way * right[1])
            return CameraMove("dolly", eye=along, target=(0.5 * along[0], 0.0, 0.5 * along[2]))
        return CameraMove("dolly", eye=(way * forward[0], 0.0, way * forward[1]))
    return CameraMove()
