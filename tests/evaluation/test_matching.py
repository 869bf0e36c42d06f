from evaluation.matching import assign

LEFT, RIGHT = (0.0, 0.0, 10.0, 20.0), (100.0, 0.0, 110.0, 20.0)


def test_a_fragment_is_assigned_to_its_long_tracklet(truth, predicted) -> None:
    left, right = truth("left", 0, 100, LEFT), truth("right", 0, 100, RIGHT)
    shown = assign([predicted("p", 40, 50, LEFT), predicted("q", 0, 100, RIGHT)], [left, right])
    assert {name: tracklet.key for name, tracklet in shown.items()} == {"p": "left", "q": "right"}


def test_one_that_follows_nobody_is_assigned_to_nobody(truth, predicted) -> None:
    person = truth("t", 0, 10, LEFT)
    assert assign([predicted("late", 20, 30, LEFT), predicted("wide", 0, 10, (0, 0, 30, 20))], [person]) == {}
    assert assign([predicted("p", 0, 10, LEFT)], []) == {}


def test_it_must_follow_the_person_for_half_of_itself(truth, predicted) -> None:
    person = truth("t", 0, 10, LEFT)
    assert "p" in assign([predicted("p", 0, 20, LEFT)], [person])
    assert "p" not in assign([predicted("p", 0, 21, LEFT)], [person])
