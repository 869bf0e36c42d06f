"""A pinhole camera: where a point of the world falls in the frame."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from synthetic.types import F32, FRAME_HEIGHT, FRAME_WIDTH


@dataclass(frozen=True, slots=True)
class Camera:
    """Position and target in metres, focal length in pixels of a 1280x720 frame."""

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    focal_px: float
    width: int = FRAME_WIDTH
    height: int = FRAME_HEIGHT

    def view(self) -> F32:
        """World to camera float32[4, 4], read-only; the camera looks along its -z, x right, y up."""
        return _view(self.eye, self.target)

    def projection(self) -> F32:
        """Camera to clip space float32[4, 4], y turned over so that row 0 of the buffer is the top of the frame."""
        near, far = 0.08, 60.0
        out = np.zeros((4, 4), np.float32)
        out[0, 0] = 2 * self.focal_px / self.width
        out[1, 1] = -2 * self.focal_px / self.height
        out[2, 2], out[2, 3] = (far + near) / (near - far), 2 * far * near / (near - far)
        out[3, 2] = -1
        return out

    def project(self, points: F32) -> F32:
        """Project float32[N, 3] world points to float32[N, 3]: x px, y px, depth m (points behind have depth <= 0)."""
        view = self.view()
        local = points @ view[:3, :3].T + view[:3, 3]
        depth = -local[:, 2]
        safe = np.maximum(depth, 0.05)
        x = self.width / 2 + self.focal_px * local[:, 0] / safe
        y = self.height / 2 - self.focal_px * local[:, 1] / safe
        return np.stack([x, y, depth], -1).astype(np.float32)


@lru_cache(maxsize=16)
def _view(eye_at: tuple[float, float, float], target: tuple[float, float, float]) -> F32:
    """Return the view of a place and a target; asked for several times for each person of a frame."""
    eye = np.array(eye_at, np.float64)
    back = eye - np.array(target)
    back /= np.linalg.norm(back)
    right = np.cross([0, 1, 0], back)
    right /= np.linalg.norm(right)
    up = np.cross(back, right)
    out = np.eye(4)
    out[:3, :3] = np.stack([right, up, back])
    out[:3, 3] = -out[:3, :3] @ eye
    view = out.astype(np.float32)
    view.flags.writeable = False
    return view
