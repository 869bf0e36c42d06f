"""Dissolves are found in their middle; cuts, pans and people who walk by are none."""

import cv2
import numpy as np
import pytest

from services.ingest.pipeline.dissolves import SHORT_FRAMES, DissolveDetector

RNG = np.random.default_rng(8)


def scene(seed: int) -> np.ndarray:
    """A room of large patches, float64[144, 256, 3]."""
    patches = np.random.default_rng(seed).integers(20, 235, (9, 16, 3))
    return np.kron(patches, np.ones((16, 16, 1)))


def noisy(picture: np.ndarray) -> np.ndarray:
    return np.clip(picture + RNG.normal(0.0, 4.0, picture.shape), 0, 255).astype(np.uint8)


def middles(frames: list[np.ndarray]) -> list[int]:
    detector = DissolveDetector()
    found = []
    for number, frame in enumerate(frames):
        ago = detector.ends(frame)
        if ago is not None:
            found.append(number - ago)
    return found


def dissolve(length: int, before: int = 40, after: int = 40) -> list[np.ndarray]:
    one, other = scene(1), scene(2)
    shares = [0.0] * before + [(k + 1) / (length + 1) for k in range(length)] + [1.0] * after
    return [noisy((1 - share) * one + share * other) for share in shares]


@pytest.mark.parametrize("length", [8, 12, 16])
def test_the_middle_of_a_dissolve_is_found_once(length: int) -> None:
    found = middles(dissolve(length))
    assert len(found) == 1
    assert abs(found[0] - (40 + length / 2)) <= 1


def test_who_begins_again_in_the_middle_finds_the_same() -> None:
    frames = dissolve(12) + dissolve(10)[::-1]
    first, second = middles(frames)
    assert middles(frames[first:]) == [second - first]


def test_a_cut_is_no_dissolve() -> None:
    assert middles([noisy(scene(1))] * 40 + [noisy(scene(2))] * 40) == []


def test_a_pan_is_no_dissolve() -> None:
    wide = np.concatenate([scene(3), scene(4)], axis=1)
    ways = [0] * 30 + list(range(0, 200, 16)) + [192] * 30
    assert middles([noisy(wide[:, way : way + 256]) for way in ways]) == []


@pytest.mark.parametrize("length", [6, 10, 14])
def test_a_short_pan_over_soft_shapes_is_no_dissolve(length: int) -> None:
    soft = cv2.GaussianBlur(np.concatenate([scene(5), scene(6)], axis=1), (0, 0), 12.0)
    wide = 128.0 + 60.0 * (soft - soft.mean()) / soft.std() + np.random.default_rng(9).normal(0.0, 12.0, soft.shape)
    ways = [0] * 30 + [round(16 * (k + 1) / length) for k in range(length)] + [16] * 30
    assert middles([noisy(wide[:, way : way + 256]) for way in ways]) == []


def test_a_dissolve_between_dark_pictures_is_found() -> None:
    frames = dissolve(12)
    assert len(middles([(frame * 0.2).astype(np.uint8) for frame in frames])) == 1


def test_a_short_dissolve_into_a_moving_picture_is_found() -> None:
    one, wide = scene(1), np.concatenate([scene(2), scene(3)], axis=1)
    shares = [0.0] * 40 + [(k + 1) / 9 for k in range(8)] + [1.0] * 40
    ways = [0] * 51 + [min(4 * k, 250) for k in range(37)]
    frames = [
        noisy((1 - share) * one + share * wide[:, way : way + 256]) for share, way in zip(shares, ways, strict=True)
    ]
    assert len(middles(frames)) == 1


def test_a_short_film_has_none() -> None:
    assert middles([noisy(scene(1))] * (SHORT_FRAMES - 1)) == []
