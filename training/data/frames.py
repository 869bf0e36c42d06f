"""Frames that teach the detector: boxes, what is ignored, and how frames are changed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from packs.detections import DetectionClass
from packs.preprocessing import PADDING_GREY
from training.data.colour import random_blur, random_light
from training.data.shards import FRAME_WIDTH_PX, FrameSet, People
from training.recipe import FrameAugment

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

STORED_WIDTH_PX = 640
NETWORK_WIDTH_PX = 640

# Under these a box is neither to be found nor held against the detector: nobody could tell.
LEAST_PERSON_VISIBILITY = 0.15
LEAST_HEAD_VISIBILITY = 0.3
LEAST_FACE_VISIBILITY = 0.4
LARGEST_FACE_YAW_DEG = 72.0
LEAST_SIDE_PX = {DetectionClass.FACE: 8.0, DetectionClass.HEAD: 8.0, DetectionClass.PERSON: 16.0}
# A box of which less remains after zooming is ignored: its rest may be a sleeve.
LEAST_REMAINDER = 0.35


@dataclass(frozen=True, slots=True)
class Boxes:
    """The boxes of one image.

    Attributes:
        boxes: float32[G, 4], x0, y0, x1, y1 in pixels of the image.
        classes: int64[G], values of `DetectionClass`.
        ignored: bool[G], boxes that count neither way.
    """

    boxes: F32
    classes: NDArray[np.int64]
    ignored: Bool


@dataclass(frozen=True, slots=True)
class FrameBatch:
    """Images and their boxes.

    Attributes:
        images: uint8[B, H, W, 3], RGB.
        boxes: B sets of boxes, in pixels of the images.
    """

    images: U8
    boxes: tuple[Boxes, ...]


class FrameTruth:
    """The boxes of all frames of a set, in pixels of the 640-pixel-wide network input.

    Args:
        people: Everybody in the frames.
    """

    def __init__(self, people: People) -> None:
        self._people = people
        self.frames = np.unique(people.frame)
        order = np.argsort(people.frame, kind="stable")
        starts = np.searchsorted(people.frame[order], self.frames)
        self._rows = dict(zip(self.frames.tolist(), np.split(order, starts[1:]), strict=True))

    def of(self, frame: int) -> Boxes:
        """Give the boxes of one frame, before any change; sides are judged by `settled`."""
        people, rows = self._people, self._rows[frame]
        scale = NETWORK_WIDTH_PX / FRAME_WIDTH_PX
        faces = rows[np.isfinite(people.face[rows]).all(axis=1)]
        boxes = np.concatenate([people.face[faces], people.head[rows], people.person[rows]]) * scale
        classes = np.repeat(np.arange(3, dtype=np.int64), [len(faces), len(rows), len(rows)])
        unsure_face = (people.face_visibility[faces] < LEAST_FACE_VISIBILITY) | (
            np.abs(people.yaw_deg[faces]) > LARGEST_FACE_YAW_DEG
        )
        ignored = np.concatenate(
            [
                unsure_face,
                people.visibility[rows] < LEAST_HEAD_VISIBILITY,
                people.visibility[rows] < LEAST_PERSON_VISIBILITY,
            ]
        )
        finite = np.isfinite(boxes).all(axis=1)
        return Boxes(boxes[finite].astype(np.float32), classes[finite], ignored[finite])


def settled(truth: Boxes, height: int, width: int, least_side_scale: float = 1.0) -> Boxes:
    """Clip boxes to an image; drop those outside, ignore those that are too small or mostly outside.

    Args:
        truth: Boxes that may reach outside.
        height: Rows of the image.
        width: Columns of the image.
        least_side_scale: Factor on the smallest sides, for images smaller than the network's.
    """
    clipped = np.clip(truth.boxes, 0.0, np.array([width, height, width, height], dtype=np.float32))
    sides = clipped[:, 2:] - clipped[:, :2]
    before = np.maximum(np.prod(truth.boxes[:, 2:] - truth.boxes[:, :2], axis=1), 1e-6)
    least = np.array([LEAST_SIDE_PX[DetectionClass(k)] for k in range(3)])[truth.classes] * least_side_scale
    doubtful = (sides[:, 0] < least) | (np.prod(sides, axis=1) / before < LEAST_REMAINDER)
    inside = (sides > 1.0).all(axis=1)
    return Boxes(clipped[inside], truth.classes[inside], (truth.ignored | doubtful)[inside])


def read_frame(frames: FrameSet, number: int, *, half: bool = False) -> U8:
    """Read a stored frame: uint8[360, 640, 3] RGB, or half of that, which decodes in half the time."""
    mode = cv2.IMREAD_REDUCED_COLOR_2 if half else cv2.IMREAD_COLOR
    image = cv2.imread(str(frames.frame_path(number)), mode)
    if image is None:
        raise FileNotFoundError(f"frame {frames.frame_path(number)} is absent or no JPEG: render the data again")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def augmented_frame(
    image: U8, truth: Boxes, size: tuple[int, int], augment: FrameAugment, rng: np.random.Generator
) -> tuple[U8, Boxes]:
    """Zoom, shift, mirror and relight a frame.

    Args:
        image: uint8[h, w, 3], a stored frame of any size.
        truth: Its boxes, in pixels of the network input (640 wide).
        size: Rows and columns of the result.
        augment: How hard.
        rng: Source of chance.

    Returns:
        uint8[size, 3], and its settled boxes in its pixels.
    """
    height, width = size
    # Network pixels to result pixels; a third of the frames stay as they are served.
    base = width / NETWORK_WIDTH_PX
    zoom, shift = base, np.zeros(2)
    if rng.random() > 1.0 / 3.0:
        zoom = base * float(np.exp(rng.uniform(np.log(augment.least_zoom), np.log(augment.largest_zoom))))
        room = np.array([width, height]) - zoom / base * np.array([width, height * 360 / 384])
        shift = rng.uniform(np.minimum(room, 0.0), np.maximum(room, 0.0))
    to_result = zoom * NETWORK_WIDTH_PX / image.shape[1]
    matrix = np.array([[to_result, 0.0, shift[0]], [0.0, to_result, shift[1]]])
    grey = (PADDING_GREY,) * 3
    canvas = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=grey)
    boxes = truth.boxes * zoom + np.tile(shift, 2).astype(np.float32)
    if rng.random() < 0.5:
        canvas = canvas[:, ::-1]
        boxes = np.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], axis=1)
    changed = random_light(np.ascontiguousarray(canvas, dtype=np.uint8), augment.colour, rng)
    if rng.random() < augment.blur:
        changed = random_blur(changed, rng)
    moved = Boxes(boxes.astype(np.float32), truth.classes, truth.ignored)
    return changed, settled(moved, height, width, base)
