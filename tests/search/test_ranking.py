"""From evidence to scores, shares and chains, by hand-made numbers."""

from __future__ import annotations

import math

import pytest

from packs.calibration import Calibration
from packs.spec import Modality
from services.search import ranking
from services.search.answer import Belief, Share, Step
from services.search.expansion import Path
from services.search.ports import Evidence, FusedEvidence
from services.search.ranking import Direct

CALIBRATION = {
    Modality.FACE: Calibration(slope=20.0, intercept=-10.0),
    Modality.BODY: Calibration(slope=20.0, intercept=-12.0),
}


def sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


def face(cosine: float, weight: float = 1.0, part: int = 0, quality: float = 1.0) -> Evidence:
    return Evidence(part, Modality.FACE, cosine, weight, quality)


def body(cosine: float, weight: float = 1.0, part: int = 0) -> Evidence:
    return Evidence(part, Modality.BODY, cosine, weight, 1.0)


def direct(target: str, probability: float, modality: Modality = Modality.FACE) -> Direct:
    return Direct(probability, (Share(modality, 1.0),), Step(0, target, modality, probability, 0.7))


def path(modality: Modality, seed: float = 0.9, edge: float = 0.8) -> Path:
    return Path("seed", (Step("seed", "it", modality, edge),), seed * edge)


def test_the_step_of_a_direct_match_is_its_strongest_evidence() -> None:
    evidence = [face(0.6), body(0.9, part=1), face(-0.2, weight=-1.0, part=2)]
    fused = FusedEvidence(0.8, (Share(Modality.BODY, 0.7), Share(Modality.FACE, 0.3)))
    belief = ranking.direct_from("it", evidence, fused, CALIBRATION)
    assert belief == Direct(0.8, fused.shares, Step(1, "it", Modality.BODY, sigmoid(6.0), 0.9))


def test_equal_evidence_is_told_by_the_long_term_key() -> None:
    belief = ranking.direct_from("it", [body(0.7), face(0.6)], FusedEvidence(0.9, ()), CALIBRATION)
    assert belief is not None
    assert belief.step.modality is Modality.FACE


def test_what_only_a_rejected_part_matches_is_no_match() -> None:
    assert ranking.direct_from("it", [face(0.9, weight=-1.0)], FusedEvidence(0.0, ()), CALIBRATION) is None


def test_without_fusion_the_strongest_modality_decides_less_what_is_rejected() -> None:
    alone = ranking.strongest([face(0.6), body(0.9)], CALIBRATION)
    assert alone.probability == pytest.approx(sigmoid(6.0))
    assert alone.shares == (Share(Modality.BODY, 1.0),)
    less = ranking.strongest([face(0.6), body(0.9), face(0.7, weight=-0.5), face(0.1, weight=-1.0)], CALIBRATION)
    assert less.probability == pytest.approx(sigmoid(6.0 - 0.5 * 4.0))
    assert ranking.strongest([face(0.6, weight=-1.0)], CALIBRATION) == FusedEvidence(0.0, ())


def test_a_direct_match_alone() -> None:
    belief = ranking.judge("it", direct("it", 0.7), None, None)
    assert belief == Belief("it", 0.7, (Share(Modality.FACE, 1.0),), (Step(0, "it", Modality.FACE, 0.7, 0.7),))


def test_a_chain_alone() -> None:
    belief = ranking.judge("it", None, path(Modality.BODY), direct("seed", 0.9))
    assert belief.score == pytest.approx(0.72)
    assert belief.shares == (Share(Modality.FACE, 0.5), Share(Modality.BODY, 0.5))
    assert [(step.source, step.target) for step in belief.chain] == [(0, "seed"), ("seed", "it")]


def test_neither_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="neither"):
        ranking.judge("it", None, None, None)


@pytest.mark.parametrize(("known", "score", "steps"), [(0.9, 0.9, 1), (0.3, 0.72, 2)])
def test_of_dependent_reasons_the_stronger_counts(known: float, score: float, steps: int) -> None:
    belief = ranking.judge("it", direct("it", known), path(Modality.FACE), direct("seed", 0.9))
    assert belief.score == pytest.approx(score)
    assert len(belief.chain) == steps


