"""Fusion by a network: who is compared by what, what is off, and what a face alone is worth."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from packs.calibration import Calibration
from packs.errors import PackError
from packs.fuser import FuserCard, FusionMethod
from packs.fusers import FUSERS_DIR, FuserPack
from packs.manifest import Pack
from packs.spec import Modality
from services.backends.fusers import FakeRepresenter, NetworkRepresenter
from services.backends.inference.errors import InferenceUnavailableError
from services.backends.inference.local import LocalInferenceBackend
from services.fusion.embedded import Asked, EmbeddedCandidate, Held
from services.fusion.fusing import Aspect, Fused
from services.fusion.handlers import FusionHandlers
from services.fusion.settings import FusionSettings
from services.runtime.errors import InvalidFieldError

FACE, HEAD, BODY, VOICE, TEXT = Modality.FACE, Modality.HEAD, Modality.BODY, Modality.VOICE, Modality.TEXT
LATE, ASSOCIATIVE, ATTENTION = FusionMethod.LATE, FusionMethod.ASSOCIATIVE, FusionMethod.ATTENTION
DEMO = Pack.load(Path(__file__).resolve().parents[2] / "packs" / "demo")
FOUND = FuserPack.load(FUSERS_DIR)
CARD = FOUND.fusers[ASSOCIATIVE].card
DIMS = {**CARD.dims, TEXT: 160}


def unit(seed: int, modality: Modality, near: np.ndarray | None = None, cosine: float = 0.0) -> np.ndarray:
    """A direction; at a cosine to another one, where that is given."""
    drawn = np.random.default_rng([seed, list(Modality).index(modality)]).standard_normal(DIMS[modality])
    drawn /= np.linalg.norm(drawn)
    if near is not None:
        drawn -= (drawn @ near) * near
        drawn = cosine * near + math.sqrt(1.0 - cosine**2) * drawn / np.linalg.norm(drawn)
    return drawn.astype(np.float32)


def asked(*modalities: Modality, weight: float = 1.0) -> list[Asked]:
    return [Asked(modality, unit(1, modality), 0.9, weight) for modality in modalities]


def candidate(speaker: float = 1.0, quality: float = 0.8, **cosines: float) -> EmbeddedCandidate:
    held = [
        Held(Modality(name), unit(2, Modality(name), unit(1, Modality(name)), cosine), quality)
        for name, cosine in cosines.items()
    ]
    return EmbeddedCandidate(tuple(held), speaker)


def handlers(method: FusionMethod = ASSOCIATIVE, card: FuserCard = CARD, **settings: object) -> FusionHandlers:
    chosen = FusionSettings.model_validate({"method": method, **settings})
    networks = {ASSOCIATIVE: FakeRepresenter(card), ATTENTION: FakeRepresenter(card)}
    return FusionHandlers(DEMO.calibration, chosen, networks)


def shares(fused: Fused) -> dict[Modality, float]:
    return {one.modality: one.share for one in fused.shares}


async def test_a_modality_alone_is_late_fusion_to_the_last_bit() -> None:
    query = asked(FACE, HEAD, BODY, VOICE)
    alone = [candidate(face=0.4), candidate(body=0.7), candidate(voice=0.6, speaker=0.5), candidate()]
    late = await handlers().fuse_embeddings(query, alone, method=LATE)
    for method in (ASSOCIATIVE, ATTENTION):
        assert await handlers().fuse_embeddings(query, alone, method=method) == late
    assert [one.method for one in late] == [LATE] * 4
    portrait = await handlers().fuse_embeddings(asked(FACE), [candidate(face=0.4, body=0.9, voice=0.9)])
    assert portrait == late[:1]


async def test_both_are_represented_by_what_may_be_compared() -> None:
    fuse, query = handlers(), asked(FACE, BODY)
    (both,) = await fuse.fuse_embeddings(query, [candidate(face=0.5, body=0.8)])
    assert both.method is ASSOCIATIVE
    assert shares(both).keys() == {FACE, BODY}
    assert sum(shares(both).values()) == pytest.approx(1.0)
    # What the query does not have changes nothing, whatever it is.
    (more,) = await fuse.fuse_embeddings(query, [candidate(face=0.5, body=0.8, voice=0.9, head=-0.9)])
    assert more == both
    # With alike qualities the fake's weights are alike: its cosine is the mean.
    line = CARD.lines[frozenset({FACE, BODY})]
    assert both.probability == pytest.approx(1 / (1 + math.exp(3.0 - line.logit(0.65, 0.8))), rel=1e-3)


async def test_clothes_of_another_day_are_not_compared() -> None:
    query = [*asked(FACE), *asked(BODY), Asked(BODY, unit(9, BODY))]
    near, far = candidate(face=0.5, body=0.8), candidate(face=0.5, body=0.8)
    near = EmbeddedCandidate((near.embeddings[0], Held(BODY, near.embeddings[1].vector, 0.8, asked=(1,))))
    far = EmbeddedCandidate((far.embeddings[0], Held(BODY, far.embeddings[1].vector, 0.8, asked=(2,))))
    with_own, with_other, free = await handlers().fuse_embeddings(query, [near, far, candidate(face=0.5, body=0.8)])
    # Of several pieces the strongest stands for the person asked for.
    assert free == with_own
    assert with_other.probability < with_own.probability
    with pytest.raises(InvalidFieldError, match=r"candidates\[0\].embeddings\[0\].asked"):
        await handlers().fuse_embeddings(query, [EmbeddedCandidate((Held(FACE, unit(1, FACE), 1.0, asked=(1,)),))])


@pytest.mark.parametrize("method", [LATE, ASSOCIATIVE, ATTENTION])
async def test_a_modality_that_is_off_has_exactly_no_weight(method: FusionMethod) -> None:
    query = asked(FACE, HEAD, BODY, VOICE)
    whole = [candidate(face=0.5, head=0.3, body=0.9, voice=0.7), candidate(body=0.9, voice=0.2)]
    without = [candidate(face=0.5, head=0.3, voice=0.7), candidate(voice=0.2)]
    expected = await handlers(method).fuse_embeddings(query, without)
    assert await handlers(method).fuse_embeddings(query, whole, off={BODY}) == expected
    assert await handlers(method, off=["body"]).fuse_embeddings(query, whole) == expected
    (nothing,) = await handlers(method).fuse_embeddings(query, whole[1:], off={BODY, VOICE})
    assert (nothing.probability, nothing.shares) == (0.0, ())


async def test_an_unclear_face_counts_less() -> None:
    query = asked(FACE, BODY)
    weights = []
    for quality in (1.0, 0.6, 0.2, 0.0):
        clear = candidate(face=0.5, body=0.8)
        one = EmbeddedCandidate((Held(FACE, clear.embeddings[0].vector, quality), clear.embeddings[1]))
        (fused,) = await handlers().fuse_embeddings(query, [one])
        weights.append(shares(fused)[FACE])
    assert (np.diff(weights) < 0.0).all()


async def test_a_voice_that_may_be_somebody_elses_counts_less() -> None:
    query = asked(FACE, VOICE)
    own, foreign = await handlers().fuse_embeddings(
        query, [candidate(face=0.5, voice=0.8), candidate(face=0.5, voice=0.8, speaker=0.2)]
    )
    assert shares(foreign)[VOICE] < shares(own)[VOICE]


async def test_what_speaks_against_is_taken_and_text_is_added() -> None:
    one = [candidate(face=0.5, body=0.8, text=0.9)]
    (plain,) = await handlers().fuse_embeddings(asked(FACE, BODY), one)
    (told,) = await handlers().fuse_embeddings(asked(FACE, BODY, TEXT), one)
    assert told.probability > plain.probability
    assert shares(told).keys() == {FACE, BODY, TEXT}
    assert sum(shares(told).values()) == pytest.approx(1.0)
    assert shares(told)[FACE] / shares(told)[BODY] == pytest.approx(shares(plain)[FACE] / shares(plain)[BODY])
    rejected = [Asked(FACE, one[0].embeddings[0].vector, 1.0, -1.0)]
    (less,) = await handlers().fuse_embeddings([*asked(FACE, BODY), *rejected], one)
    assert less.probability < plain.probability
    (none,) = await handlers().fuse_embeddings(rejected, one)
    assert none.probability == 0.0


async def test_who_is_heard_late_fusion_says() -> None:
    query, one = asked(FACE, VOICE), [candidate(face=0.5, voice=0.8, speaker=0.5)]
    for aspect in (Aspect.HEARD, Aspect.SEEN_AND_HEARD):
        late = await handlers().fuse_embeddings(query, one, aspect, LATE)
        assert await handlers().fuse_embeddings(query, one, aspect) == late


async def test_a_subset_without_a_line_is_represented_by_its_largest_part() -> None:
    few = tuple(one for one in CARD.calibrations if len(one.modalities) < 3)
    card = FuserCard.model_validate(CARD.model_dump() | {"calibrations": few})
    fuse = handlers(card=card)
    three = await fuse.fuse_embeddings(asked(FACE, HEAD, BODY), [candidate(face=0.5, head=0.5, body=0.8)])
    assert shares(three[0]).keys() == {FACE, HEAD}


async def test_one_call_of_the_network_for_all() -> None:
    fake = FakeRepresenter(CARD)
    fuse = FusionHandlers(DEMO.calibration, FusionSettings(method=ASSOCIATIVE), {ASSOCIATIVE: fake})
    several = [candidate(face=0.5, body=0.8), candidate(face=0.1, body=0.2), candidate(body=0.9, voice=0.9)]
    query = asked(FACE, BODY, VOICE)
    together = await fuse.fuse_embeddings(query, several)
    # Two subsets are asked for.
    assert fake.asked == [2 + 3]
    assert together == [(await fuse.fuse_embeddings(query, [one]))[0] for one in several]


async def test_what_is_not_there_is_told() -> None:
    with pytest.raises(PackError, match="set PERSONSEARCH_FUSERS"):
        FusionHandlers(DEMO.calibration, FusionSettings(method=ATTENTION))
    fuse = FusionHandlers(DEMO.calibration, FusionSettings())
    with pytest.raises(InvalidFieldError, match="attention has no network here; there are late"):
        await fuse.fuse_embeddings(asked(FACE), [candidate(face=0.5)], method=ATTENTION)
    short = Held(BODY, np.ones(8, np.float32))
    with pytest.raises(InvalidFieldError, match="has 8 numbers, expected 256 as the body asked for"):
        await handlers().fuse_embeddings(asked(BODY), [EmbeddedCandidate((short,))])
    both = [Asked(BODY, short.vector), *asked(FACE)]
    with pytest.raises(InvalidFieldError, match=r"got a body of shape \(8,\), expected \[256\]"):
        await handlers().fuse_embeddings(both, [EmbeddedCandidate((short, *candidate(face=0.5).embeddings))])
    fake = FakeRepresenter(CARD)
    fake.failing = InferenceUnavailableError("gone")
    fuse = FusionHandlers(DEMO.calibration, FusionSettings(method=ASSOCIATIVE), {ASSOCIATIVE: fake})
    with pytest.raises(InferenceUnavailableError):
        await fuse.fuse_embeddings(asked(FACE, BODY), [candidate(face=0.5, body=0.8)])
    # A modality alone asks no network.
    assert (await fuse.fuse_embeddings(asked(FACE), [candidate(face=0.5)]))[0].probability > 0.0


async def test_a_modality_without_a_calibration_decides_nothing() -> None:
    known = {FACE: Calibration(slope=13.0, intercept=-5.0), BODY: Calibration(slope=12.0, intercept=-8.0)}
    fuse = FusionHandlers(known, FusionSettings(method=ASSOCIATIVE), {ASSOCIATIVE: FakeRepresenter(CARD)})
    query = asked(FACE, BODY, VOICE)
    with_voice, without = await fuse.fuse_embeddings(
        query, [candidate(face=0.5, body=0.8, voice=0.9), candidate(face=0.5, body=0.8)]
    )
    assert with_voice == without


@pytest.mark.parametrize("method", [ASSOCIATIVE, ATTENTION])
async def test_the_packs_networks_tell_the_same_person(method: FusionMethod) -> None:
    backend = LocalInferenceBackend(FOUND.pack, threads=1)
    network = {method: NetworkRepresenter(backend, FOUND.fusers[method])}
    fuse = FusionHandlers(DEMO.calibration, FusionSettings(method=method), network)
    same, other = await fuse.fuse_embeddings(
        asked(FACE, HEAD, BODY), [candidate(face=0.7, head=0.7, body=0.9), candidate(face=0.0, head=0.0, body=0.3)]
    )
    assert same.probability > 0.5 > other.probability
    assert shares(same).keys() == {FACE, HEAD, BODY}
    await backend.aclose()
