"""The arithmetic of evidence."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from packs.calibration import Calibration
from packs.spec import Modality
from services.fusion.fusing import Aspect, Candidate, Evidence, Fuser
from services.fusion.settings import FusionSettings

FACE, BODY, HEAD, VOICE = Modality.FACE, Modality.BODY, Modality.HEAD, Modality.VOICE
CALIBRATION = {FACE: Calibration(slope=20.0, intercept=-10.0), BODY: Calibration(slope=10.0, intercept=-6.0)}
HEARING = {**CALIBRATION, VOICE: Calibration(slope=16.0, intercept=-6.0)}
EVEN = FusionSettings(prior_log_odds=0.0)


@pytest.fixture
def fuser() -> Fuser:
    return Fuser(CALIBRATION, EVEN)


def given(*pieces: Evidence, speaker: float = 1.0) -> Candidate:
    return Candidate(pieces, speaker)


def probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def test_one_modality_is_its_calibration(fuser: Fuser) -> None:
    for cosine in (-1.0, 0.0, 0.5, 0.7):
        fused = fuser.fuse(given(Evidence(FACE, cosine)))
        expected = probability(max(-12.0, 20 * cosine - 10))
        assert fused.probability == pytest.approx(expected)
        assert [(share.modality, share.share) for share in fused.shares] == [(FACE, 1.0)]


def test_only_faces_rank_as_a_plain_face_search(fuser: Fuser) -> None:
    cosines = np.random.default_rng(1).uniform(-0.05, 1.0, 50)
    scores = [fuser.fuse(given(Evidence(FACE, cosine))).probability for cosine in cosines]
    assert list(np.argsort(scores)) == list(np.argsort(cosines))


def test_log_odds_add_up_with_the_prior() -> None:
    fuser = Fuser(CALIBRATION, FusionSettings(prior_log_odds=-3.0))
    fused = fuser.fuse(given(Evidence(FACE, 0.6), Evidence(BODY, 0.7)))
    assert fused.probability == pytest.approx(probability(-3 + 2 + 1))
    assert [(each.modality, pytest.approx(each.share)) for each in fused.shares] == [(FACE, 2 / 3), (BODY, 1 / 3)]


def test_a_modality_that_speaks_against_takes_away_and_has_no_share(fuser: Fuser) -> None:
    fused = fuser.fuse(given(Evidence(FACE, 0.6), Evidence(BODY, 0.3)))
    assert fused.probability == pytest.approx(probability(2 - 3))
    assert [(each.modality, each.share) for each in fused.shares] == [(FACE, 1.0)]


def test_the_strongest_of_a_modality_counts(fuser: Fuser) -> None:
    pieces = [Evidence(FACE, 0.55), Evidence(FACE, 0.6), Evidence(FACE, 0.2)]
    for order in itertools.permutations(pieces):
        assert fuser.fuse(given(*order)) == fuser.fuse(given(Evidence(FACE, 0.6)))


def test_a_weight_scales(fuser: Fuser) -> None:
    assert fuser.fuse(given(Evidence(FACE, 0.6, weight=0.5))).probability == pytest.approx(probability(1))


def test_without_evidence_there_is_nothing(fuser: Fuser) -> None:
    for pieces in ([], [Evidence(HEAD, 0.9)], [Evidence(FACE, 0.9, weight=0.0)], [Evidence(FACE, 0.9, weight=-1.0)]):
        fused = fuser.fuse(given(*pieces))
        assert (fused.probability, fused.shares) == (0.0, ())


def test_likeness_to_the_rejected_takes_away(fuser: Fuser) -> None:
    both = fuser.fuse(given(Evidence(FACE, 0.7), Evidence(FACE, 0.6, weight=-0.5)))
    assert both.probability == pytest.approx(probability(4 - 1))
    assert [(each.modality, each.share) for each in both.shares] == [(FACE, 1.0)]


def test_not_looking_like_the_rejected_gives_nothing(fuser: Fuser) -> None:
    assert fuser.fuse(given(Evidence(FACE, 0.6), Evidence(FACE, -1.0, weight=-1.0))) == fuser.fuse(
        given(Evidence(FACE, 0.6))
    )


def test_shares_sum_to_one_over_what_there_is(fuser: Fuser) -> None:
    chance = np.random.default_rng(2)
    for _ in range(200):
        modalities = [modality for modality in (FACE, BODY, HEAD) if chance.random() < 0.7]
        pieces = [Evidence(modality, chance.uniform(-1, 1), chance.uniform(0.1, 1)) for modality in modalities]
        fused = fuser.fuse(given(*pieces))
        shares = {each.modality: each.share for each in fused.shares}
        assert set(shares) <= set(modalities) & set(CALIBRATION)
        assert bool(shares) == bool(set(modalities) & set(CALIBRATION))
        if shares:
            assert sum(shares.values()) == pytest.approx(1.0)
            assert all(0 < share <= 1 for share in shares.values())
        assert list(shares.values()) == sorted(shares.values(), reverse=True)


def test_one_modality_cannot_decide_without_limit() -> None:
    steep = {FACE: Calibration(slope=200.0, intercept=-100.0)}
    fused = Fuser(steep, FusionSettings(prior_log_odds=0.0, limit_log_odds=5.0)).fuse(given(Evidence(FACE, 1.0)))
    assert fused.probability == pytest.approx(probability(5))


# ---- who is seen and who is heard --------------------------------------------------------------------------------

PRIOR = -3.0
RARE = probability(PRIOR)


@pytest.fixture
def hearing() -> Fuser:
    return Fuser(HEARING, FusionSettings(prior_log_odds=PRIOR))


def at(modality: Modality, nats: float, weight: float = 1.0, quality: float = 1.0) -> Evidence:
    """Evidence that says so many nats at full trust."""
    line = HEARING[modality]
    return Evidence(modality, (nats - line.intercept) / line.slope, weight, quality)


def joint(looks: float, voice: float, speaker: float) -> dict[Aspect, float]:
    """The same question by going through every world: who is seen, who is heard, and whether they are one person."""
    seen = heard = both = total = 0.0
    for one, is_seen, is_heard in itertools.product((True, False), repeat=3):
        if one and is_seen is not is_heard:
            continue
        chance = speaker if one else 1.0 - speaker
        chance *= RARE if is_seen else 1.0 - RARE
        if not one:
            chance *= RARE if is_heard else 1.0 - RARE
        chance *= (math.exp(looks) if is_seen else 1.0) * (math.exp(voice) if is_heard else 1.0)
        total += chance
        seen += chance * is_seen
        heard += chance * is_heard
        both += chance * (one and is_seen)
    return {Aspect.SEEN: seen / total, Aspect.HEARD: heard / total, Aspect.SEEN_AND_HEARD: both / total}


def test_a_link_is_weighed_as_all_possible_worlds_are(hearing: Fuser) -> None:
    chance = np.random.default_rng(4)
    for _ in range(100):
        looks, voice, speaker = chance.uniform(-6, 6), chance.uniform(-6, 6), chance.uniform(0, 1)
        expected = joint(looks, voice, speaker)
        candidate = given(at(FACE, looks), at(VOICE, voice), speaker=speaker)
        for aspect in Aspect:
            assert hearing.fuse(candidate, aspect).probability == pytest.approx(expected[aspect])


def test_a_sure_link_adds_up_as_ever(hearing: Fuser) -> None:
    for aspect in Aspect:
        fused = hearing.fuse(given(at(FACE, 2.0), at(BODY, 1.0), at(VOICE, 3.0)), aspect)
        assert fused.probability == pytest.approx(probability(PRIOR + 6.0))
        assert [(each.modality, pytest.approx(each.share)) for each in fused.shares] == [
            (VOICE, 3 / 6),
            (FACE, 2 / 6),
            (BODY, 1 / 6),
        ]


def test_a_voice_that_may_be_somebody_elses_shows_nobody_surely(hearing: Fuser) -> None:
    candidate = given(at(VOICE, 12.0), speaker=0.7)
    assert hearing.fuse(candidate, Aspect.HEARD).probability == pytest.approx(probability(PRIOR + 12.0))
    assert hearing.fuse(candidate, Aspect.SEEN).probability == pytest.approx(0.7 + 0.3 * RARE, abs=1e-3)


def test_a_face_that_says_no_undoes_a_wrong_link(hearing: Fuser) -> None:
    candidate = given(at(FACE, -8.0), at(VOICE, 10.0), speaker=0.8)
    assert hearing.fuse(candidate, Aspect.SEEN).probability < RARE
    assert hearing.fuse(candidate, Aspect.HEARD).probability > 0.95
    assert hearing.fuse(candidate, Aspect.SEEN_AND_HEARD).probability < 0.01


def test_who_is_heard_of_a_face_alone_is_as_sure_as_the_link(hearing: Fuser) -> None:
    candidate = given(at(FACE, 12.0), speaker=0.6)
    assert hearing.fuse(candidate, Aspect.SEEN).probability == pytest.approx(probability(PRIOR + 12.0))
    assert hearing.fuse(candidate, Aspect.HEARD).probability == pytest.approx(0.6 + 0.4 * RARE, abs=1e-3)


def test_a_voice_row_that_says_nothing_changes_nothing(hearing: Fuser) -> None:
    """Without any speech behind it, at any cosine; or with a cosine that speaks for neither."""
    chance = np.random.default_rng(5)
    for _ in range(200):
        modalities = [modality for modality in (FACE, BODY) if chance.random() < 0.7]
        pieces = [at(modality, chance.uniform(-8, 8), chance.choice([-0.5, 0.3, 1.0])) for modality in modalities]
        speaker = chance.uniform(0, 1)
        silent = Evidence(VOICE, chance.uniform(-1, 1), chance.choice([-1.0, 1.0]), quality=0.0)
        for aspect in Aspect:
            alone = hearing.fuse(given(*pieces, speaker=speaker), aspect)
            assert hearing.fuse(given(*pieces, silent, speaker=speaker), aspect) == alone
            if any(piece.weight > 0 for piece in pieces):
                undecided = hearing.fuse(given(*pieces, at(VOICE, 0.0), speaker=speaker), aspect)
                assert undecided.probability == pytest.approx(alone.probability)


def test_an_absent_modality_has_no_weight_and_no_share(hearing: Fuser) -> None:
    chance = np.random.default_rng(6)
    for _ in range(200):
        modalities = [modality for modality in (FACE, BODY, VOICE) if chance.random() < 0.6]
        pieces = [at(modality, chance.uniform(-8, 8), quality=chance.uniform(0.1, 1)) for modality in modalities]
        for aspect in Aspect:
            fused = hearing.fuse(given(*pieces, speaker=chance.uniform(0.05, 1)), aspect)
            shares = {each.modality: each.share for each in fused.shares}
            assert set(shares) <= set(modalities)
            assert sum(shares.values()) == pytest.approx(1.0 if modalities else 0.0)
            assert 0.0 <= fused.probability <= 1.0


def test_the_less_speech_the_less_it_says_for_and_against(hearing: Fuser) -> None:
    for nats, direction in ((6.0, 1), (-6.0, -1)):
        given_speech = [hearing.fuse(given(at(VOICE, nats, quality=s / (s + 1)))).probability for s in (0.1, 0.3, 1, 5)]
        assert given_speech == sorted(given_speech, reverse=direction < 0)
        assert all(direction * (one - RARE) > 0 for one in given_speech)


def test_a_rejected_voice_takes_from_who_is_heard(hearing: Fuser) -> None:
    candidate = given(at(FACE, 6.0), at(VOICE, 6.0), at(VOICE, 5.0, weight=-1.0))
    assert hearing.fuse(candidate, Aspect.HEARD).probability == pytest.approx(probability(PRIOR + 7.0))
