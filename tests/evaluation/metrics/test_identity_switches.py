import numpy as np
import pytest

from evaluation.metrics.identity_switches import count_switches
from evaluation.tubes import Tube, pairwise_iou

LEFT, RIGHT = (0.0, 0.0, 10.0, 20.0), (100.0, 0.0, 110.0, 20.0)


def oracle(truth: list[Tube], predicted: list[Tube]) -> list[int]:
    """CLEAR-MOT frame by frame, with every assignment of the rest tried."""
    last: dict[int, tuple[int, int]] = {}
    switches = [0] * len(truth)
    for frame in range(200):
        here = {i: t.boxes[t.frames.tolist().index(frame)] for i, t in enumerate(truth) if frame in t.frames}
        there = {j: p.boxes[p.frames.tolist().index(frame)] for j, p in enumerate(predicted) if frame in p.frames}
        iou = {(i, j): float(pairwise_iou(a[None], b[None])[0, 0]) for i, a in here.items() for j, b in there.items()}
        matches: dict[int, int] = {}
        for i in sorted(here, key=lambda i: (-last.get(i, (0, -1))[1], i)):
            if i in last and iou.get((i, last[i][0]), 0) >= 0.5 and last[i][0] not in matches.values():
                matches[i] = last[i][0]
        matches |= best_assignment([i for i in here if i not in matches], set(there) - set(matches.values()), iou)
        for i, j in matches.items():
            switches[i] += i in last and last[i][0] != j
            last[i] = (j, frame)
    return switches


def best_assignment(rows: list[int], columns: set[int], iou: dict[tuple[int, int], float]) -> dict[int, int]:
    """Try everything: each row takes a column at 0.5 or nothing; the largest sum of IoU wins."""
    if not rows:
        return {}
    first, rest = rows[0], rows[1:]
    taken = [column for column in columns if iou[first, column] >= 0.5]
    choices = [{first: column} | best_assignment(rest, columns - {column}, iou) for column in taken]
    return max(
        [best_assignment(rest, columns, iou), *choices], key=lambda chosen: sum(iou[pair] for pair in chosen.items())
    )


def test_a_faithful_tracker_never_switches(tube) -> None:
    people = [tube(0, 50, LEFT), tube(0, 50, RIGHT)]
    assert count_switches(people, people).tolist() == [0, 0]


def test_an_exchange_in_the_middle_is_one_switch_each(tube) -> None:
    people = [tube(0, 50, LEFT), tube(0, 50, RIGHT)]
    first = tube(0, 25, LEFT)
    crossed = [
        Tube(np.arange(50), np.vstack([first.boxes, tube(25, 50, RIGHT).boxes])),
        Tube(np.arange(50), np.vstack([tube(0, 25, RIGHT).boxes, tube(25, 50, LEFT).boxes])),
    ]
    assert count_switches(people, crossed).tolist() == [1, 1]


def test_a_broken_track_is_one_switch_and_a_gap_alone_is_none(tube) -> None:
    person = [tube(0, 60, LEFT)]
    assert count_switches(person, [tube(0, 20, LEFT), tube(30, 60, LEFT)]).tolist() == [1]
    with_gap = tube(0, 60, LEFT).at(np.r_[0:20, 40:60])
    assert count_switches(person, [with_gap]).tolist() == [0]


def test_an_earlier_match_is_kept_while_it_holds(tube) -> None:
    loose = tube(0, 40, (0.0, 0.0, 10.0, 24.0))
    tight = tube(10, 40, LEFT)
    assert count_switches([tube(0, 40, LEFT)], [loose, tight]).tolist() == [0]


def test_nobody_at_all(tube) -> None:
    assert count_switches([], [tube(0, 5, LEFT)]).tolist() == []
    assert count_switches([tube(0, 5, LEFT)], []).tolist() == [0]


@pytest.mark.parametrize("seed", range(12))
def test_it_is_its_definition_on_random_tubes(seed: int) -> None:
    random = np.random.default_rng(seed)

    def walk(start: int, end: int) -> Tube:
        corners = random.uniform(0, 14, size=2) + np.cumsum(random.normal(0, 1.0, size=(end - start, 2)), axis=0)
        return Tube(np.arange(start, end), np.hstack([corners, corners + 20]))

    truth = [walk(*sorted(random.choice(100, size=2, replace=False))) for _ in range(4)]
    predicted = [walk(*sorted(random.choice(100, size=2, replace=False))) for _ in range(6)]
    assert count_switches(truth, predicted).tolist() == oracle(truth, predicted)
