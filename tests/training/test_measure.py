import numpy as np
import pytest

from packs.detections import Detections
from training.data.frames import Boxes
from training.measure.detection import class_figures
from training.measure.evidence import _strangers, equal_error_rate, fit_evidence, tracklet_like_groups
from training.measure.retrieval import average_precision, chance, retrieve
from training.measure.served import unit


def test_average_precision_by_hand() -> None:
    # right at ranks 1, 3 and 6: (1/1 + 2/3 + 3/6) / 3
    assert average_precision(np.array([1, 0, 1, 0, 0, 1], dtype=bool)) == pytest.approx((1 + 2 / 3 + 1 / 2) / 3)
    assert average_precision(np.zeros(4, dtype=bool)) == 0.0


def test_a_query_never_meets_its_own_view() -> None:
    vectors = unit(np.array([[1, 0], [1, 0.01], [0, 1], [1, 0.2]], np.float32))
    result = retrieve(vectors, np.array([7, 7, 8, 8]), same_view=np.array([0, 0, 1, 2]))
    # rows 0 and 1 are one view, so neither has anything to find
    assert result.queries.tolist() == [2, 3]
    # row 3's nearest are rows 0 and 1; its own (row 2) comes last
    assert result.average_precision.tolist() == pytest.approx([1.0, 1 / 3])
    assert result.first_right.tolist() == [True, False]


def test_a_query_stays_within_its_scene() -> None:
    vectors = unit(np.array([[1, 0], [0, 1], [1, 0.2], [1, 0.1], [1, 0]], np.float32))
    identity, scene = np.array([1, 1, 2, 2, 1]), np.array([5, 5, 5, 6, 6])
    result = retrieve(vectors, identity, same_view=np.arange(5), within=scene)
    # Only rows 0 and 1 have somebody to find in their scene; row 2 comes first for both.
    assert result.queries.tolist() == [0, 1]
    assert result.average_precision.tolist() == [0.5, 0.5]


def test_chance_is_chance() -> None:
    keys = np.arange(400) % 10
    figures = retrieve(chance(400), keys, same_view=np.arange(400)).figures()
    assert figures["map"] == pytest.approx(0.1, abs=0.02)


def detections(boxes, scores) -> Detections:
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), np.zeros(len(scores), np.int32)
    )


def truth(boxes, ignored) -> Boxes:
    return Boxes(np.array(boxes, np.float32).reshape(-1, 4), np.zeros(len(boxes), np.int64), np.array(ignored, bool))


def test_detection_figures_by_hand() -> None:
    found = [detections([[0, 0, 10, 10], [0, 0, 9, 10], [50, 50, 60, 60]], [0.9, 0.8, 0.7]), detections([], [])]
    wanted = [truth([[0, 0, 10, 10], [50, 50, 60, 61]], [False, False]), truth([[5, 5, 9, 9]], [False])]
    figures = class_figures(found, wanted, 0)
    # ranks: right, double (wrong), right; recall 1/3 at precision 1, 2/3 at 2/3
    assert figures.average_precision == pytest.approx(1 / 3 + 1 / 3 * 2 / 3, abs=1e-4)
    assert (figures.boxes, figures.best_threshold) == (3, 0.7)


def test_a_detection_on_an_ignored_box_counts_neither_way() -> None:
    found = [detections([[0, 0, 10, 10], [50, 50, 60, 60]], [0.9, 0.8])]
    figures = class_figures(found, [truth([[0, 0, 10, 10], [50, 50, 60, 60]], [True, False])], 0)
    assert (figures.average_precision, figures.boxes) == (1.0, 1)


def test_evidence_tells_clear_people_apart() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(12, 16))
    owners = np.repeat(np.arange(12), 8)
    embeddings = (centres[owners] + 0.3 * rng.normal(size=(96, 16))).astype(np.float32)
    groups = tracklet_like_groups(embeddings, owners, owners, seed=1)
    assert np.allclose(np.linalg.norm(groups.vectors, axis=1), 1.0, atol=1e-5)
    evidence = fit_evidence(groups, seed=1)
    assert evidence.equal_error < 0.02
    assert evidence.calibration.probability(0.98) > 0.9
    assert evidence.calibration.probability(0.0) < 0.1


def test_evidence_never_compares_a_person_with_himself_in_other_clothes() -> None:
    embeddings = np.eye(4, dtype=np.float32)[[0, 0, 1, 1, 2, 2]] + 0.01
    groups = tracklet_like_groups(embeddings, np.array([10, 10, 11, 11, 20, 20]), np.array([1, 1, 1, 1, 2, 2]), seed=3)
    evidence = fit_evidence(groups, seed=3)
    expected = sum(1 for i in range(len(groups.keys)) for j in range(i) if groups.owners[i] != groups.owners[j])
    assert evidence.negatives == expected


def test_evidence_needs_pairs() -> None:
    groups = tracklet_like_groups(np.eye(3, dtype=np.float32), np.arange(3), np.arange(3), seed=0)
    with pytest.raises(ValueError, match="no two groups"):
        fit_evidence(groups, seed=0)


def test_equal_error_rate_of_separable_and_mixed_scores() -> None:
    assert equal_error_rate(np.array([0.9, 0.8, 0.2, 0.1]), np.array([True, True, False, False])) == 0.0
    assert equal_error_rate(np.array([0.9, 0.8, 0.2, 0.1]), np.array([True, False, True, False])) == 0.5


def test_half_of_the_strangers_are_near() -> None:
    embeddings = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    owners, scene = np.repeat(np.arange(20), 3), np.repeat(np.arange(5), 12)
    groups = tracklet_like_groups(embeddings, owners, owners, seed=0, near=scene, sizes=(1,))
    first, second = np.triu_indices(60, k=1)
    picked = _strangers(groups, first, second, 80, np.random.default_rng(1))
    near = scene[first[picked]] == scene[second[picked]]
    assert (picked.size, near.sum()) == (80, 40)
    assert (owners[first[picked]] != owners[second[picked]]).all()
