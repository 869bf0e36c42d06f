"""The samplings of APES, the fault of its code, and batches of identities."""

import numpy as np
import pytest

from training.data.balanced import balanced_rows
from training.data.triplets import Negatives, Sampling, Tracklets, TripletSampler

# Two videos with two people each, one video with one person; identities are unique over all videos.
IDENTITY = np.array([0, 0, 1, 2, 2, 2, 3, 4, 4])
VIDEO = np.array([0, 0, 0, 1, 1, 1, 1, 2, 2])
CAST = Tracklets(identity=IDENTITY, video=VIDEO)


def drawn(sampling: Sampling, *, negatives: Negatives = Negatives.RIGHT, times: int = 200):
    sampler = TripletSampler(CAST, sampling=sampling, negatives=negatives)
    anchors = np.tile(sampler.anchors, times)
    positives, found = sampler.draw(anchors, np.random.default_rng(0))
    return anchors, positives, found


def seen(anchors: np.ndarray, others: np.ndarray, anchor: int) -> set[int]:
    return set(others[anchors == anchor].tolist())


def test_weak_takes_the_tracklet_itself_and_any_other() -> None:
    anchors, positives, negatives = drawn(Sampling.WEAK)
    np.testing.assert_array_equal(positives, anchors)
    for anchor in range(9):
        assert seen(anchors, negatives, anchor) == set(range(9)) - {anchor}


def test_within_stays_in_the_video_and_leaves_the_person() -> None:
    anchors, positives, negatives = drawn(Sampling.WITHIN)
    assert (VIDEO[negatives] == VIDEO[anchors]).all()
    assert (IDENTITY[negatives] != IDENTITY[anchors]).all()
    assert (IDENTITY[positives] == IDENTITY[anchors]).all()
    assert seen(anchors, negatives, 3) == {6}
    assert seen(anchors, negatives, 6) == {3, 4, 5}


def test_within_has_no_anchors_in_a_video_of_one_person() -> None:
    sampler = TripletSampler(CAST, sampling=Sampling.WITHIN)
    assert sampler.anchors.tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_across_takes_everybody_else() -> None:
    anchors, positives, negatives = drawn(Sampling.ACROSS)
    assert (IDENTITY[positives] == IDENTITY[anchors]).all()
    for anchor in range(9):
        assert seen(anchors, negatives, anchor) == set(np.flatnonzero(IDENTITY[anchor] != IDENTITY).tolist())


def test_a_positive_is_another_tracklet_where_there_is_one() -> None:
    anchors, positives, _ = drawn(Sampling.ACROSS)
    assert seen(anchors, positives, 4) == {3, 5}
    assert seen(anchors, positives, 2) == {2}


@pytest.mark.parametrize("sampling", [Sampling.WITHIN, Sampling.ACROSS])
def test_the_published_negatives_are_anything_at_all(sampling: Sampling) -> None:
    """The fault: of the anchor's own person, of the anchor itself, of another video; and both samplings are one."""
    anchors, _, negatives = drawn(sampling, negatives=Negatives.PUBLISHED)
    for anchor in range(9):
        assert seen(anchors, negatives, anchor) == set(range(9))
    wrong = (IDENTITY[negatives] == IDENTITY[anchors]).mean()
    expected = np.mean([(identity == IDENTITY).mean() for identity in IDENTITY])
    assert wrong == pytest.approx(expected, abs=0.03)


def test_a_draw_is_the_generators() -> None:
    sampler = TripletSampler(CAST, sampling=Sampling.ACROSS)
    first, second = (sampler.draw(sampler.anchors, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_what_cannot_be_sampled_is_refused() -> None:
    with pytest.raises(ValueError, match="weak sampling was not published"):
        TripletSampler(CAST, sampling=Sampling.WEAK, negatives=Negatives.PUBLISHED)
    alone = Tracklets(identity=np.array([0, 0]), video=np.array([0, 0]))
    with pytest.raises(ValueError, match="none of 2 tracklets has a negative under across"):
        TripletSampler(alone, sampling=Sampling.ACROSS)


LABELS = np.repeat(np.arange(7), [5, 1, 3, 8, 2, 4, 6])


def people_of(step: int) -> list[int]:
    return LABELS[balanced_rows(LABELS, identities=3, each=4, step=step, seed=1)].tolist()


def test_a_batch_is_so_many_people_of_so_many_rows() -> None:
    for step in range(20):
        rows = balanced_rows(LABELS, identities=3, each=4, step=step, seed=1)
        people, counts = np.unique(LABELS[rows], return_counts=True)
        assert people.size == 3
        assert counts.tolist() == [4, 4, 4]
        for person in people:
            own = rows[LABELS[rows] == person]
            # Rows are repeated only by those who have too few.
            assert np.unique(own).size == min(4, int((person == LABELS).sum()))


def test_an_epoch_visits_everybody() -> None:
    for epoch in range(3):
        visited = [person for step in range(3 * epoch, 3 * epoch + 3) for person in people_of(step)]
        assert set(visited) == set(range(7))
        assert len(visited) == 36


def test_a_step_draws_the_same_rows_each_time_and_other_steps_others() -> None:
    assert people_of(4) == people_of(4)
    rows = [balanced_rows(LABELS, identities=3, each=4, step=step, seed=1).tolist() for step in range(6)]
    assert len({tuple(row) for row in rows}) == 6


@pytest.mark.parametrize(
    ("identities", "each", "message"), [(1, 4, "at least 2 of 2"), (3, 1, "at least 2 of 2"), (8, 2, "got 7 people")]
)
def test_batches_that_teach_nothing_are_refused(identities: int, each: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        balanced_rows(LABELS, identities=identities, each=each, step=0, seed=0)
