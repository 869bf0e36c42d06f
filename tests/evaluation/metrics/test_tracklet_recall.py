from evaluation.metrics.tracklet_recall import covered

BOX = (100.0, 100.0, 200.0, 300.0)


def test_half_of_a_tracklet_is_just_enough(truth, predicted) -> None:
    assert covered([truth("t", 0, 50, BOX)], [predicted("p", 0, 25, BOX)]) == [True]
    assert covered([truth("t", 0, 50, BOX)], [predicted("p", 0, 24, BOX)]) == [False]


def test_two_halves_do_not_add_up(truth, predicted) -> None:
    halves = [predicted("p", 0, 24, BOX), predicted("q", 26, 50, BOX)]
    assert covered([truth("t", 0, 50, BOX)], halves) == [False]


def test_hidden_frames_take_no_part(truth, predicted) -> None:
    hidden = truth("t", 0, 50, BOX, hidden=tuple(range(20, 50)))
    assert covered([hidden], [predicted("p", 0, 20, BOX)]) == [True]
    assert covered([hidden], [predicted("p", 0, 50, BOX)]) == [True]


def test_nothing_predicted_covers_nothing(truth) -> None:
    assert covered([truth("t", 0, 50, BOX)], []) == [False]
