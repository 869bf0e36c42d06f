from evaluation.metrics.ranking import RankedHit, judge

BOX = (0.0, 0.0, 10.0, 20.0)


def test_repeats_and_other_tracklets_of_the_person_are_ignored(truth) -> None:
    seen, other = truth("seen", 0, 50, BOX), truth("other", 60, 90, BOX, face_visible=False)
    stranger = truth("stranger", 0, 50, BOX, identity="b")
    shown = {"1": seen, "2": seen, "3": other, "4": stranger}
    hits = [RankedHit(name, score) for name, score in [("1", 0.9), ("2", 0.8), ("3", 0.7), ("4", 0.6), ("ghost", 0.5)]]
    judged = judge(hits, "a", {"seen"}, shown)
    assert judged.right == (True, False, False)
    assert judged.scores == (0.9, 0.6, 0.5)
    assert judged.relevant_count == 1


def test_what_is_never_returned_still_counts_and_ranks_leave_out_what_is_ignored(truth, line) -> None:
    seen, spoken = truth("t", 0, 50, BOX), line("l", 1.0, 2.0)
    shown = {"1": truth("u", 60, 90, BOX), "2": truth("v", 0, 9, BOX, identity="b"), "3": spoken, "4": seen}
    judged = judge([RankedHit(name, 0.5) for name in "1234"], "a", {"l", "t", "never"}, shown)
    assert judged.right == (False, True, True)
    assert judged.relevant_count == 3
    assert judged.found == {"l": 2, "t": 3}
