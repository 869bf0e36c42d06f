import numpy as np
import pytest

from evaluation.metrics.speech_time import length_s, shared_s, span_iou, union


def oracle_shared(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> int:
    """The definition, second by second."""
    moments = [{second for start, end in spans for second in range(start, end)} for spans in (left, right)]
    return len(moments[0] & moments[1])


def test_shared_time_is_its_definition_on_random_spans() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        left, right = (
            [tuple(sorted(random.integers(0, 40, 2).tolist())) for _ in range(random.integers(0, 6))] for _ in range(2)
        )
        assert shared_s(left, right) == oracle_shared(left, right)


def test_hand_made_spans() -> None:
    assert union([(3.0, 4.0), (0.0, 1.0), (1.0, 2.0), (5.0, 5.0)]) == [(0.0, 2.0), (3.0, 4.0)]
    assert length_s([]) == 0.0
    assert span_iou((0.0, 2.0), (1.0, 4.0)) == pytest.approx(0.25)
    assert span_iou((0.0, 1.0), (1.0, 2.0)) == 0.0
    assert span_iou((1.0, 1.0), (1.0, 1.0)) == 0.0
