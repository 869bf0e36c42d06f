"""The arithmetic of evidence."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from packs.calibration import Calibration
from packs.spec import Modality
from services.fusion.fusing import Evidence, Fuser
from services.fusion.settings import FusionSettings

FACE, BODY, HEAD = Modality.FACE, Modality.BODY, Modality.HEAD
CALIBRATION = {FACE: Calibration(slope=20.0, intercept=-10.0), BODY: Calibration(slope=10.0, intercept=-6.0)}
EVEN = FusionSettings(prior_log_odds=0.0)


@pytest.fixture
def fuser() -> Fuser:
    return Fuser(CALIBRATION, EVEN)


def probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def test_one_modality_is_its_calibration(fuser: Fuser) -> None:
    for cosine in (-1.0, 0.0, 0.5, 0.7):
        fused = fuser.fuse([Evidence(FACE, cosine)])
        expected = probability(max(-12.0, 20 * cosine - 10))
        assert fused.probability == pytest.approx(expected)
        assert [(share.modality, share.share) for share in fused.shares] == [(FACE, 1.0)]


def test_only_faces_rank_as_a_plain_face_search(fuser: Fuser) -> None:
    cosines = np.random.default_rng(1).uniform(-0.05, 1.0, 50)
    scores = [fuser.fuse([Evidence(FACE, cosine)]).probability for cosine in cosines]
    assert list(np.argsort(scores)) == list(np.argsort(cosines))


def test_log_odds_add_up_with_the_prior() -> None:
    fuser = Fuser(CALIBRATION, FusionSettings(prior_log_odds=-3.0))
    fused = fuser.fuse([Evidence(FACE, 0.6), Evidence(BODY, 0.7)])
    assert fused.probability == pytest.approx(probability(-3 + 2 + 1))
    assert [(each.modality, pytest.approx(each.share)) for each in fused.shares] == [(FACE, 2 / 3), (BODY, 1 / 3)]


def test_a_modality_that_speaks_against_takes_away_and_has_no_share(fuser: Fuser) -> None:
    fused = fuser.fuse([Evidence(FACE, 0.6), Evidence(BODY, 0.3)])
    assert fused.probability == pytest.approx(probability(2 - 3))
    assert [(each.modality, each.share) for each in fused.shares] == [(FACE, 1.0)]


def test_the_strongest_of_a_modality_counts(fuser: Fuser) -> None:
    pieces = [Evidence(FACE, 0.55), Evidence(FACE, 0.6), Evidence(FACE, 0.2)]
    for order in itertools.permutations(pieces):
        assert fuser.fuse(order) == fuser.fuse([Evidence(FACE, 0.6)])


def test_a_weight_scales(fuser: Fuser) -> None:
    assert fuser.fuse([Evidence(FACE, 0.6, weight=0.5)]).probability == pytest.approx(probability(1))


def test_without_evidence_there_is_nothing(fuser: Fuser) -> None:
    for pieces in ([], [Evidence(HEAD, 0.9)], [Evidence(FACE, 0.9, weight=0.0)], [Evidence(FACE, 0.9, weight=-1.0)]):
        fused = fuser.fuse(pieces)
        assert (fused.probability, fused.shares) == (0.0, ())


def test_likeness_to_the_rejected_takes_away(fuser: Fuser) -> None:
    both = fuser.fuse([Evidence(FACE, 0.7), Evidence(FACE, 0.6, weight=-0.5)])
    assert both.probability == pytest.approx(probability(4 - 1))
    assert [(each.modality, each.share) for each in both.shares] == [(FACE, 1.0)]


def test_not_looking_like_the_rejected_gives_nothing(fuser: Fuser) -> None:
    assert fuser.fuse([Evidence(FACE, 0.6), Evidence(FACE, -1.0, weight=-1.0)]) == fuser.fuse([Evidence(FACE, 0.6)])


def test_shares_sum_to_one_over_what_there_is(fuser: Fuser) -> None:
    chance = np.random.default_rng(2)
    for _ in range(200):
        modalities = [modality for modality in (FACE, BODY, HEAD) if chance.random() < 0.7]
        pieces = [Evidence(modality, chance.uniform(-1, 1), chance.uniform(0.1, 1)) for modality in modalities]
        fused = fuser.fuse(pieces)
        shares = {each.modality: each.share for each in fused.shares}
        assert set(shares) <= set(modalities) & set(CALIBRATION)
        assert bool(shares) == bool(set(modalities) & set(CALIBRATION))
        if shares:
            assert sum(shares.values()) == pytest.approx(1.0)
            assert all(0 < share <= 1 for share in shares.values())
        assert list(shares.values()) == sorted(shares.values(), reverse=True)


def test_one_modality_cannot_decide_without_limit() -> None:
    steep = {FACE: Calibration(slope=200.0, intercept=-100.0)}
    fused = Fuser(steep, FusionSettings(prior_log_odds=0.0, limit_log_odds=5.0)).fuse([Evidence(FACE, 1.0)])
    assert fused.probability == pytest.approx(probability(5))
