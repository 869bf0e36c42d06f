"""An identity is set apart for good: it is exactly itself whatever is lost, and everybody else stays who they are."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from services.association.identities.clustering import Cluster, cluster
from services.association.identities.erasing import set_apart, without_appearances
from services.association.identities.graph import Node, Weights
from services.association.identities.naming import named
from services.association.identities.people import People
from services.association.identities.replaying import advance, replay
from services.backends.people import Operation, OperationKind, Spot

Cast = Any  # of conftest
KINDS = (OperationKind.NAME, OperationKind.MERGE, OperationKind.SPLIT, OperationKind.CONFIRM, OperationKind.REJECT)


class Without:
    """The edges of a cast, as they are once some appearances are gone."""

    def __init__(self, cast: Cast, gone: frozenset[str]) -> None:
        self.weights = Weights(edge for edge in cast.edges if not {edge.first, edge.second} & gone)

    async def among(self, appearance_ids: object) -> Weights:
        return self.weights


def spots(people: People, ids: Sequence[str]) -> tuple[Spot, ...]:
    return tuple(people.nodes[one].spot for one in ids)


async def say(people: People, cast: Cast, kind: OperationKind, *groups: Sequence[str], name: str | None = None) -> bool:
    """Say something; whether it could be."""
    number = len(people.operations) + 1
    operation = Operation(
        "town", number, kind, 0.0, "desk", groups=tuple(spots(people, group) for group in groups), name=name
    )
    state = await advance(people.state, people.nodes, operation, cast)
    if number not in state.in_force:
        return False
    people.operations, people.state = [*people.operations, operation], state
    return True


async def say_something(people: People, cast: Cast, chance: random.Random) -> None:
    clusters = people.state.clusters
    one, other = (chance.choice(sorted(clusters)) for _ in range(2))
    match chance.choice(KINDS):
        case OperationKind.NAME:
            await say(people, cast, OperationKind.NAME, clusters[one][:64], name=chance.choice(["", *"ABC"]))
        case OperationKind.MERGE if one != other:
            await say(people, cast, OperationKind.MERGE, clusters[one], clusters[other])
        case OperationKind.SPLIT if len(clusters[one]) > 1:
            goes = chance.sample(clusters[one], chance.randrange(1, len(clusters[one])))
            await say(people, cast, OperationKind.SPLIT, goes, [each for each in clusters[one] if each not in goes])
        case (OperationKind.CONFIRM | OperationKind.REJECT) as kind:
            await say(people, cast, kind, *([chance.choice(clusters[each])] for each in (one, other)))
        case _:
            pass


async def town(cast: Cast, seed: int, statements: int) -> People:
    chance = random.Random(seed)
    clusters: dict[str, Cluster] = named(cluster(cast.nodes, cast.weights, {}), {}, cast.weights)
    people = People(dict(cast.nodes), clusters)
    people.state = await replay(people.nodes, people.clusters, [], cast)
    for _ in range(statements):
        await say_something(people, cast, chance)
    return people


@pytest.mark.parametrize("seed", range(30))
async def test_whoever_is_set_apart_is_exactly_that_and_all_others_stay(cast: Cast, seed: int) -> None:
    crowd = type(cast).crowd(seed, people=4, films=3, shots=3)
    people = await town(crowd, seed, 14)
    before = people.state
    for identity, members in before.clusters.items():
        gone = frozenset(members)
        made = (await set_apart(people, identity, crowd)).people
        assert made.clusters[identity] == made.state.clusters[identity] == members
        assert not any(operation.mentions_any(gone) for operation in made.operations)
        assert identity not in made.state.names
        assert [replace(one, groups=(), name=None) for one in made.operations] == [
            replace(one, groups=(), name=None) for one in people.operations
        ]
        others = {name: of for name, of in before.clusters.items() if name != identity}
        assert {name: of for name, of in made.state.clusters.items() if name != identity} == others
        # A name may be lost with whom it was given among, and is never anybody else's.
        assert made.state.names.items() <= before.names.items()
        # Begun, and cut off when edges are gone already.
        again = await replay(made.nodes, made.clusters, made.operations, Without(crowd, gone))
        assert again.clusters == made.state.clusters
        resumed = replace(made, state=again)
        assert not (await set_apart(resumed, identity, Without(crowd, gone))).homes
        left = without_appearances(made, gone)
        assert left.state.clusters == others
        assert left.nodes.keys() == people.nodes.keys() - gone
        after = await replay(left.nodes, left.clusters, left.operations, Without(crowd, gone))
        assert (after.clusters, after.names) == (others, left.state.names)
        assert after.current(identity) is None


async def two(cast: Cast) -> People:
    """Anna, four times, and Ben, twice, taken for one."""
    cast.appear("anna.0", "anna.1", "anna.2", "anna.3", "ben.0", "ben.1")
    cast.link_all(cast.nodes, 0.9)
    return await town(cast, 0, 0)


async def test_a_name_does_not_pass_to_those_who_were_split_off(cast: Cast) -> None:
    people = await two(cast)
    (home,) = people.state.clusters
    everybody = people.state.clusters[home]
    await say(people, cast, OperationKind.NAME, everybody, name="Ben")
    anna = [one for one in everybody if one.startswith("anna")]
    ben = [one for one in everybody if one.startswith("ben")]
    await say(people, cast, OperationKind.SPLIT, anna, ben)
    assert people.state.names == {home: "Ben"}
    made = (await set_apart(people, home, cast)).people
    # Four of six places are Anna's, who would be Ben now.
    assert made.state.names == {}
    assert made.operations[0].name is None
    assert "Ben" not in repr(made)


async def test_a_name_stays_with_those_from_whom_a_stranger_was_split_off(cast: Cast) -> None:
    people = await two(cast)
    (home,) = people.state.clusters
    everybody = people.state.clusters[home]
    await say(people, cast, OperationKind.NAME, everybody, name="Ben")
    await say(people, cast, OperationKind.SPLIT, everybody[:4], everybody[4:])
    (stranger,) = people.state.clusters.keys() - {home}
    made = (await set_apart(people, stranger, cast)).people
    assert made.state.names == {home: "Ben"}


async def test_an_earlier_name_goes_too(cast: Cast) -> None:
    people = await two(cast)
    (home,) = people.state.clusters
    for name in ("Ann", "Anna"):
        await say(people, cast, OperationKind.NAME, people.state.clusters[home], name=name)
    made = (await set_apart(people, home, cast)).people
    assert [one.name for one in made.operations] == [None, None]


async def test_what_was_said_of_ids_of_the_past_does_not_pass_to_a_neighbour(cast: Cast) -> None:
    cast.nodes = {
        "anna": Node("anna", "v", 0.0, 10.0),
        "ben": Node("ben", "v", 0.0, 9.9),
    }
    people = await town(cast, 0, 0)
    old = Operation("town", 1, OperationKind.NAME, 0.0, groups=((Spot("old", "v", 0, 10_000),),), name="Anna")
    people.operations = [old]
    people.state = await replay(people.nodes, people.clusters, people.operations, cast)
    # Both fit alike, so nobody is Anna; without her Ben would be.
    assert people.state.names == {}
    made = (await set_apart(people, people.state.homes["anna"], cast)).people
    assert made.operations[0].name is None
    assert made.operations[0].groups == ((),)
