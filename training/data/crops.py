"""Crops that teach an encoder: which, what they are labelled, and how they are changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.colour import random_blur, random_compression, random_light
from training.data.shards import FRAME_HEIGHT_PX, FRAME_WIDTH_PX, DataError, FrameSet, People
from training.recipe import CropAugment, CropChoice

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

# How the stored crops were cut, and how the networks want them: factors on the box.
STORED_SQUARE_ENLARGE = 1.5
SERVED_SQUARE_ENLARGE = 1.25
STORED_BODY_ENLARGE = 1.1


@dataclass(frozen=True, slots=True)
class CropSet:
    """Crops in memory.

    Attributes:
        images: uint8[N, h, w, 3], RGB, cut wider than the network needs.
        regions: float32[N, 4], what the network is to see at rest, in pixels of the stored crop.
        labels: int64[N], classes from 0 without gaps.
        rows: int64[N], rows of the people they were cut from.
        wearers: int64[N, 3], who wears what in them: seed of the cast (-1 when the set does not say), number in it, and
            number of the outfit.
    """

    images: U8
    regions: F32
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]
    wearers: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.labels.shape[0])

    @property
    def classes(self) -> int:
        """Number of labels."""
        return int(self.labels.max()) + 1

    def wearers_of_classes(self) -> list[tuple[int, int, int]]:
        """Give the cast, the number and an outfit of the person behind each label.

        Raises:
            DataError: If a set does not say of which cast it is.
        """
        first = np.unique(self.labels, return_index=True)[1]
        wearers = [(int(seed), int(number), int(outfit)) for seed, number, outfit in self.wearers[first]]
        if any(seed < 0 for seed, _, _ in wearers):
            raise DataError("a set has no index.json yet, which names its cast: wait until it is rendered")
        return wearers


def wanted_rows(people: People, choice: CropChoice) -> NDArray[np.bool_]:
    """Say which people a recipe learns from: bool[M]."""
    yaw = np.abs(people.yaw_deg) <= choice.largest_yaw_deg
    if choice.kind == "face":
        with np.errstate(invalid="ignore"):
            wide = people.face[:, 2] - people.face[:, 0] >= choice.least_width_px
        return np.asarray(wide & yaw & (people.face_visibility >= choice.least_visibility))
    if choice.kind == "head":
        with np.errstate(invalid="ignore"):
            wide = people.head[:, 2] - people.head[:, 0] >= choice.least_width_px
        return np.asarray(wide & yaw & (people.visibility >= choice.least_visibility))
    wide = people.person[:, 2] - people.person[:, 0] >= choice.least_width_px
    return np.asarray(wide & (people.visibility >= choice.least_visibility))


def load_crops(sets: Sequence[FrameSet], choice: CropChoice) -> CropSet:
    """Read the crops of a recipe into memory; labels and rows of later sets go on where those of earlier ones end."""
    parts = [_load_set(frames, choice) for frames in sets]
    classes = np.cumsum([0, *(part.classes for part in parts)])
    rows = np.cumsum([0, *(len(frames.people()) for frames in sets)])
    return CropSet(
        images=np.concatenate([part.images for part in parts]),
        regions=np.concatenate([part.regions for part in parts]),
        labels=np.concatenate([part.labels + first for part, first in zip(parts, classes[:-1], strict=True)]),
        rows=np.concatenate([part.rows + first for part, first in zip(parts, rows[:-1], strict=True)]),
        wearers=np.concatenate([part.wearers for part in parts]),
    )


def _load_set(frames: FrameSet, choice: CropChoice) -> CropSet:
    people = frames.people()
    wanted = wanted_rows(people, choice)
    rows = np.flatnonzero(wanted)
    images, regions = crops_of(frames, people, choice.kind, wanted)
    keys = people.identity[rows].astype(np.int64)
    if choice.label == "outfit":
        keys = keys * 1000 + people.outfit[rows]
    labels = np.unique(keys, return_inverse=True)[1].astype(np.int64)
    seed = -1 if frames.seed is None else frames.seed
    who = np.stack([np.full(len(rows), seed), people.identity[rows], people.outfit[rows]], axis=1).astype(np.int64)
    return CropSet(images, regions, labels, rows, who)


def crops_of(frames: FrameSet, people: People, kind: str, wanted: NDArray[np.bool_]) -> tuple[U8, F32]:
    """Read the crops of one kind of some people: uint8[N, h, w, 3], and what a network is to see, float32[N, 4]."""
    images = frames.crops(f"{kind}_crop", wanted)
    if kind in ("face", "head"):
        return images, square_regions(len(images), images.shape[1])
    return images, body_regions(people.person[wanted], images.shape[1], images.shape[2])


def square_regions(count: int, side: int) -> F32:
    """Give the served square inside stored face or head crops of `side` pixels: float32[count, 4]."""
    half = side * SERVED_SQUARE_ENLARGE / STORED_SQUARE_ENLARGE / 2.0
    region = np.array([-half, -half, half, half], dtype=np.float32) + side / 2.0
    return np.tile(region.astype(np.float32), (count, 1))


def body_regions(boxes: F32, height: int, width: int) -> F32:
    """Give the person's own box inside stored body crops, which were enlarged, clipped to the frame and stretched.

    Args:
        boxes: float32[N, 4], persons in frame pixels.
        height: Rows of the stored crops.
        width: Columns of the stored crops.
    """
    limits = np.array([FRAME_WIDTH_PX, FRAME_HEIGHT_PX] * 2, dtype=np.float32)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2.0
    half = (boxes[:, 2:] - boxes[:, :2]) / 2.0 * STORED_BODY_ENLARGE
    stored = np.clip(np.concatenate([centre - half, centre + half], axis=1), 0.0, limits)
    size = np.maximum(stored[:, 2:] - stored[:, :2], 1.0)
    scale = np.array([width, height], dtype=np.float32) / size
    origin = np.tile(stored[:, :2], (1, 2))
    return np.asarray((boxes - origin) * np.tile(scale, (1, 2)), dtype=np.float32)


def cut_region(image: U8, region: F32, height: int, width: int) -> U8:
    """Stretch a region of a crop to height x width; outside repeats the border."""
    x0, y0, x1, y1 = (float(value) for value in region)
    scale_x, scale_y = width / max(x1 - x0, 1.0), height / max(y1 - y0, 1.0)
    # Pixel centres lie at half coordinates: the shift keeps the two grids aligned.
    matrix = np.array(
        [[scale_x, 0.0, -x0 * scale_x + scale_x / 2 - 0.5], [0.0, scale_y, -y0 * scale_y + scale_y / 2 - 0.5]]
    )
    warped = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, dtype=np.uint8)


def resized(image: U8, height: int, width: int) -> U8:
    """Resize, by areas when shrinking."""
    if image.shape[:2] == (height, width):
        return image
    method = cv2.INTER_AREA if height * width < image.shape[0] * image.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), dtype=np.uint8)


def crops_at_rest(crops: CropSet, size: tuple[int, int], most: int, *, seed: int) -> U8:
    """Cut a seeded sample of a set as a network is to see it, unchanged: uint8[min(most, N), height, width, 3]."""
    rows = np.random.default_rng(seed).permutation(len(crops))[:most]
    return np.stack([cut_region(crops.images[row], crops.regions[row], *size) for row in rows])


def augment_crop(image: U8, region: F32, size: tuple[int, int], augment: CropAugment, rng: np.random.Generator) -> U8:
    """Change a crop as cameras, detectors and codecs do.

    Args:
        image: uint8[h, w, 3], a stored crop.
        region: float32[4], what the network would see at rest.
        size: Rows and columns of the result.
        augment: How hard.
        rng: Source of chance.
    """
    # Cut at twice the size that small first phases ask for, so that shrinking averages instead of skipping.
    full = (max(size[0], image.shape[0] * 6 // 7), max(size[1], image.shape[1] * 6 // 7))
    crop = cut_region(image, _jittered(region, augment, rng), *full)
    if rng.random() < augment.shrink:
        factor = np.exp(rng.uniform(np.log(augment.smallest_px / min(full)), 0.0))
        crop = resized(crop, max(4, round(full[0] * factor)), max(4, round(full[1] * factor)))
    elif rng.random() < augment.blur:
        crop = random_blur(crop, rng)
    if rng.random() < augment.jpeg:
        crop = random_compression(crop, rng)
    crop = resized(crop, *size)
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    crop = random_light(np.ascontiguousarray(crop), augment.colour, rng)
    return _erased(crop, rng) if rng.random() < augment.erase else crop


def _jittered(region: F32, augment: CropAugment, rng: np.random.Generator) -> F32:
    size = region[2:] - region[:2]
    centre = (region[:2] + region[2:]) / 2.0 + rng.uniform(-augment.shift, augment.shift, size=2) * size
    half = size / 2.0 * (1.0 + rng.uniform(-augment.scale, augment.scale))
    moved = np.concatenate([centre - half, centre + half])
    if rng.random() < augment.cut:
        moved[3] = moved[1] + (moved[3] - moved[1]) * rng.uniform(0.4, 0.95)
    return moved.astype(np.float32)


def _erased(crop: U8, rng: np.random.Generator) -> U8:
    height, width = crop.shape[:2]
    rows = int(height * rng.uniform(0.15, 0.45))
    columns = int(width * rng.uniform(0.15, 0.6))
    top, left = int(rng.integers(0, height - rows + 1)), int(rng.integers(0, width - columns + 1))
    result = crop.copy()
    result[top : top + rows, left : left + columns] = rng.integers(0, 256, size=3, dtype=np.uint8)
    return result
