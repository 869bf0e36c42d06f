"""An identity is set apart before it is erased, so that it can be erased whatever happens in between.

Who is who follows from edges and from the log, and an erasure takes both away: begun and cut off, it would find
somebody else, or only half, under the same id. So first the record is changed such that the identity is exactly its
appearances before anything is said, and that nothing said speaks of them any more; all else is to stay as it was. What
an operation did to others may have rested on those who go (a merge whose first identity is gone, a cut between two of
whom one is): then all are written down as they are now, and what was said otherwise since is said no more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from services.association.identities.clustering import Cluster
from services.association.identities.naming import id_of_operation
from services.association.identities.people import People
from services.association.identities.replaying import PARTS, EdgeSource, in_effect, replay
from services.association.identities.resolving import Resolver
from services.association.identities.state import IdentityState
from services.backends.people import Operation, OperationKind, Spot

__all__ = ["SetApart", "set_apart", "without_appearances", "without_traces"]

_IDS_OF_AN_OPERATION = 4 * PARTS


@dataclass(frozen=True, slots=True)
class SetApart:
    """What is to be written so that an identity is set apart.

    Attributes:
        people: The gallery then.
        homes: The identities of those whose membership changes, by appearance.
        operations: Those that change, as they are then.
    """

    people: People
    homes: Mapping[str, str]
    operations: Sequence[Operation]


async def set_apart(people: People, identity_id: str, source: EdgeSource) -> SetApart:
    """Set an identity that is there apart; nothing is written yet.

    Args:
        people: The gallery.
        identity_id: The identity.
        source: The weights of pairs.

    Raises:
        RuntimeError: If it would not be exactly the identity: a mistake in here, and better than to erase others.
    """
    members = frozenset(people.state.clusters[identity_id])
    operations = without_traces(people, identity_id)
    homes = _home_free(people, identity_id)
    state = await replay(people.nodes, _clusters(homes), operations, source)
    if state.clusters != people.state.clusters or not state.names.items() <= people.state.names.items():
        homes = people.state.homes
        operations = _settled(people, operations)
        state = await replay(people.nodes, _clusters(homes), operations, source)
    if frozenset(state.clusters[identity_id]) != members:
        raise RuntimeError(f"identity {identity_id} cannot be told from others: nothing was erased")
    before = people.homes
    made = replace(people, clusters=_clusters(homes), operations=operations, state=state)
    changed = {one: home for one, home in homes.items() if before[one] != home}
    return SetApart(made, changed, [new for old, new in zip(people.operations, operations, strict=True) if old != new])


def without_traces(people: People, identity_id: str) -> list[Operation]:
    """The log without the places of an identity, and without its names; numbers, kinds, times and authors stay."""
    members = frozenset(people.state.clusters[identity_id])
    others = {one: node for one, node in people.nodes.items() if one not in members}
    now, then = Resolver(people.nodes), Resolver(others)

    def gone(spot: Spot) -> bool:
        # Also what would be taken for somebody else once the identity is gone.
        found = now.id_of(spot)
        return found in members or then.id_of(spot) != found

    def left(operation: Operation) -> Operation:
        # Said again, it would call somebody else by the id that is to be nobody's.
        makes_it = identity_id in _ids_made_by(operation)
        if not makes_it and not any(map(gone, operation.spots)):
            return operation
        without = operation.without(gone)
        taken = makes_it or _names_it(without, people.state, identity_id, then)
        return without.without(lambda _: True) if taken else without

    return [left(operation) for operation in people.operations]


def _ids_made_by(operation: Operation) -> set[str]:
    return {id_of_operation(operation.gallery, operation.number, part) for part in range(_IDS_OF_AN_OPERATION)}


def _names_it(without: Operation, state: IdentityState, identity_id: str, others: Resolver) -> bool:
    """Whether a name that was given to an identity among others is its own, and not that which one of those has now."""
    if without.kind is not OperationKind.NAME or not without.name:
        return False
    home = state.home_of_most(others.ids(without.spots))
    return home is None or state.names.get(home) != without.name or state.names.get(identity_id) == without.name


def _home_free(people: People, identity_id: str) -> dict[str, str]:
    """Who is who before anything is said, but that an identity is whole, and that nobody else is called by its id."""
    now, goes = people.state.homes, identity_id
    return {one: now[one] if goes in (home, now[one]) else home for one, home in people.homes.items()}


def _settled(people: People, operations: Sequence[Operation]) -> list[Operation]:
    """The log as it may be said over who is who now: without what was said otherwise since."""
    resolver, counting = Resolver(people.nodes), {operation.number for operation in in_effect(operations)}
    return [
        one if one.number not in counting or _holds(one, people.state, resolver) else one.without(lambda _: True)
        for one in operations
    ]


def _holds(operation: Operation, state: IdentityState, resolver: Resolver) -> bool:
    """Whether what it says is so now, or cannot be told for want of appearances: then it moves nobody."""
    groups = [resolver.ids(group) for group in operation.groups]
    homes = [state.home_of_most(group) for group in groups]
    match operation.kind:
        case OperationKind.NAME:
            home = state.home_of_most(one for group in groups for one in group)
            return home is None or state.names.get(home, "") == operation.name
        case OperationKind.MERGE | OperationKind.CONFIRM:
            return len(set(homes) - {None}) <= 1
        case OperationKind.REJECT:
            return None in homes or len(set(homes)) == len(homes)
        case OperationKind.SPLIT:
            own = id_of_operation(operation.gallery, operation.number)
            return None in homes or (homes[1] != own and all(state.homes[one] == own for one in groups[0]))
        case OperationKind.UNDO:
            return True


def _clusters(homes: Mapping[str, str]) -> dict[str, Cluster]:
    found: dict[str, list[str]] = {}
    for one, home in sorted(homes.items()):
        found.setdefault(home, []).append(one)
    return {home: tuple(members) for home, members in found.items()}


def without_appearances(people: People, gone: Collection[str]) -> People:
    """A gallery without appearances of which nothing is said."""
    left = {home: tuple(one for one in members if one not in gone) for home, members in people.clusters.items()}
    return replace(
        people,
        nodes={one: node for one, node in people.nodes.items() if one not in gone},
        clusters={home: members for home, members in left.items() if members},
        state=people.state.without(gone),
    )
