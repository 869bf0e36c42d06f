from evaluation.metrics.tracklet_precision import count_pairs

LEFT, RIGHT = (0.0, 0.0, 10.0, 20.0), (100.0, 0.0, 110.0, 20.0)


def test_a_second_copy_and_a_ghost_are_left_over(truth, predicted) -> None:
    copies = [predicted("p", 0, 50, LEFT), predicted("q", 0, 50, LEFT), predicted("ghost", 0, 50, RIGHT)]
    assert count_pairs([truth("t", 0, 50, LEFT)], copies) == 1


def test_two_people_that_pass_each_other_are_two_pairs(truth, predicted) -> None:
    people = [truth("t", 0, 50, LEFT), truth("u", 0, 50, RIGHT, counts=False)]
    assert count_pairs(people, [predicted("p", 0, 40, LEFT), predicted("q", 10, 50, RIGHT)]) == 2


def test_a_fragment_is_not_a_pair(truth, predicted) -> None:
    assert count_pairs([truth("t", 0, 50, LEFT)], [predicted("p", 0, 20, LEFT)]) == 0


def test_nothing_predicted_or_nobody_there(truth, predicted) -> None:
    assert count_pairs([], [predicted("p", 0, 20, LEFT)]) == 0
    assert count_pairs([truth("t", 0, 50, LEFT)], []) == 0
