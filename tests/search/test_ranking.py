"""From evidence to scores, shares and chains, by hand-made numbers."""

from __future__ import annotations

import math

import pytest

from packs.calibration import Calibration
from packs.spec import Modality
from services.search import ranking
from services.search.answer import Belief, Share, Step
from services.search.chains import Chain, Doubt, contradiction
from services.search.expansion import Path
from services.search.ports import Candidate, Evidence, FusedEvidence
from services.search.query import Task
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


# What a hit names is where its own chains start.
NAMED = ranking.named(0, Modality.FACE)


def fallback(*pieces: Evidence) -> FusedEvidence:
    return ranking.fallback(Candidate(pieces), CALIBRATION, Task.SEEN)


def direct(probability: float, modality: Modality = Modality.FACE) -> Direct:
    return Direct(probability, (Share(modality, 1.0),), (Evidence(0, modality, 0.7, 1.0, 1.0),))


def path(modality: Modality, seed: float = 0.9, edge: float = 0.8) -> Path:
    return Path("seed", (Step("seed", "it", modality, edge),), seed * edge)


def judge(known: Direct | None, chain: Path | None, seed: Direct | None = None, against: float = 0.0) -> Belief:
    linked = Chain(chain, against) if chain is not None else None
    score = ranking.score_of(known, linked, seed)
    return ranking.explain("it", score, known, linked, seed, CALIBRATION)


def test_the_step_of_a_direct_match_is_its_strongest_evidence() -> None:
    evidence = (face(0.6), body(0.9, part=1), face(-0.2, weight=-1.0, part=2))
    belief = judge(Direct(0.8, (Share(Modality.BODY, 0.7), Share(Modality.FACE, 0.3)), evidence), None)
    assert belief.chain == (Step(1, "it", Modality.BODY, pytest.approx(sigmoid(6.0)), 0.9),)
    assert belief.shares == (Share(Modality.BODY, 0.7), Share(Modality.FACE, 0.3))


def test_equal_evidence_is_told_by_the_long_term_key() -> None:
    belief = judge(Direct(0.9, (), (body(0.7), face(0.6))), None)
    assert belief.chain[0].modality is Modality.FACE


def test_where_nothing_speaks_for_it_what_was_compared_shares_alike() -> None:
    belief = judge(Direct(0.01, (), (body(0.1), face(0.1), face(0.0, part=1))), None)
    assert belief.shares == (Share(Modality.FACE, pytest.approx(2 / 3)), Share(Modality.BODY, pytest.approx(1 / 3)))


def test_without_fusion_the_strongest_modality_decides_less_what_is_rejected() -> None:
    alone = fallback(face(0.6), body(0.9))
    assert alone.probability == pytest.approx(sigmoid(6.0))
    assert alone.shares == (Share(Modality.BODY, 1.0),)
    less = fallback(face(0.6), body(0.9), face(0.7, weight=-0.5), face(0.1, weight=-1.0))
    assert less.probability == pytest.approx(sigmoid(6.0 - 0.5 * 4.0))
    assert fallback(face(0.6, weight=-1.0)) == FusedEvidence(0.0, ())


def test_a_direct_match_alone() -> None:
    belief = judge(direct(0.7), None)
    step = Step(0, "it", Modality.FACE, pytest.approx(sigmoid(4.0)), 0.7)
    assert belief == Belief("it", 0.7, (Share(Modality.FACE, 1.0),), (step,))


def test_a_chain_alone() -> None:
    belief = judge(None, path(Modality.BODY), direct(0.9))
    assert belief.score == pytest.approx(0.72)
    assert belief.shares == (Share(Modality.FACE, 0.5), Share(Modality.BODY, 0.5))
    assert [(step.source, step.target) for step in belief.chain] == [(0, "seed"), ("seed", "it")]


def test_a_face_that_was_adopted_and_a_chain_are_one_witness() -> None:
    known, chain, said = direct(0.7), Chain(path(Modality.BODY)), direct(0.9, Modality.VOICE)
    assert ranking.score_of(known, chain, said) == pytest.approx(1.0 - 0.3 * 0.28)
    assert ranking.score_of(known, chain, said, {0}) == pytest.approx(0.72)
    assert ranking.score_of(known, chain, said, {1}) == pytest.approx(1.0 - 0.3 * 0.28)
    # What its own body says is its own.
    assert ranking.score_of(direct(0.7, Modality.BODY), Chain(path(Modality.HEAD)), said, {0}) > 0.9
    belief = ranking.explain("it", 0.72, known, chain, direct(0.9), CALIBRATION, {0})
    assert belief.shares == (Share(Modality.FACE, 0.5), Share(Modality.BODY, 0.5))


