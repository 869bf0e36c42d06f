"""Everybody around, by columns, says what each would say alone."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from packs.calibration import Calibration
from packs.spec import Modality
from services.backends.associations.blocks import EdgeBlock
from services.backends.index.fake import FakeIndex
from services.backends.schemas import EmbeddingRow, Gallery
from services.fusion.handlers import FusionHandlers
from services.fusion.settings import FusionSettings
from services.search.chains import Doubt
from services.search.fakes import FakeFusion
from services.search.judging import Judge
from services.search.mounted import MountedFusion
from services.search.nearby import NearVectors
from services.search.ports import Fusion
from services.search.retrieval import Retriever
from services.search.retrieved import QueryVector, Retrieved
from services.search.rivals import RivalReader, Rivals
from services.search.settings import SearchSettings
from services.search.speaking import Speakers
from services.search.weighing import Asked, Weigher

CALIBRATION = {
    Modality.FACE: Calibration(slope=13.0, intercept=-5.0, slope_by_quality=9.0, intercept_by_quality=-4.5),
    Modality.VOICE: Calibration(slope=20.0, intercept=-11.0),
}
DIMENSION, COUNT = 8, 60
NAMES = [f"{number:032x}" for number in range(COUNT)]
SETTINGS = SearchSettings()


def unit(dice: np.random.Generator) -> np.ndarray:
    vector = dice.standard_normal(DIMENSION)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@pytest.fixture
async def retriever() -> Retriever:
    index, dice = FakeIndex(), np.random.default_rng(3)
    await index.open(dict.fromkeys(CALIBRATION, DIMENSION))
    await index.put_gallery(Gallery("town", 0.0))
    for modality in CALIBRATION:
        rows = [
            EmbeddingRow(name, "town", "one", 0.0, 1.0, 1, float(dice.choice([0.3, 0.7, 0.95])), unit(dice))
            for name in NAMES
            if dice.uniform() < 0.6
        ]
        await index.put_embeddings(modality, rows)
    return Retriever(index, NearVectors(index, 2**16, 30.0))


@pytest.fixture(params=["mounted", "fake", "failing"])
def fusion(request: pytest.FixtureRequest) -> Fusion:
    if request.param == "mounted":
        return MountedFusion(FusionHandlers(CALIBRATION, FusionSettings()), logging.getLogger("tests"))
    fake = FakeFusion(CALIBRATION, -3.0)
    fake.failing = request.param == "failing"
    return fake


def vectors(dice: np.random.Generator) -> list[QueryVector]:
    several = [(0, Modality.FACE, 1.0), (1, Modality.FACE, 0.6), (0, Modality.VOICE, 1.0), (2, Modality.FACE, -1.0)]
    return [QueryVector(part, kind, weight, unit(dice), quality=0.8) for part, kind, weight in several]


@pytest.mark.parametrize("heeded", [False, True])
async def test_columns_say_what_objects_say(retriever: Retriever, fusion: Fusion, heeded: bool) -> None:
    dice = np.random.default_rng(4)
    cut = vectors(dice)
    speakers = Speakers(dict.fromkeys(NAMES[::3], 0.4), frozenset(NAMES[::2])) if heeded else Speakers()
    judge = Judge(retriever, Weigher(fusion, retriever._index), CALIBRATION, SETTINGS)
    rivals = await RivalReader(retriever, fusion, CALIBRATION, Doubt.of(SETTINGS), 1000).of(
        "town", cut, NAMES, speakers
    )
    asked = Retrieved({}, frozenset(each.key for each in cut))
    compared = await judge.compared("town", cut, asked, NAMES)
    opinions = await judge.opinions(Asked("town", cut), compared.evidence, {}, speakers, NAMES)
    told = {name: pieces for name, pieces in rivals.evidence(NAMES, np.arange(COUNT)).items() if pieces}
    assert told.keys() == compared.evidence.keys()
    for name, pieces in told.items():
        assert sorted(pieces, key=repr) == sorted(compared.evidence[name], key=repr)
    assert opinions
    for row, name in enumerate(NAMES):
        clear = opinions[name].clear if name in opinions else 0.0
        assert rivals.clear[row] == pytest.approx(clear if name in told else 0.0)
        if name in opinions:
            assert rivals.beliefs[row] == pytest.approx(opinions[name].belief, rel=1e-9)


async def test_no_more_are_compared_than_is_allowed(retriever: Retriever, fusion: Fusion) -> None:
    cut = vectors(np.random.default_rng(5))
    reader = RivalReader(retriever, fusion, CALIBRATION, Doubt.of(SETTINGS), 7)
    around = EdgeBlock.of((), NAMES[::-1])
    first = reader.first(around, np.arange(COUNT))
    assert around.some(first) == NAMES[:7]
    rivals = await reader.of("town", cut, around.some(first), Speakers())
    assert list(rivals.names) == NAMES[:7]
    assert len(rivals.beliefs) == len(rivals.clear) == 7
    nobody: Rivals = await reader.of("town", [], NAMES, Speakers())
    assert not nobody.names
    assert nobody.evidence(NAMES, np.full(COUNT, -1)) == {}


async def test_who_a_network_weighs_is_looked_at_one_by_one(retriever: Retriever) -> None:
    fusion = FakeFusion(CALIBRATION)
    reader = RivalReader(retriever, fusion, CALIBRATION, Doubt.of(SETTINGS), 1000)
    cut, around = vectors(np.random.default_rng(6)), EdgeBlock.of((), NAMES[:3])
    faces = [vector for vector in cut if vector.modality is Modality.FACE]
    assert around.some(reader.strangers(cut, around, NAMES[:1])) == NAMES[1:3]
    fusion.by_network = True
    assert not len(reader.strangers(cut, around, NAMES[:1]))
    assert around.some(reader.strangers(faces, around, NAMES[:1])) == NAMES[1:3]
