"""Who is who, after everything that was said: clusters, names, and what holds whatever is clustered."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from services.association.identities.clustering import Cluster

__all__ = ["IdentityState"]

Pair = tuple[str, str]


@dataclass(slots=True)
class IdentityState:
    """The identities of a gallery.

    Attributes:
        clusters: Sorted appearance ids by identity.
        homes: The identity of each appearance.
        names: By identity, of those that have one.
        merged: Where an identity that is no more went.
        confirmed: Pairs that somebody said are the same person, the smaller id first.
        apart: For an appearance those that somebody said are other people; both ways.
        bound: Groups of appearances that somebody said are one person.
        in_force: Numbers of the operations that count.
    """

    clusters: dict[str, Cluster] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    confirmed: set[Pair] = field(default_factory=set)
    apart: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    bound: list[frozenset[str]] = field(default_factory=list)
    in_force: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, clusters: Mapping[str, Cluster]) -> IdentityState:
        """What is believed before anything is said."""
        homes = {one: name for name, members in clusters.items() for one in members}
        return cls(dict(clusters), homes)

    def copy(self) -> IdentityState:
        """Another one that is the same; what is changed in it does not change this one."""
        apart = defaultdict(set, {one: set(others) for one, others in self.apart.items()})
        return IdentityState(
            dict(self.clusters),
            dict(self.homes),
            dict(self.names),
            dict(self.merged),
            set(self.confirmed),
            apart,
            list(self.bound),
            set(self.in_force),
        )

    def dump(self) -> bytes:
        """Everything that can be seen of it, the same bytes for the same state."""
        seen = {
            "identities": {
                name: {"name": self.names.get(name, ""), "appearances": members}
                for name, members in self.clusters.items()
            },
            "merged": self.merged,
            "confirmed": sorted(self.confirmed),
            "apart": sorted((one, other) for one, others in self.apart.items() for other in others if one < other),
            "bound": sorted(sorted(group) for group in self.bound),
        }
        return json.dumps(seen, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()

    def current(self, identity_id: str) -> str | None:
        """The identity that an id leads to, itself or what it was merged into; None when there is none."""
        seen = set()
        while identity_id not in self.clusters:
            if identity_id in seen or identity_id not in self.merged:
                return None
            seen.add(identity_id)
            identity_id = self.merged[identity_id]
        return identity_id

    def home_of_most(self, appearance_ids: Iterable[str]) -> str | None:
        """The identity to which most of some appearances belong; of equal ones that of the earlier named."""
        counts = Counter(self.homes[one] for one in appearance_ids if one in self.homes)
        return counts.most_common(1)[0][0] if counts else None

    def set_members(self, identity_id: str, members: Collection[str]) -> None:
        """Say who belongs to an identity; one without anybody is no more."""
        if not members:
            del self.clusters[identity_id]
            return
        self.clusters[identity_id] = tuple(sorted(members))
        self.homes.update(dict.fromkeys(members, identity_id))

    def without(self, gone: Collection[str]) -> IdentityState:
        """Another one without some appearances of which nothing was said."""
        left = self.copy()
        for home in {left.homes.pop(one) for one in gone if one in left.homes}:
            left.set_members(home, [one for one in left.clusters[home] if one not in gone])
            if home not in left.clusters:
                left.names.pop(home, None)
        return left

    def confirm(self, one: str, other: str) -> None:
        """Note that two appearances are one person."""
        self.apart[one].discard(other)
        self.apart[other].discard(one)
        self.confirmed.add(pair_of(one, other))
        self.bound.append(frozenset({one, other}))

    def keep_apart(self, some: Iterable[str], others: Collection[str]) -> None:
        """Note that each of some appearances is another person than each of the others."""
        pairs = {frozenset({one, other}) for one in some for other in others}
        for one, other in map(sorted, pairs):
            self.apart[one].add(other)
            self.apart[other].add(one)
            self.confirmed.discard((one, other))
        self.bound = [group for group in self.bound if group not in pairs]

    def allow(self, some: Collection[str], others: Collection[str]) -> None:
        """Take back that some appearances are other people than others."""
        for one in some:
            for other in self.apart[one].intersection(others):
                self.apart[one].discard(other)
                self.apart[other].discard(one)


def pair_of(one: str, other: str) -> Pair:
    """Two ids, the smaller first."""
    return (one, other) if one < other else (other, one)
