"""Edges kept in the process: what was learnt is given back, and there is a bound."""

from __future__ import annotations

import random

import numpy as np

from packs.spec import Modality
from services.backends.associations.blocks import EdgeBlock, wanted_codes
from services.backends.associations.mirror import EdgeMirror, Shelf
from services.backends.schemas import Association

NAMES = [f"{number:032x}" for number in range(40)]
ALL = np.ones(256, dtype=np.bool_)


def learnt(shelf: Shelf, chance: random.Random, names: list[str]) -> dict[str, list[Association]]:
    """Let a shelf learn random edges at some appearances."""
    edges: dict[str, list[Association]] = {}
    for one in names:
        others = chance.sample(sorted(set(NAMES) - {one}), chance.randrange(5))
        kinds = [chance.choice([Modality.FACE, Modality.BODY]) for _ in others]
        # Exact in single precision, and the same from both ends.
        edges[one] = [
            Association(*sorted((one, other)), kind, (1 + int(one, 16) * int(other, 16) % 63) / 64)
            for other, kind in zip(others, kinds, strict=True)
        ]
    blocks = [EdgeBlock.of(of, [one]) for one, of in edges.items()]
    joined = EdgeBlock.joined(blocks)
    own = np.concatenate([np.full(len(of), list(joined.names).index(one)) for one, of in edges.items()])
    far = np.where(joined.one == own, joined.other, joined.one)
    turned = EdgeBlock(joined.names, own, far, joined.codes, joined.probabilities, joined.confirmed)
    shelf.learn(list(edges), [len(of) for of in edges.values()], turned)
    return edges


def each_once(edges: dict[str, list[Association]], asked: list[str], least: float) -> set[Association]:
    return {edge for one in asked for edge in edges[one] if edge.probability >= least}


def test_what_was_learnt_is_given_back() -> None:
    chance, shelf = random.Random(5), Shelf(b"1")
    known: dict[str, list[Association]] = {}
    for start in range(0, 40, 8):
        assert shelf.roster.ids(shelf.lacking(shelf.roster.places(NAMES))) == NAMES[start:]
        known |= learnt(shelf, chance, NAMES[start : start + 8])
        asked = chance.sample(NAMES[: start + 8], 6)
        block = shelf.block(asked, ALL, 0.25)
        assert set(block.associations()) == each_once(known, asked, 0.25)
        assert set(asked) <= set(block.names)
        faces = wanted_codes([Modality.FACE])
        found = {edge for edge in each_once(known, asked, 0.0) if edge.modality is Modality.FACE}
        assert set(shelf.block(asked, faces, 0.0).associations()) == found
    assert not len(shelf.block([], ALL, 0.0))


def test_a_stamp_is_a_shelf_and_there_is_a_bound() -> None:
    mirror = EdgeMirror(20_000)
    shelf = mirror.shelf("town", b"1")
    assert shelf is not None
    assert mirror.shelf("town", b"1") is shelf
    assert mirror.shelf("town", b"2") is not shelf
    assert mirror.shelf("town", None) is None
    first, other = mirror.shelf("town", b"2"), mirror.shelf("city", b"2")
    assert first is not None
    assert other is not None
    for each in (first, other):
        learnt(each, random.Random(6), NAMES)
    assert first.size < 20_000 < first.size + other.size
    assert mirror.shelf("city", b"2") is other
    assert mirror.shelf("town", b"2") is not first
    assert EdgeMirror(0).shelf("town", b"1") is None
    small = EdgeMirror(100)
    shelf = small.shelf("town", b"1")
    assert shelf is not None
    learnt(shelf, random.Random(7), NAMES)
    assert small.shelf("town", b"1") is not shelf
