"""Who is left over is compared with everybody of the same video by face and voice, however little that says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from packs.calibration import Calibration
from packs.spec import Modality
from services.association.identities.graph import Node
from services.association.identities.resemblance import Resemblance
from services.backends.index.fake import FakeIndex
from services.backends.schemas import EmbeddingRow
from services.runtime.trust import trust_in

FACE, VOICE, BODY = Modality.FACE, Modality.VOICE, Modality.BODY
LINES = {
    FACE: Calibration(slope=10.0, intercept=-4.0, slope_by_quality=6.0),
    VOICE: Calibration(slope=20.0, intercept=-9.0),
    BODY: Calibration(slope=1.0, intercept=0.0),
}


class Town:
    """Appearances with embeddings of two dimensions, each told by its angle."""

    def __init__(self) -> None:
        self.index = FakeIndex()
        self.nodes: dict[str, Node] = {}

    async def appear(self, name: str, angles: dict[Modality, float], quality: float = 1.0, video: str = "v") -> Node:
        start_s = 10.0 * len(self.nodes)
        self.nodes[name] = Node(name, video, start_s, start_s + 1.0, long_term=frozenset(angles) - {BODY})
        for modality, angle in angles.items():
            vector = np.array([math.cos(angle), math.sin(angle)], np.float32)
            row = EmbeddingRow(name, "town", video, start_s, start_s + 1.0, 1, quality, vector)
            await self.index.put_embeddings(modality, [row])
        return self.nodes[name]

    async def likeness(self, *strays: str) -> dict[str, dict[str, float]]:
        of = Resemblance(self.index, LINES).of
        found = await of("town", [self.nodes[one] for one in strays], self.nodes.values())
        return {one: dict(others) for one, others in found.items()}


@pytest.fixture
async def town() -> Town:
    made = Town()
    await made.index.open(dict.fromkeys(LINES, 2))
    return made


async def test_a_short_word_says_little_and_an_unclear_face_is_read_as_one(town: Town) -> None:
    await town.appear("word", {VOICE: 0.0}, quality=0.25)
    await town.appear("anna", {VOICE: 0.5})
    await town.appear("blur", {FACE: 0.0}, quality=0.4)
    await town.appear("ben", {FACE: 0.3})
    found = await town.likeness("word", "blur")
    heard = trust_in(VOICE, 0.25) * LINES[VOICE].logit(math.cos(0.5), 0.25)
    assert found == {
        "word": {"anna": pytest.approx(heard, abs=1e-5)},
        "blur": {"ben": pytest.approx(LINES[FACE].logit(math.cos(0.3), 0.4), abs=1e-5)},
    }
    assert abs(heard) < abs(LINES[VOICE].logit(math.cos(0.5)))


async def test_face_and_voice_are_two_witnesses_and_clothes_none(town: Town) -> None:
    await town.appear("stray", {FACE: 0.0, VOICE: 0.0, BODY: 0.0})
    await town.appear("both", {FACE: 0.4, VOICE: 0.6, BODY: 0.1})
    await town.appear("dressed", {BODY: 0.0})
    seen, heard = LINES[FACE].logit(math.cos(0.4)), LINES[VOICE].logit(math.cos(0.6))
    assert await town.likeness("stray") == {"stray": {"both": pytest.approx(seen + heard, abs=1e-5)}}


async def test_only_who_is_in_the_same_video_is_compared(town: Town) -> None:
    await town.appear("here", {FACE: 0.0})
    await town.appear("beside", {FACE: 0.1})
    await town.appear("there", {FACE: 0.0}, video="w")
    assert (await town.likeness("here"))["here"].keys() == {"beside"}
    assert await town.likeness("there") == {}
    assert await town.likeness() == {}
