"""What is said changes who is who, in every order, and an undo leaves no trace."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from services.association.identities.clustering import cluster
from services.association.identities.graph import Node
from services.association.identities.naming import named
from services.association.identities.replaying import advance, in_effect, replay
from services.association.identities.resolving import Resolver
from services.association.identities.state import IdentityState
from services.backends.people import Operation, OperationKind, Spot

Cast = Any  # of conftest
NAME, MERGE, SPLIT = OperationKind.NAME, OperationKind.MERGE, OperationKind.SPLIT
CONFIRM, REJECT, UNDO = OperationKind.CONFIRM, OperationKind.REJECT, OperationKind.UNDO


class Log:
    """Says things of a cast."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.operations: list[Operation] = []

    def say(self, kind: OperationKind, *groups: list[str], name: str | None = None, undoes: int | None = None) -> int:
        spots = tuple(tuple(self.cast.nodes[one].spot for one in group) for group in groups)
        number = len(self.operations) + 1
        self.operations.append(Operation("town", number, kind, 0.0, groups=spots, name=name, undoes=undoes))
        return number

    async def state(self) -> IdentityState:
        weights = self.cast.weights
        clusters = named(cluster(self.cast.nodes, weights, {}), {}, weights)
        return await replay(self.cast.nodes, clusters, self.operations, self.cast)


@pytest.fixture
def log(cast: Cast) -> Log:
    """Anna in two pieces, Ben in one that holds a piece of Cleo."""
    cast.appear("anna.1", "anna.2", "anna.3", "anna.far", "anna.away", "ben.1", "ben.2", "ben.3", "cleo.1", "cleo.2")
    cast.link_all(["anna.1", "anna.2", "anna.3"], 0.9)
    cast.link("anna.far", "anna.away", 0.9)
    cast.link_all(["ben.1", "ben.2", "ben.3"], 0.95)
    cast.link("cleo.1", "cleo.2", 0.9)
    for one, other in itertools.product(["ben.1", "ben.2", "ben.3"], ["cleo.1", "cleo.2"]):
        cast.link(one, other, 0.6)
    return Log(cast)


def together_in(state: IdentityState, *names: str) -> bool:
    return len({state.homes[name] for name in names}) == 1


async def test_before_anything_is_said_the_clusters_are_the_identities(log: Log) -> None:
    state = await log.state()
    assert together_in(state, "anna.1", "anna.2", "anna.3")
    assert not together_in(state, "anna.1", "anna.far")
    assert together_in(state, "ben.1", "cleo.1")
    assert state.in_force == set()


async def test_a_confirmed_pair_joins_its_identities_under_the_larger_ones_id(log: Log) -> None:
    before = await log.state()
    log.say(CONFIRM, ["anna.far"], ["anna.2"])
    state = await log.state()
    assert together_in(state, "anna.1", "anna.far", "anna.away")
    assert state.homes["anna.away"] == before.homes["anna.1"]
    assert state.current(before.homes["anna.far"]) == before.homes["anna.1"]
    assert state.confirmed == {("anna.2", "anna.far")}


async def test_a_rejected_pair_is_cut_and_nothing_else_changes(log: Log) -> None:
    before = await log.state()
    number = log.say(REJECT, ["cleo.2"], ["ben.3"])
    state = await log.state()
    assert together_in(state, "ben.1", "ben.2", "ben.3")
    assert together_in(state, "cleo.1", "cleo.2")
    assert not together_in(state, "ben.1", "cleo.1")
    assert state.homes["ben.1"] == before.homes["ben.1"]
    assert state.in_force == {number}
    assert state.homes["anna.1"] == before.homes["anna.1"]


