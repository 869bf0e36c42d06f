"""The log replayed over the clustering: what was said, in the order in which it was said, the later counting more.

Every step is a function of the state, the operation and the weights of the appearances concerned, so that the same log
over the same clustering gives the same state to the byte, and an undo is the log without the operation.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from services.association.identities.clustering import Cluster, conflict
from services.association.identities.cutting import cut
from services.association.identities.graph import Node, Weights, together
from services.association.identities.naming import id_of_operation
from services.association.identities.resolving import Resolver
from services.association.identities.state import IdentityState
from services.backends.people import Operation, OperationKind

__all__ = ["PARTS", "EdgeSource", "advance", "in_effect", "replay"]

# More than one operation makes identities.
PARTS = 16


class EdgeSource(Protocol):
    """Where the weights of pairs come from."""

    async def among(self, appearance_ids: Collection[str]) -> Weights:
        """The weights of the pairs of some appearances; others may be among them."""
        ...


def in_effect(operations: Sequence[Operation]) -> list[Operation]:
    """The operations that are not undone, undos among them, by number; an undo that is undone undoes nothing."""
    undone: set[int | None] = set()
    left: list[Operation] = []
    for operation in sorted(operations, key=lambda one: -one.number):
        if operation.number not in undone:
            undone.add(operation.undoes)
            left.append(operation)
    return left[::-1]


async def replay(
    nodes: Mapping[str, Node], clusters: Mapping[str, Cluster], operations: Sequence[Operation], source: EdgeSource
) -> IdentityState:
    """Say everything again that was said.

    Args:
        nodes: The appearances that are there, by id.
        clusters: Who is who before anything is said, by identity; they cover the nodes.
        operations: The gallery's log.
        source: The weights of pairs.
    """
    said = _Said(nodes, IdentityState.of(clusters), Resolver(nodes), source)
    for operation in in_effect(operations):
        if await said.apply(operation):
            said.state.in_force.add(operation.number)
    return said.state


async def advance(
    state: IdentityState, nodes: Mapping[str, Node], operation: Operation, source: EdgeSource
) -> IdentityState:
    """Say one thing more, which is no undo: what `replay` gives of the log with it, without saying the rest again."""
    said = _Said(nodes, state.copy(), Resolver(nodes), source)
    if await said.apply(operation):
        said.state.in_force.add(operation.number)
    return said.state


class _Said:
    """A state while the log is replayed."""

    def __init__(self, nodes: Mapping[str, Node], state: IdentityState, resolver: Resolver, source: EdgeSource) -> None:
        self.state = state
        self._nodes, self._resolver, self._source = nodes, resolver, source

    async def apply(self, operation: Operation) -> bool:
        """Change the state by an operation; whether it could be, with the appearances that are there."""
        groups = [self._resolver.ids(group) for group in operation.groups]
        match operation.kind:
            case OperationKind.NAME:
                return self._name(operation, groups)
            case OperationKind.MERGE:
                return self._merge(operation, groups)
            case OperationKind.SPLIT:
                return await self._split(operation, groups)
            case OperationKind.CONFIRM:
                return self._confirm(operation, groups)
            case OperationKind.REJECT:
                return await self._reject(operation, groups)
            case OperationKind.UNDO:
                return True

    def _name(self, operation: Operation, groups: Sequence[Sequence[str]]) -> bool:
        home = self.state.home_of_most(one for group in groups for one in group)
        if home is None or operation.name is None:
            return False
        if operation.name:
            self.state.names[home] = operation.name
        else:
            self.state.names.pop(home, None)
        return True

    def _merge(self, operation: Operation, groups: Sequence[Sequence[str]]) -> bool:
        target = self.state.home_of_most(groups[0]) if groups else None
        if target is None:
            return False
        met = False
        for part, group in enumerate(groups[1:]):
            source = self.state.home_of_most(group)
            if source is None:
                continue
            met = True
            if source != target:
                self.state.allow(self.state.clusters[target], self.state.clusters[source])
                self._unite(operation, target, source, (), part)
            first, second = groups[0][0], group[0]
            if self.state.homes[first] == self.state.homes[second] and first != second:
                self.state.confirm(first, second)
        return met

    def _confirm(self, operation: Operation, groups: Sequence[Sequence[str]]) -> bool:
        pair = _pair(groups)
        if pair is None or together(self._nodes[pair[0]], self._nodes[pair[1]]):
            return False
        self.state.confirm(*pair)
        one, other = (self.state.homes[end] for end in pair)
        if one != other:
            target, source = self._larger(one, other)
            self._unite(operation, target, source, pair, 0)
        return True

    def _larger(self, one: str, other: str) -> tuple[str, str]:
        """Two identities, the one that keeps its id first: the larger, then the one with a name, then by the id."""

        def rank(name: str) -> tuple[int, bool, str]:
            return -len(self.state.clusters[name]), name not in self.state.names, name

        return (one, other) if rank(one) <= rank(other) else (other, one)

    def _unite(self, operation: Operation, target: str, source: str, pinned: Collection[str], part: int) -> None:
        """Put an identity into another, but for who cannot be: they stay, or make way for those that are pinned."""
        ours, theirs = set(self.state.clusters[target]), set(self.state.clusters[source])
        clashes = list(conflict(self._nodes, self.state.apart, sorted(ours), sorted(theirs)))
        pairs = [(one, other) if one in ours else (other, one) for one, other in clashes]
        stay = {other for _, other in pairs if other not in pinned}
        leave = {one for one, other in pairs if other in pinned and one not in pinned}
        moved = theirs - stay
        if not moved:
            return
        self._hand_on_name(target, source, len(moved) >= len(stay))
        self.state.set_members(source, stay)
        self.state.set_members(target, (ours - leave) | moved)
        if leave:
            self.state.set_members(self._new_id(operation, part + 1), leave)
        if not stay:
            self.state.merged[source] = target

    def _hand_on_name(self, target: str, source: str, most: bool) -> None:
        if most and (name := self.state.names.pop(source, None)) is not None:
            self.state.names.setdefault(target, name)

    async def _reject(self, operation: Operation, groups: Sequence[Sequence[str]]) -> bool:
        pair = _pair(groups)
        if pair is None:
            return False
        one, other = pair
        self.state.keep_apart([one], [other])
        if self.state.homes[one] == self.state.homes[other]:
            await self._cut(operation, self.state.homes[one], ([one], [other]))
        return True

    async def _split(self, operation: Operation, groups: Sequence[Sequence[str]]) -> bool:
        if len(groups) != 2 or not groups[0] or not groups[1]:
            return False
        goes, stays = groups
        self.state.keep_apart(goes, stays)
        self.state.bound.append(frozenset(goes))
        home = self.state.home_of_most(stays)
        assert home is not None
        here = set(self.state.clusters[home])
        taken = here.intersection(goes)
        if taken and taken != here:
            await self._cut(operation, home, (sorted(here.intersection(stays)), sorted(taken)), first_keeps=True)
            home = self.state.homes[min(taken)]
        elsewhere = [one for one in goes if self.state.homes[one] != home]
        self._move(elsewhere, home if taken else id_of_operation(operation.gallery, operation.number))
        return True

    def _move(self, appearance_ids: Sequence[str], target: str) -> None:
        for one in appearance_ids:
            source = self.state.homes[one]
            self.state.set_members(source, [each for each in self.state.clusters[source] if each != one])
            self.state.set_members(target, [*self.state.clusters.get(target, ()), one])

    async def _cut(
        self, operation: Operation, home: str, sides: tuple[Sequence[str], Sequence[str]], *, first_keeps: bool = False
    ) -> None:
        """Cut an identity; the larger side keeps id and name, unless it is said that the first does."""
        members = self.state.clusters[home]
        weights = await self._source.among(members)
        nodes = {one: self._nodes[one] for one in members}
        # Long for an identity of thousands: other calls go on meanwhile.
        first, second = await asyncio.to_thread(cut, nodes, weights, sides, self.state.bound)
        kept, gone = (first, second) if first_keeps or len(first) >= len(second) else (second, first)
        self.state.set_members(home, kept)
        self.state.set_members(self._new_id(operation), gone)

    def _new_id(self, operation: Operation, part: int = 0) -> str:
        """The id of an identity that an operation makes; others may be called so since an erasure (`erasing`)."""
        names = (id_of_operation(operation.gallery, operation.number, part + PARTS * n) for n in itertools.count())
        return next(name for name in names if name not in self.state.clusters)


def _pair(groups: Sequence[Sequence[str]]) -> tuple[str, str] | None:
    """The two appearances of a pair, as far as both are there."""
    if len(groups) != 2 or not groups[0] or not groups[1] or groups[0][0] == groups[1][0]:
        return None
    return groups[0][0], groups[1][0]
