import pytest

from evaluation.metrics.ranking import Judged
from evaluation.plots.charts import calibration_points, precision_recall_points
from evaluation.rankings import Verdicts


def test_bins_with_few_hits_are_left_out() -> None:
    scores = (0.91, 0.93, 0.95, 0.97, 0.99, 1.0, 0.05)
    points = calibration_points(Verdicts(scores, (True, True, True, False, True, False, True), ("a",) * 7))
    assert points == [(pytest.approx(5.75 / 6), pytest.approx(4 / 6))]


def test_precision_is_the_best_at_a_recall_or_beyond() -> None:
    # Right at ranks 2 and 3 of three wanted: precisions 1/2 and 2/3.
    points = dict(precision_recall_points([("a", Judged((0.9, 0.8, 0.7), (False, True, True), 3, {}))]))
    assert points[0.0] == pytest.approx(2 / 3)
    assert points[0.3] == pytest.approx(2 / 3)
    assert points[0.66] == pytest.approx(2 / 3)
    assert points[0.68] == 0.0
    assert points[1.0] == 0.0


def test_an_empty_answer_has_no_precision() -> None:
    points = precision_recall_points([("a", Judged((), (), 2, {})), ("b", Judged((0.5,), (True,), 1, {}))])
    assert [precision for _, precision in points] == pytest.approx([0.5] * len(points))