async def test_the_later_word_on_a_pair_counts(log: Log) -> None:
    log.say(REJECT, ["cleo.2"], ["ben.3"])
    log.say(CONFIRM, ["ben.3"], ["cleo.2"])
    state = await log.state()
    assert together_in(state, "ben.1", "ben.3", "cleo.1", "cleo.2")
    assert not state.apart["ben.3"]
    log.say(REJECT, ["cleo.2"], ["ben.3"])
    state = await log.state()
    assert not together_in(state, "ben.3", "cleo.2")
    assert state.confirmed == set()


async def test_a_split_takes_what_is_named_and_what_was_never_mentioned_goes_where_it_belongs(log: Log) -> None:
    cast = log.cast
    before = await log.state()
    log.say(NAME, ["ben.1", "ben.2", "cleo.1"], name="Ben")
    log.say(SPLIT, ["cleo.1"], ["ben.1", "ben.2", "ben.3"])
    state = await log.state()
    assert together_in(state, "cleo.1", "cleo.2")
    assert not together_in(state, "cleo.1", "ben.1")
    assert state.homes["ben.1"] == before.homes["ben.1"]
    assert state.names == {state.homes["ben.1"]: "Ben"}
    # A film comes later, and the first clustering puts it with both.
    cast.appear("cleo.later", video="w")
    for one in ("cleo.1", "cleo.2"):
        cast.link("cleo.later", one, 0.95)
    cast.link("cleo.later", "ben.1", 0.6)
    assert together_in(await log.state(), "cleo.later", "cleo.1")


async def test_a_merge_keeps_the_firsts_id_and_a_name(log: Log) -> None:
    before = await log.state()
    log.say(NAME, ["anna.1", "anna.2"], name="Anna")
    log.say(MERGE, ["anna.far", "anna.away"], ["anna.1", "anna.2", "anna.3"])
    state = await log.state()
    assert together_in(state, "anna.1", "anna.far")
    assert state.homes["anna.1"] == before.homes["anna.far"]
    assert state.names == {before.homes["anna.far"]: "Anna"}
    log.say(NAME, ["anna.far"], name="")
    assert (await log.state()).names == {}


async def test_who_is_on_screen_together_stays_behind_at_a_merge(log: Log) -> None:
    cast = log.cast
    first = cast.nodes["anna.1"]
    cast.nodes["anna.away"] = Node("anna.away", "v", first.start_s, first.end_s, long_term=first.long_term)
    before = await log.state()
    log.say(MERGE, ["anna.1", "anna.2"], ["anna.far", "anna.away"])
    state = await log.state()
    assert together_in(state, "anna.1", "anna.far")
    assert state.homes["anna.away"] == before.homes["anna.away"]
    log.say(CONFIRM, ["anna.1"], ["anna.away"])
    state = await log.state()
    assert 2 not in state.in_force
    assert not together_in(state, "anna.1", "anna.away")


async def test_a_confirmed_one_makes_others_leave_who_are_on_screen_with_it(log: Log) -> None:
    cast = log.cast
    with_it = cast.nodes["anna.1"]
    cast.nodes["anna.away"] = Node("anna.away", "v", with_it.start_s, with_it.end_s, long_term=with_it.long_term)
    log.say(CONFIRM, ["anna.away"], ["anna.3"])
    state = await log.state()
    assert together_in(state, "anna.away", "anna.2", "anna.3", "anna.far")
    assert not together_in(state, "anna.1", "anna.2")


async def test_what_was_rejected_stays_behind_when_others_are_confirmed(log: Log) -> None:
    log.say(REJECT, ["anna.1"], ["anna.away"])
    log.say(CONFIRM, ["anna.2"], ["anna.far"])
    state = await log.state()
    assert together_in(state, "anna.1", "anna.2", "anna.far")
    assert not together_in(state, "anna.1", "anna.away")


