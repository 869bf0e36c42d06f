"""What is kept of what edges mean is what they mean: whatever was said, in whatever order they are read."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from packs.spec import Modality
from services.association.context import IdentityContext, in_context
from services.association.identities.graph import Node
from services.association.identities.people import People
from services.association.identities.state import IdentityState
from services.association.meaning import Meaning, _paired, _parted
from services.backends.associations.blocks import MODALITY_CODES, EdgeBlock
from services.backends.associations.fake import FakeAssociationStore
from services.backends.associations.mirror import Shelf
from services.backends.schemas import AppearanceKind, Association

TOWN, LEAST = "town", 0.25
KINDS = (Modality.FACE, Modality.BODY, Modality.VOICE)


class World:
    """People, edges between them, and what somebody said."""

    def __init__(self, seed: int, count: int) -> None:
        self.chance = random.Random(seed)
        self.names = [f"{self.chance.getrandbits(128):032x}" for _ in range(count)]
        kinds = [self.chance.choice(list(AppearanceKind)) for _ in self.names]
        nodes = {one: Node(one, "film", 0.0, 1.0, kind) for one, kind in zip(self.names, kinds, strict=True)}
        clusters = {f"p{start}": tuple(sorted(self.names[start : start + 4])) for start in range(0, count - 3, 5)}
        self.people = People(nodes, state=IdentityState.of(clusters))
        pairs = [tuple(sorted(pair)) for pair in itertools.pairwise(self.names + self.chance.sample(self.names, count))]
        self.edges = [
            Association(one, other, self.chance.choice(KINDS), float(np.float32(self.chance.uniform(0.05, 0.99))))
            for one, other in pairs
            if one != other
        ]

    def say(self) -> None:
        """Confirm some pairs and reject others, some of which have an edge."""
        state = self.people.state = self.people.state.copy()
        for _ in range(3):
            linked = self.chance.choice(self.edges)
            for act in (state.confirm, lambda one, other: state.keep_apart([one], [other])):
                act(*sorted(self.chance.sample(self.names, 2)))
                act(linked.first, linked.second)
        state.in_force.add(len(state.in_force) + 1)

    def expected(self, asked: list[str], context: IdentityContext | None, kinds: tuple[Modality, ...]) -> set:
        """Edge by edge."""
        state = self.people.state
        said = {}
        for pair in state.confirmed if state.in_force else ():
            speech = AppearanceKind.SPEECH in {self.people.nodes[end].kind for end in pair}
            said[pair] = Modality.VOICE if speech else Modality.FACE
        found = {
            Association(*pair, kind, 1.0, confirmed=True)
            for pair, kind in said.items()
            if kind in kinds and set(pair) & set(asked)
        }
        for edge in self.edges:
            pair = (edge.first, edge.second)
            if not set(pair) & set(asked) or edge.modality not in kinds or edge.probability < LEAST:
                continue
            if state.in_force and (edge.second in state.apart[edge.first] or said.get(pair) is edge.modality):
                continue
            if context is not None:
                (edge,) = in_context(EdgeBlock.of([edge]), context).associations()
            if edge.probability >= LEAST:
                found.add(edge)
        return found


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("knowing", [False, True])
async def test_edges_mean_what_each_means_by_itself(seed: int, knowing: bool) -> None:
    world = World(seed, 400)
    store = FakeAssociationStore(dict.fromkeys(Modality, 1000))
    await store.put_video(TOWN, "film", world.names, world.edges)
    shelf, wanted = Shelf(b"1"), np.zeros(256, dtype=np.bool_)
    kinds = world.chance.choice([KINDS, KINDS[:2]])
    wanted[[MODALITY_CODES[kind] for kind in kinds]] = True
    for turn in range(3):
        context = IdentityContext.of(world.people) if knowing else None
        meaning = Meaning(shelf, context, world.people)
        assert meaning.holds(shelf, context, world.people)
        for count in (1, 5, 60):
            asked = world.chance.sample(world.names, count)
            rows = shelf.roster.places(asked)
            # Before it is read nothing is known of it, and that must not be kept.
            meaning.edges(rows, wanted, LEAST)
            await store.fill(TOWN, shelf, rows)
            found = meaning.edges(rows, wanted, LEAST)
            assert set(found.compact(rows).associations()) == world.expected(asked, context, kinds), (turn, count)
        world.say()
        assert not meaning.holds(shelf, context, world.people)


def test_ends_come_back_as_they_were_put_together() -> None:
    far, worth = np.array([0, 7, 2**31 - 1]), np.array([-1.0, 0.25, 1.0])
    rows, said = _parted(_paired(far, worth))
    assert rows.tolist() == far.tolist()
    assert said.tolist() == worth.tolist()