@pytest.mark.parametrize(("known", "steps"), [(0.9, 1), (0.3, 2)])
def test_of_independent_reasons_either_is_enough(known: float, steps: int) -> None:
    belief = ranking.judge("it", direct("it", known), path(Modality.BODY), direct("seed", 0.9))
    assert belief.score == pytest.approx(1.0 - (1.0 - known) * (1.0 - 0.72))
    assert len(belief.chain) == steps
    assert sum(share.share for share in belief.shares) == pytest.approx(1.0)
    assert {share.modality for share in belief.shares} == {Modality.FACE, Modality.BODY}


def test_a_different_face_contradicts_the_same_clothes() -> None:
    against = ranking.contradiction([face(0.3)], CALIBRATION, weight=1.0, limit=10.0)
    assert against == pytest.approx(-4.0)
    clothes = ranking.judge("it", direct("it", 0.01), path(Modality.BODY), direct("seed", 0.9), against)
    assert clothes.score == pytest.approx(1.0 - 0.99 * (1.0 - sigmoid(math.log(0.72 / 0.28) - 4.0)))
    faces = ranking.judge("it", direct("it", 0.01), path(Modality.FACE), direct("seed", 0.9), against)
    assert faces.score == pytest.approx(0.72)


def test_what_contradicts_is_bounded_tempered_and_never_in_favour() -> None:
    assert ranking.contradiction([face(-1.0)], CALIBRATION, weight=1.0, limit=4.0) == -4.0
    assert ranking.contradiction([face(0.3, quality=0.25)], CALIBRATION, 1.0, 4.0) == pytest.approx(-1.0)
    assert ranking.contradiction([face(0.3), face(0.45, part=1)], CALIBRATION, 1.0, 4.0) == pytest.approx(-1.0)
    assert ranking.contradiction([face(0.9)], CALIBRATION, 1.0, 4.0) == 0.0
    assert ranking.contradiction([body(0.0)], CALIBRATION, 1.0, 4.0) == 0.0
    assert ranking.contradiction([face(0.0, weight=-1.0)], CALIBRATION, 1.0, 4.0) == 0.0


def test_from_a_named_appearance_only_the_steps_count() -> None:
    named = ranking.given(0, "seed", Modality.FACE)
    belief = ranking.judge("it", None, path(Modality.BODY, seed=1.0), named)
    assert belief.shares == (Share(Modality.BODY, 1.0),)
    assert belief.score == pytest.approx(0.8)
    assert belief.chain[0] == Step(0, "seed", Modality.FACE, 1.0, 1.0)


def test_competition() -> None:
    assert ranking.compete(0.9, [], 4.0) == 0.9
    assert ranking.compete(0.0, [(-1.0, 0.0)], 4.0) == 0.0
    assert ranking.compete(0.8, [(-1.0, 0.8)], 4.0) == pytest.approx(0.4)
    assert ranking.compete(0.8, [(-0.5, 0.8)], 4.0) == pytest.approx(0.6)
    assert ranking.compete(0.9, [(-1.0, 0.3)], 4.0) > 0.88
    assert ranking.compete(0.3, [(-1.0, 0.9)], 4.0) < 0.01
    several = ranking.compete(0.8, [(-1.0, 0.2), (-1.0, 0.8)], 4.0)
    assert several == ranking.compete(0.8, [(-1.0, 0.8)], 4.0)


def test_ranked_by_score_then_id_in_single_precision() -> None:
    def belief(name: str, score: float) -> Belief:
        return Belief(name, score, (), ())

    order = ranking.ranked([belief("c", 0.5), belief("b", 0.5 + 1e-12), belief("a", 0.4), belief("d", 0.9)], 0.4)
    assert [one.appearance_id for one in order] == ["d", "b", "c", "a"]


def test_mixed_shares_sum_to_one() -> None:
    mixed = ranking.mix([(0.2, [Share(Modality.FACE, 1.0)]), (0.6, [Share(Modality.BODY, 1.0)])])
    assert mixed == (Share(Modality.BODY, pytest.approx(0.75)), Share(Modality.FACE, pytest.approx(0.25)))
    assert ranking.mix([(0.0, [Share(Modality.FACE, 1.0)])]) == ()
