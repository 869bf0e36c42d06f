import numpy as np
import pytest

from evaluation.tubes import Tube, meeting, pairwise_iou, tube_from_key_boxes, tube_iou


def oracle_tube_iou(left: Tube, right: Tube) -> float:
    """The definition, box by box."""
    shared = union = 0.0
    for frame in sorted({*left.frames.tolist(), *right.frames.tolist()}):
        boxes = [tube.boxes[tube.frames.tolist().index(frame)] for tube in (left, right) if frame in tube.frames]
        areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in boxes]
        both = 0.0
        if len(boxes) == 2:
            width = min(boxes[0][2], boxes[1][2]) - max(boxes[0][0], boxes[1][0])
            height = min(boxes[0][3], boxes[1][3]) - max(boxes[0][1], boxes[1][1])
            both = max(0.0, width) * max(0.0, height)
        shared += both
        union += sum(areas) - both
    return shared / union


def test_tube_iou_is_its_definition_on_random_tubes() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        tubes = []
        for _ in range(2):
            frames = np.sort(random.choice(30, size=random.integers(1, 30), replace=False))
            corners = random.uniform(0, 50, size=(len(frames), 2))
            tubes.append(Tube(frames, np.hstack([corners, corners + random.uniform(1, 60, size=(len(frames), 2))])))
        assert tube_iou(*tubes) == pytest.approx(oracle_tube_iou(*tubes))


def test_hand_made_values(tube) -> None:
    whole = tube(0, 10, (0, 0, 10, 10))
    assert tube_iou(whole, whole) == 1.0
    assert tube_iou(whole, tube(0, 5, (0, 0, 10, 10))) == 0.5
    assert tube_iou(whole, tube(10, 20, (0, 0, 10, 10))) == 0.0
    assert tube_iou(whole, tube(0, 10, (5, 0, 15, 10))) == pytest.approx(1 / 3)
    empty = tube(0, 0, (0, 0, 1, 1))
    assert tube_iou(empty, empty) == 0.0


def test_pairwise_iou_of_touching_and_empty_boxes() -> None:
    left = np.array([[0, 0, 10, 10], [3, 3, 3, 3]], dtype=float)
    right = np.array([[10, 0, 20, 10], [0, 0, 10, 20]], dtype=float)
    assert pairwise_iou(left, right).tolist() == [[0.0, 0.5], [0.0, 0.0]]


def test_key_boxes_are_joined_by_a_straight_path() -> None:
    times = np.array([0.4, 0.8])
    boxes = np.array([[0, 0, 10, 10], [10, 0, 20, 10]], dtype=float)
    tube = tube_from_key_boxes(times, boxes, (0.2, 1.0), 25.0)
    assert tube.frames.tolist() == list(range(5, 25))
    assert tube.boxes[0].tolist() == [0, 0, 10, 10]
    assert tube.boxes[10, 0] == pytest.approx(5.0)
    assert tube.boxes[-1].tolist() == [10, 0, 20, 10]


@pytest.mark.parametrize("start", [0, 1, 7, 33, 99])
def test_a_span_holds_its_first_frame_and_not_its_end(start: int) -> None:
    span = (start / 25, (start + 3) / 25)
    tube = tube_from_key_boxes(np.array([span[0]]), np.zeros((1, 4)), span, 25.0)
    assert tube.frames.tolist() == [start, start + 1, start + 2]


def test_tubes_refuse_disorder() -> None:
    with pytest.raises(ValueError, match="out of order"):
        Tube(np.array([1, 1]), np.zeros((2, 4)))
    with pytest.raises(ValueError, match="one each"):
        Tube(np.array([1]), np.zeros((2, 4)))


def test_tubes_meet_when_their_spans_do(tube) -> None:
    box = (0, 0, 1, 1)
    left = [tube(0, 10, box), tube(5, 5, box), tube(20, 30, box)]
    right = [tube(9, 12, box), tube(10, 20, box), tube(29, 40, box), tube(0, 0, box)]
    assert meeting(left, right) == [(0, 0), (2, 2)]
    assert meeting([], right) == []


def test_parts_of_a_tube_are_chosen_by_frames(tube) -> None:
    whole = tube(3, 9, (0, 0, 10, 10), (1, 0, 1, 0))
    inside = np.array([1, 4, 5, 8, 12])
    assert whole.at(inside).frames.tolist() == [4, 5, 8]
    assert whole.at(inside).boxes[:, 0].tolist() == [1, 2, 5]
    assert whole.without(inside).frames.tolist() == [3, 6, 7]
    assert whole.at(inside[:0]).frames.tolist() == []
    assert whole.without(inside[:0]).frames.tolist() == whole.frames.tolist()
