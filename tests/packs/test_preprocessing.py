from __future__ import annotations

import numpy as np
import pytest

from packs.preprocessing import PADDING_GREY, crop_square, crop_stretch, letterbox, prepare_crop
from packs.spec import Preprocessing


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (90, 160, 3), dtype=np.uint8)


def test_letterbox_keeps_the_aspect_and_pads_right_and_below(image: np.ndarray) -> None:
    fitted = letterbox(image, 200, 320)
    assert fitted.scale == 2.0
    assert (fitted.pad_x, fitted.pad_y) == (0.0, 0.0)
    assert fitted.canvas.shape == (200, 320, 3)
    assert (fitted.canvas[180:] == PADDING_GREY).all()
    assert not (fitted.canvas[:180] == PADDING_GREY).all()


def test_boxes_return_to_the_image_and_are_clipped(image: np.ndarray) -> None:
    fitted = letterbox(image, 45, 100)
    mapped = fitted.to_image([[5, 10, 40, 30], [-9, -9, 99, 99]])
    np.testing.assert_allclose(mapped, [[10, 20, 80, 60], [0, 0, 160, 90]])


def test_square_crop_inside_is_the_plain_slice(image: np.ndarray) -> None:
    np.testing.assert_array_equal(crop_square(image, (20, 30, 52, 50), 32), image[24:56, 20:52])


def test_square_crop_outside_repeats_the_border(image: np.ndarray) -> None:
    crop = crop_square(image, (-16, 0, 16, 32), 32)
    np.testing.assert_array_equal(crop[:, 16:], image[:32, :16])
    np.testing.assert_array_equal(crop[:, :16], np.repeat(image[:32, :1], 16, axis=1))
    far = crop_square(image, (900, 900, 904, 904), 4)
    np.testing.assert_array_equal(far, np.tile(image[-1, -1], (4, 4, 1)))


def test_enlarged_square_sees_more(image: np.ndarray) -> None:
    np.testing.assert_array_equal(crop_square(image, (40, 40, 60, 60), 30, enlarge=1.5), image[35:65, 35:65])


def test_stretch_clips_to_the_image(image: np.ndarray) -> None:
    np.testing.assert_array_equal(crop_stretch(image, (-10, -10, 20, 40), 40, 20), image[:40, :20])
    assert crop_stretch(image, (-50, 10, -20, 40), 8, 8).shape == (8, 8, 3)


def test_shrinking_averages_and_does_not_alias() -> None:
    stripes = np.zeros((64, 64, 3), dtype=np.uint8)
    stripes[:, ::2] = 200
    assert set(np.unique(crop_stretch(stripes, (0, 0, 64, 64), 16, 16))) == {100}


@pytest.mark.parametrize("box", [(5, 5, 5, 9), (5, 9, 9, 5), (0, 0, float("nan"), 4)])
def test_an_empty_box_is_refused(image: np.ndarray, box: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="x0 < x1"):
        crop_square(image, box, 32)


def test_wrong_images_are_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        letterbox(np.zeros((4, 4, 3), dtype=np.float32), 4, 4)


def test_the_manifest_chooses_the_crop(image: np.ndarray) -> None:
    square = Preprocessing(kind="square", height=24, width=24, enlarge=1.25)
    stretch = Preprocessing(kind="stretch", height=32, width=16)
    box = (30.0, 20.0, 60.0, 80.0)
    np.testing.assert_array_equal(prepare_crop(image, box, square), crop_square(image, box, 24, 1.25))
    np.testing.assert_array_equal(prepare_crop(image, box, stretch), crop_stretch(image, box, 32, 16))
    with pytest.raises(ValueError, match="whole images"):
        prepare_crop(image, box, Preprocessing(kind="letterbox", height=8, width=8))
