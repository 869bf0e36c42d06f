from __future__ import annotations

import numpy as np
import pytest

from packs.detections import DetectionClass, decode, overlap, suppress
from packs.preprocessing import letterbox

IMAGE = np.zeros((100, 200, 3), dtype=np.uint8)


def test_overlap_of_known_boxes() -> None:
    others = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]], dtype=np.float32)
    np.testing.assert_allclose(overlap(others[0], others), [1.0, 50 / 150, 0.0], rtol=1e-6)


def test_suppress_keeps_the_best_of_each_heap() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [40, 0, 50, 10]], dtype=np.float32)
    np.testing.assert_array_equal(suppress(boxes, np.array([0.5, 0.9, 0.7], dtype=np.float32), 0.5), [1, 2])
    assert suppress(boxes[:0], np.zeros(0, dtype=np.float32), 0.5).shape == (0,)


def test_suppress_agrees_with_the_plain_loop() -> None:
    random = np.random.default_rng(11)
    corners = random.uniform(0, 60, (80, 2)).astype(np.float32)
    boxes = np.concatenate([corners, corners + random.uniform(5, 30, (80, 2)).astype(np.float32)], axis=1)
    scores = random.random(80, dtype=np.float32)
    kept: list[int] = []
    for row in np.argsort(-scores):
        if all(overlap(boxes[row], boxes[[other]])[0] <= 0.4 for other in kept):
            kept.append(int(row))
    np.testing.assert_array_equal(suppress(boxes, scores, 0.4), kept)


def test_decode_thresholds_each_class_and_maps_back() -> None:
    fitted = letterbox(IMAGE, 50, 100)
    boxes = np.array([[10, 10, 30, 40], [11, 10, 31, 40], [50, 0, 90, 50], [9, 9, 9, 20]], dtype=np.float32)
    scores = np.array([[0.9, 0.1, 0.6], [0.8, 0.1, 0.7], [0.1, 0.1, 0.2], [0.9, 0.9, 0.9]], dtype=np.float32)
    found = decode(boxes, scores, fitted, (0.5, 0.5, 0.15), 0.5)
    np.testing.assert_array_equal(found.classes, [0, 2, 2])
    np.testing.assert_allclose(found.scores, [0.9, 0.7, 0.2])
    np.testing.assert_allclose(found.boxes, [[20, 20, 60, 80], [22, 20, 62, 80], [100, 0, 180, 100]])
    assert len(found.of(DetectionClass.PERSON)) == 2
    assert len(found.of(DetectionClass.HEAD)) == 0


def test_decode_of_nothing_is_empty() -> None:
    found = decode(
        np.zeros((0, 4), np.float32), np.zeros((0, 3), np.float32), letterbox(IMAGE, 50, 100), (0.5,) * 3, 0.5
    )
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)


def test_decode_refuses_shapes_that_do_not_belong_together() -> None:
    fitted = letterbox(IMAGE, 50, 100)
    with pytest.raises(ValueError, match="expected boxes"):
        decode(np.zeros((2, 4), np.float32), np.zeros((2, 2), np.float32), fitted, (0.5,) * 3, 0.5)