def said_by_chance(log: Log, rng: np.random.Generator, count: int) -> None:
    """Say something at random of whoever is there."""
    names = sorted(log.cast.nodes)
    for _ in range(count):
        kind = rng.choice([NAME, MERGE, SPLIT, CONFIRM, REJECT])
        some = rng.permutation(names)[: 2 if kind in (CONFIRM, REJECT) else 5].tolist()
        if kind == NAME:
            log.say(NAME, some, name=str(rng.integers(100)))
        else:
            log.say(OperationKind(kind), some[: len(some) // 2], some[len(some) // 2 :])


@pytest.mark.parametrize("seed", range(12))
async def test_an_undo_restores_the_state_bit_for_bit(log: Log, seed: int) -> None:
    rng = np.random.default_rng(seed)
    said_by_chance(log, rng, 6)
    before = await log.state()
    said_by_chance(log, rng, 1)
    between = await log.state()
    log.say(UNDO, undoes=7)
    after = await log.state()
    assert after.dump() == before.dump()
    assert after.in_force == before.in_force | {8}
    log.say(UNDO, undoes=8)
    again = await log.state()
    assert again.dump() == between.dump()


@pytest.mark.parametrize("seed", range(6))
async def test_an_undo_in_the_middle_is_the_log_without_it(log: Log, seed: int) -> None:
    rng = np.random.default_rng(seed)
    said_by_chance(log, rng, 6)
    without = Log(log.cast)
    without.operations = [one for one in log.operations if one.number != 3]
    log.say(UNDO, undoes=3)
    assert (await log.state()).dump() == (await without.state()).dump()


@pytest.mark.parametrize("seed", range(6))
async def test_one_step_more_is_what_saying_everything_again_gives(log: Log, seed: int) -> None:
    rng = np.random.default_rng(seed)
    state = await log.state()
    for _ in range(6):
        said_by_chance(log, rng, 1)
        dumped = state.dump()
        following = await advance(state, log.cast.nodes, log.operations[-1], log.cast)
        assert state.dump() == dumped
        state = following
    whole = await log.state()
    assert state.dump() == whole.dump()
    assert state.in_force == whole.in_force
    for name, members in whole.clusters.items():
        assert all(whole.homes[one] == name for one in members)
    assert sorted(one for members in whole.clusters.values() for one in members) == sorted(log.cast.nodes)


def test_an_undone_undo_undoes_nothing() -> None:
    log = Log(None)
    log.operations = [Operation("town", number, NAME, 0.0, name="x") for number in (1, 2)]
    for undoes, left in ((1, [2, 3]), (3, [1, 2, 4]), (4, [2, 3, 5]), (5, [1, 2, 4, 6])):
        log.say(UNDO, undoes=undoes)
        assert [one.number for one in in_effect(log.operations)] == left


async def test_what_was_said_of_appearances_that_are_gone_is_not_in_force(log: Log) -> None:
    log.say(CONFIRM, ["anna.far"], ["anna.2"])
    log.say(NAME, ["anna.far"], name="Anna")
    del log.cast.nodes["anna.far"], log.cast.nodes["anna.away"]
    log.cast.edges = [edge for edge in log.cast.edges if "anna.far" not in (edge.first, edge.second)]
    state = await log.state()
    assert state.in_force == set()
    assert state.names == {}


def test_appearances_are_known_again_by_where_they_are(cast: Cast) -> None:
    cast.appear("same", start_s=0.0)
    cast.appear("renamed", start_s=10.0)
    cast.appear("left", "right", start_s=20.0)
    resolver = Resolver(cast.nodes)
    assert resolver.id_of(Spot("same", "v", 100, 2_000)) == "same"
    assert resolver.id_of(Spot("old", "v", 10_100, 12_200)) == "renamed"
    assert resolver.id_of(Spot("same", "v", 10_000, 12_000)) == "renamed"
    assert resolver.id_of(Spot("right", "v", 20_000, 22_000)) == "right"
    assert resolver.id_of(Spot("gone", "v", 20_000, 22_000)) is None, "two fit: none is taken"
    assert resolver.id_of(Spot("gone", "v", 5_000, 6_000)) is None
    assert resolver.id_of(Spot("same", "w", 0, 2_000)) is None
