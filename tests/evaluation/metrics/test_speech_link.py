from evaluation.metrics.speech_link import ALONE, LinkedSpan, faces_on_screen, largest_face, linked_to

BOX = (0.0, 0.0, 100.0, 200.0)


def test_most_of_the_time_decides(line) -> None:
    spoken = line("l", 1.0, 2.0)
    pieces = [LinkedSpan(1.0, 1.3, "a"), LinkedSpan(1.3, 1.6, "b"), LinkedSpan(1.6, 1.9, "a"), LinkedSpan(3, 4, "c")]
    assert linked_to(spoken, pieces) == "a"
    assert linked_to(spoken, [LinkedSpan(0.9, 2.1, ALONE)]) == ALONE
    assert linked_to(spoken, [LinkedSpan(0.9, 2.1, "")]) == ""


def test_a_line_is_found_when_half_of_it_is(line) -> None:
    spoken = line("l", 1.0, 2.0)
    assert linked_to(spoken, [LinkedSpan(1.5, 2.5, "a")]) == "a"
    assert linked_to(spoken, [LinkedSpan(1.6, 2.5, "a")]) is None
    assert linked_to(spoken, [LinkedSpan(2.0, 3.0, "a")]) is None
    assert linked_to(spoken, []) is None


def test_a_face_counts_when_it_is_there_for_half_of_the_line(truth, line) -> None:
    spoken = line("l", 1.0, 2.0)  # frames 25 to 49
    people = [
        truth("whole", 0, 100, BOX, face=(0, 0, 30, 30)),
        truth("half", 37, 100, BOX, face=(0, 0, 30, 30)),
        truth("late", 38, 100, BOX, face=(0, 0, 30, 30)),
        truth("turned", 0, 100, BOX),
    ]
    assert faces_on_screen(spoken, people, 25.0) == 2


def test_the_largest_face_is_so_over_all_frames_of_the_line(truth, line) -> None:
    spoken = line("l", 1.0, 2.0)
    steady = truth("steady", 0, 100, BOX, identity="a", face=(0, 0, 30, 30))
    brief = truth("brief", 45, 100, BOX, identity="b", face=(0, 0, 50, 50))
    assert largest_face(spoken, [steady, brief], 25.0) == "a"
    assert largest_face(line("m", 1.7, 2.0), [steady, brief], 25.0) == "b"
    assert largest_face(spoken, [truth("turned", 0, 100, BOX)], 25.0) is None
    assert largest_face(spoken, [], 25.0) is None
