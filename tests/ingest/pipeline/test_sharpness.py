"""What blur leaves of a crop, and of the quality of a tracklet."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from services.ingest.pipeline.aggregate import aggregate
from services.ingest.pipeline.sharpness import clearness_of, detail_of, sharpness_of
from services.ingest.pipeline.values import Observation, Position

RNG = np.random.default_rng(1)


def textured() -> np.ndarray:
    """Like a picture of something, coarse detail stronger than fine."""
    layers = [
        cv2.resize(RNG.normal(0.0, grey, (pixels, pixels, 3)), (96, 96), interpolation=cv2.INTER_CUBIC)
        for pixels, grey in ((3, 50.0), (6, 30.0), (12, 20.0), (24, 14.0), (48, 10.0))
    ]
    return np.clip(128.0 + sum(layers), 0, 255).astype(np.uint8)


PICTURE = textured()
VECTOR = np.eye(16, dtype=np.float32)[0]


def blurred(sigma: float) -> np.ndarray:
    return np.asarray(PICTURE if sigma == 0.0 else cv2.GaussianBlur(PICTURE, (0, 0), sigma), np.uint8)


def seen(sigma: float, norm: float) -> Observation:
    return Observation(Position(0, 0.0), 1.0, blurred(sigma), VECTOR, norm)


def test_a_blurred_crop_shows_less() -> None:
    clear = [clearness_of(blurred(sigma)) for sigma in (0.0, 2.0, 4.0, 6.0, 8.0, 12.0)]
    assert clear[:2] == [1.0, 1.0]
    assert clear[1:] == sorted(clear[1:], reverse=True)
    assert clear[2] > 0.9
    assert clear[-1] < 0.1
    assert clearness_of(np.full((96, 96, 3), 90, np.uint8)) == 0.0


def test_every_loss_of_frequencies_takes_detail_though_little() -> None:
    left = [detail_of(blurred(sigma)) for sigma in (0.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)]
    assert (np.diff(left) < 0.0).all()
    assert left[-1] > 0.85
    assert detail_of(np.full((96, 96, 3), 90, np.uint8)) == 0.0
    # Twice the size with the same in it is as detailed.
    large = cv2.resize(blurred(2.0), (192, 192), interpolation=cv2.INTER_LINEAR)
    assert detail_of(large) == pytest.approx(detail_of(blurred(2.0)), abs=0.003)
    noise = np.random.default_rng(3).integers(0, 256, (24, 24, 3)).astype(np.uint8)
    assert detail_of(noise) == 1.0


def test_neither_contrast_nor_grain_makes_it_clear() -> None:
    heavy = blurred(8.0)
    faint = (96 + heavy // 4).astype(np.uint8)
    assert clearness_of(faint) == pytest.approx(clearness_of(heavy), abs=0.1)
    grain = np.rint(np.random.default_rng(2).normal(0.0, 2.0, heavy.shape))
    grainy = np.clip(heavy + grain, 0, 255).astype(np.uint8)
    assert clearness_of(grainy) == pytest.approx(clearness_of(heavy), abs=0.2)


def test_sharpness_is_worth_something_always() -> None:
    assert sharpness_of(np.full((96, 96, 3), 90, np.uint8)) == pytest.approx(0.3)
    assert 0.5 < sharpness_of(blurred(0.0)) <= 1.0


def test_a_long_embedding_of_a_blur_is_not_clear_where_pictures_tell() -> None:
    # Of 16 dimensions 4 is the usual length.
    heavy = [seen(12.0, 4.0)] * 4
    assert aggregate(heavy).quality == pytest.approx(1.0)
    assert aggregate(heavy, pictures_tell=True).quality == pytest.approx(clearness_of(blurred(12.0)))
    sharp = [seen(0.0, 3.0)] * 4
    assert aggregate(sharp).quality == pytest.approx(0.5)
    left = detail_of(PICTURE)
    assert aggregate(sharp, pictures_tell=True).quality == pytest.approx(0.5 * left)
    # The best three speak, and a vector stays what it is.
    mixed = aggregate([*heavy, *sharp[:3]], pictures_tell=True)
    assert mixed.quality == pytest.approx(0.5 * left)
    np.testing.assert_array_equal(mixed.vector, VECTOR)
    # A transformer's length tells nothing anyway.
    assert aggregate(heavy, lengths_tell=False, pictures_tell=True).quality == pytest.approx(1.0)


@pytest.mark.parametrize("norm", [3.6, 4.4])
def test_a_hardly_blurred_face_is_not_clearer_than_the_sharp_one(norm: float) -> None:
    # As encoders do of large faces: a thousandth longer. The second is of full quality by its length alone.
    sharp, hardly = [seen(0.0, norm)], [seen(2.0, 1.001 * norm)]
    assert aggregate(hardly).quality >= aggregate(sharp).quality
    assert aggregate(hardly, pictures_tell=True).quality < aggregate(sharp, pictures_tell=True).quality
    assert aggregate(sharp, pictures_tell=True).quality > 0.95 * aggregate(sharp).quality