@pytest.mark.parametrize(("known", "score"), [(0.9, 0.9), (0.3, 0.72)])
def test_a_portrait_that_is_like_both_ends_of_a_chain_is_one_witness(known: float, score: float) -> None:
    """Who looks like somebody's sister looks like her in all of her appearances."""
    belief = judge(direct(known), path(Modality.BODY), direct(0.9))
    assert belief.score == pytest.approx(score)
    # What the chain starts from was found by another key.
    assert judge(direct(known), path(Modality.HEAD), direct(0.9, Modality.BODY)).score > belief.score


def test_neither_is_a_mistake() -> None:
    assert ranking.score_of(None, None) == 0.0
    with pytest.raises(ValueError, match="neither"):
        judge(None, None)


@pytest.mark.parametrize(("known", "score", "steps"), [(0.9, 0.9, 1), (0.3, 0.72, 2)])
def test_of_dependent_reasons_the_stronger_counts(known: float, score: float, steps: int) -> None:
    belief = judge(direct(known), path(Modality.FACE), direct(0.9))
    assert belief.score == pytest.approx(score)
    assert len(belief.chain) == steps


@pytest.mark.parametrize(("known", "steps"), [(0.9, 1), (0.3, 2)])
def test_of_independent_reasons_either_is_enough(known: float, steps: int) -> None:
    belief = judge(direct(known), path(Modality.HEAD), direct(0.9, Modality.BODY))
    assert belief.score == pytest.approx(1.0 - (1.0 - known) * (1.0 - 0.72))
    assert len(belief.chain) == steps
    assert sum(share.share for share in belief.shares) == pytest.approx(1.0)
    assert {share.modality for share in belief.shares} == {Modality.FACE, Modality.HEAD, Modality.BODY}


@pytest.mark.parametrize(("known", "score"), [(0.9, 0.9), (0.3, 0.72)])
def test_what_a_hit_is_like_and_what_it_leads_to_are_one_witness(known: float, score: float) -> None:
    """A sister in the same film has her hair, and her face too."""
    assert judge(direct(known), path(Modality.BODY), NAMED).score == pytest.approx(score)


def test_a_different_face_contradicts_the_same_clothes() -> None:
    against = contradiction([face(0.3)], CALIBRATION, Doubt(1.0, 10.0, 0.4, 0.6))
    assert against == pytest.approx(-4.0)
    clothes = judge(direct(0.01), path(Modality.BODY), NAMED, against)
    assert clothes.score == pytest.approx(sigmoid(math.log(0.72 / 0.28) - 4.0))


def test_what_contradicts_is_bounded_needs_a_clear_face_and_is_never_in_favour() -> None:
    doubt = Doubt(weight=1.0, limit=4.0, unclear=0.4, clear=0.6)

    def said(*evidence: Evidence) -> float:
        return contradiction(evidence, CALIBRATION, doubt)

    assert said(face(-1.0)) == -4.0
    assert said(face(0.3, quality=0.3)) == 0.0
    assert said(face(0.3, quality=0.45)) == pytest.approx(-1.0)
    assert said(face(0.3), face(0.45, part=1)) == pytest.approx(-1.0)
    assert said(face(0.9)) == 0.0
    assert said(body(0.0)) == 0.0
    assert said(face(0.0, weight=-1.0)) == 0.0
    assert Doubt(1.0, 4.0, 0.5, 0.5).clearness(Modality.FACE, 0.5) == 1.0
    assert Doubt(1.0, 4.0, 0.5, 0.5).clearness(Modality.FACE, 0.4) == 0.0


def test_from_a_named_appearance_only_the_steps_count() -> None:
    belief = judge(None, path(Modality.BODY, seed=1.0), ranking.named(0, Modality.FACE))
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
    order = ranking.ranked({"c": 0.5, "b": 0.5 + 1e-12, "a": 0.4, "d": 0.9, "e": 0.3}, 0.4)
    assert [name for name, _ in order] == ["d", "b", "c", "a"]
    assert order[1] == ("b", 0.5)
    assert ranking.ranked({}, 0.0) == []


def test_mixed_shares_sum_to_one() -> None:
    mixed = ranking.mix([(0.2, [Share(Modality.FACE, 1.0)]), (0.6, [Share(Modality.BODY, 1.0)])])
    assert mixed == (Share(Modality.BODY, pytest.approx(0.75)), Share(Modality.FACE, pytest.approx(0.25)))
    assert ranking.mix([(0.0, [Share(Modality.FACE, 1.0)])]) == ()
