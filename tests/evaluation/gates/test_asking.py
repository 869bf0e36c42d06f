"""Who is asked, what counts, and average precision by hand."""

import numpy as np
import pytest

from evaluation.gates.asking import ask, everything_else, other_clips, other_scenes, same_scene
from evaluation.gates.samples import Clips, Crops


def crops(identity: list[int], frame: list[int], scene: list[int], outfit: list[int] | None = None) -> Crops:
    images = np.zeros((len(identity), 2, 2, 3), np.uint8)
    keys = (np.array(values, np.int64) for values in (identity, outfit or [0] * len(identity), frame, scene))
    return Crops(images, *keys)


SIX = crops(identity=[0, 1, 0, 1, 0, 0], frame=[0, 0, 1, 1, 5, 6], scene=[0, 0, 0, 0, 1, 1], outfit=[0, 0, 0, 0, 0, 1])


def test_galleries() -> None:
    assert everything_else(SIX)(0).tolist() == [False, False, True, True, True, True]
    assert same_scene(SIX)(0).tolist() == [False, False, True, True, False, False]
    # Row 4 is the same person in the same clothes: neither right nor wrong.
    assert other_scenes(SIX)(0).tolist() == [False, False, False, False, False, True]
    assert other_clips(Clips((), np.array([0, 1, 0])))(1).tolist() == [True, False, True]


def test_average_precision_over_identities() -> None:
    # Within scene 0: row 0 ranks row 3 (wrong) before row 2 (right): 1/2; row 2 ranks row 1 first: 1/2.
    # Rows 1 and 3 find each other first: 1.
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 1], [0.8, 0.6], [1, 0], [0, 1]], np.float32)
    asked = ask(vectors, SIX.identity, same_scene(SIX))
    assert asked.queries == 6
    assert asked.samples == 6
    assert asked.mean_average_precision.count == 2
    # Person 0 also has rows 4 and 5, which have only each other: 1. Person 0: (1/2 + 1/2 + 1 + 1) / 4.
    assert asked.mean_average_precision.value == pytest.approx((0.75 + 1.0) / 2)
    # By chance: of two, one right: (1 + 1/2) / 2; of one, one right: 1.
    assert asked.chance == pytest.approx((4 * 0.75 + 2 * 1.0) / 6)


def test_perfect_vectors_reach_one() -> None:
    vectors = np.eye(2, dtype=np.float32)[SIX.identity]
    assert ask(vectors, SIX.identity, everything_else(SIX)).mean_average_precision.value == 1.0


def test_nobody_to_find_is_an_error() -> None:
    lonely = crops([0, 1], [0, 1], [0, 1])
    with pytest.raises(ValueError, match="larger sample"):
        ask(np.eye(2, dtype=np.float32), lonely.identity, everything_else(lonely))
