"""What of a look comes back to the portrait, and how boxes of one face are made one."""

from __future__ import annotations

import numpy as np
import pytest

from packs.detections import DetectionClass, Detections
from services.search import looking

IMAGE = np.random.default_rng(2).integers(0, 256, (480, 400, 3), dtype=np.uint8)


def detections(*boxes: tuple[float, float, float, float], kind: DetectionClass = DetectionClass.FACE) -> Detections:
    rows = np.array(boxes, np.float32).reshape(-1, 4)
    return Detections(rows, np.full(len(rows), 0.9, np.float32), np.full(len(rows), int(kind), np.int32))


def in_patch(patch: looking.Patch, box: tuple[float, float, float, float]) -> tuple[float, ...]:
    """Where a box of the portrait stands in a look."""
    x0, y0, x1, y1 = (value * patch.scale for value in box)
    return x0 + patch.left, y0 + patch.top, x1 + patch.left, y1 + patch.top


@pytest.mark.parametrize("size", [(480, 400), (300, 900), (900, 300), (40, 40), (3000, 2000), (9, 8)])
def test_copies_stand_apart_inside_the_canvas(size: tuple[int, int]) -> None:
    image = np.zeros((*size, 3), np.uint8)
    (look,) = looking.at_once(image)
    shown = np.zeros(look.image.shape[:2], int)
    for patch in look.patches:
        shown[patch.top : patch.bottom, patch.left : patch.right] += 1
        assert patch.bottom <= look.image.shape[0]
        assert patch.right <= look.image.shape[1]
    assert shown.max() == 1
    assert (look.image[shown == 1] == 0).all()
    assert (look.image[shown == 0] == 114).all()
    assert max(look.image.shape) <= 1.5 * 1024


def test_a_box_in_any_copy_is_the_same_box_of_the_portrait() -> None:
    (look,) = looking.at_once(IMAGE)
    box = (100.0, 120.0, 260.0, 330.0)
    for patch in look.patches:
        found = looking.joined([look], [detections(in_patch(patch, box))], IMAGE)
        assert found.tolist() == [pytest.approx(box, abs=0.01)]


def test_boxes_of_one_face_are_averaged_by_trust_and_others_stay() -> None:
    (look,) = looking.at_once(IMAGE)
    whole, half, quarter, sixth, _ = look.patches
    tight, loose, far = (120.0, 140.0, 280.0, 340.0), (90.0, 60.0, 320.0, 420.0), (10.0, 10.0, 60.0, 70.0)
    boxes = [in_patch(quarter, tight), in_patch(sixth, tight), in_patch(half, loose), in_patch(whole, far)]
    found = looking.joined([look], [detections(*boxes)], IMAGE)
    assert len(found) == 2
    assert sorted(found.tolist())[0] == pytest.approx(far, abs=0.01)
    assert sorted(found.tolist())[1] == pytest.approx(tight, abs=6.0)


def test_what_lies_beside_every_copy_and_what_is_no_face_is_left_out() -> None:
    (look,) = looking.at_once(IMAGE)
    beside = detections((590.0, 460.0, 600.0, 480.0))
    head = detections((10.0, 10.0, 50.0, 50.0), kind=DetectionClass.HEAD)
    assert looking.joined([look], [beside], IMAGE).shape == (0, 4)
    assert looking.joined([look], [head], IMAGE).shape == (0, 4)


def test_parts_are_put_back_in_their_place() -> None:
    looks = looking.closer(IMAGE)
    assert [look.image.shape for look in looks] == [(480, 400, 3)] + 4 * [(288, 240, 3)]
    last = looks[-1]
    np.testing.assert_array_equal(last.image, IMAGE[192:, 160:])
    none = detections()
    found = looking.joined(looks, [none, none, none, none, detections((10.0, 20.0, 30.0, 44.0))], IMAGE)
    assert found.tolist() == [[170.0, 212.0, 190.0, 236.0]]
