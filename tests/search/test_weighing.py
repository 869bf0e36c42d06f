"""Search with a network that weighs: who is handed over, by what, and what happens when it fails."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from packs.calibration import Calibration
from packs.fuser import FuserCard, FuserPart, FusionMethod, SubsetCalibration
from packs.spec import Modality
from services.backends.fusers import FakeRepresenter
from services.backends.index.protocol import IndexLoadingError
from services.backends.inference.errors import InferenceUnavailableError
from services.fusion.handlers import FusionHandlers
from services.fusion.settings import FusionSettings
from services.search.answer import Answer, Degradation, Hit
from services.search.mounted import MountedFusion
from services.search.query import Like, Portrait, Query, QueryPart, Task
from services.search.server import build_handlers

FACE, BODY, VOICE = Modality.FACE, Modality.BODY, Modality.VOICE
DIMENSION = 16


def card(*modalities: Modality) -> FuserCard:
    return FuserCard(
        name="fake",
        pack="f" * 64,
        parts=tuple(FuserPart(modality=one, dim=DIMENSION) for one in modalities),
        calibrations=tuple(
            SubsetCalibration(modalities=subset, calibration=Calibration(slope=20.0, intercept=-10.0))
            for subset in ((FACE, BODY), (FACE, BODY, VOICE))
        ),
    )


def asking(*contents: Like | Portrait, weights: Sequence[float] = (), task: Task = Task.SEEN) -> Query:
    given = weights or [1.0] * len(contents)
    return Query(tuple(map(QueryPart, contents, given)), "town", task=task, expand=False)


def hits(answer: Answer) -> Mapping[str, Hit]:
    return {hit.appearance.appearance_id: hit for hit in answer.hits}


@pytest.fixture
def representer() -> FakeRepresenter:
    return FakeRepresenter(card(FACE, BODY, VOICE))


@pytest.fixture
async def weighing(world, executor: ThreadPoolExecutor, representer: FakeRepresenter) -> AsyncIterator:
    """Search handlers with the real fusion mounted; `method` and what is off may be chosen."""

    def make(method: FusionMethod = FusionMethod.ASSOCIATIVE, off: Sequence[Modality] = ()):
        settings = FusionSettings(method=method, off=frozenset(off), prior_log_odds=0.0)
        fusion = FusionHandlers(world.pack.calibration, settings, {FusionMethod.ASSOCIATIVE: representer})
        logger = logging.getLogger("tests.search")
        mounted = MountedFusion(fusion, logger)
        inside = (world.vision, world.hearing, world.words, executor, world.associations, mounted, logger)
        return build_handlers(world.settings, world.pack.without(off), world.index, *inside)

    return make


async def two(world) -> tuple[str, str, str, str]:
    """Who is asked for, them again in the same clothes, only from behind, and in other clothes elsewhere."""
    near = world.between(world.face(1), world.face(3), 0.6)
    asked = await world.put("asked", face=world.face(1), body=world.body(1))
    again = await world.put("again", face=near, body=world.body(1), span=(5.0, 6.0), quality=0.5)
    behind = await world.put("behind", body=world.body(1), span=(10.0, 11.0))
    elsewhere = await world.put("elsewhere", face=near, body=world.body(2), video="other")
    return asked, again, behind, elsewhere


async def test_the_weights_of_the_network_come_with_the_hits(world, weighing, representer) -> None:
    asked, again, behind, elsewhere = await two(world)
    found = hits(await weighing().search(asking(Like(asked)), 10))
    assert {one.modality: one.share for one in found[again].belief.shares} == pytest.approx({FACE: 0.5, BODY: 0.5})
    # The person asked for, and the two that can be compared by both: they themselves, and again.
    assert representer.asked == [3]
    late = hits(await weighing(FusionMethod.LATE).search(asking(Like(asked)), 10))
    assert late[again].score != found[again].score
    # Who is from behind, or in another film where clothes mean nothing, is judged as ever.
    assert {one: found[one].belief for one in (behind, elsewhere)} == {
        one: late[one].belief for one in (behind, elsewhere)
    }
    assert representer.asked == [3]


async def test_a_portrait_is_answered_as_without_a_network(world, weighing, representer) -> None:
    await two(world)
    portrait = asking(Portrait(world.portrait(1)))
    assert await weighing().search(portrait, 10) == await weighing(FusionMethod.LATE).search(portrait, 10)
    assert representer.asked == []


async def test_without_the_network_late_fusion_answers_and_says_so(world, weighing, representer) -> None:
    asked, *_ = await two(world)
    late = await weighing(FusionMethod.LATE).search(asking(Like(asked)), 10)
    representer.failing = InferenceUnavailableError("gone")
    answer = await weighing().search(asking(Like(asked)), 10)
    assert answer.degraded == {Degradation.FUSION}
    assert answer.hits == late.hits
    representer.failing = None
    assert (await weighing().search(asking(Like(asked)), 10)).degraded == frozenset()


async def test_an_index_that_loads_leaves_late_fusion(world, weighing, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, again, *_ = await two(world)
    read = world.index.get_embeddings

    async def loading(modality, gallery, ids):
        # The query's own vectors are read; those of others meet a load.
        if list(ids) != [asked]:
            raise IndexLoadingError("loading")
        return await read(modality, gallery, ids)

    # A reading of one moment fails, which no fake of a whole index can say.
    monkeypatch.setattr(world.index, "get_embeddings", loading)
    answer = await weighing().search(asking(Like(asked)), 10)
    assert Degradation.FUSION in answer.degraded
    assert again in hits(answer)


async def test_a_rejected_person_is_handed_over_too(world, weighing) -> None:
    asked, again, *_ = await two(world)
    await world.put("rejected", face=world.between(world.face(1), world.face(3), 0.6), body=world.body(1))
    plain = hits(await weighing().search(asking(Like(asked)), 10))
    less = hits(await weighing().search(asking(Like(asked), Like(world.an_id("rejected")), weights=(1.0, -1.0)), 10))
    assert less[again].score < 0.5 < plain[again].score


@pytest.mark.parametrize("method", [FusionMethod.LATE, FusionMethod.ASSOCIATIVE])
async def test_what_is_off_has_no_weight_in_any_hit(world, weighing, method: FusionMethod) -> None:
    asked, again, behind, elsewhere = await two(world)
    found = hits(await weighing(method, off=[BODY]).search(asking(Like(asked)), 10))
    assert behind not in found
    assert {again, elsewhere} <= set(found)
    assert all(share.modality is FACE for hit in found.values() for share in hit.belief.shares)


async def test_who_is_heard_late_fusion_says(world, weighing, representer) -> None:
    speaks = {"voice": world.voice(1)}
    asked = await world.put("asked", face=world.face(1), body=world.body(1), **speaks)
    other = await world.put("other", face=world.face(1), body=world.body(1), span=(5.0, 6.0), **speaks)
    heard = await weighing().search(asking(Like(asked), task=Task.HEARD), 10)
    late = await weighing(FusionMethod.LATE).search(asking(Like(asked), task=Task.HEARD), 10)
    assert np.isclose(hits(heard)[other].score, hits(late)[other].score)
