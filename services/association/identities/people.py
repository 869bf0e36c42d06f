"""The identities of one gallery in memory: as the record has them, and after everything that was said."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from services.association.identities.clustering import Cluster
from services.association.identities.graph import Node, node_of
from services.association.identities.state import IdentityState
from services.backends.people import Membership, Operation
from services.backends.schemas import Appearance

__all__ = ["People", "membership_of", "node_of_membership"]


@dataclass(slots=True)
class People:
    """Who is who in a gallery.

    Attributes:
        nodes: The appearances, by id.
        clusters: Who is who before anything was said, by identity.
        operations: The log.
        videos: The generation of each video that is in.
        state: Who is who now.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    clusters: dict[str, Cluster] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)
    videos: dict[str, int] = field(default_factory=dict)
    state: IdentityState = field(default_factory=IdentityState)

    @property
    def homes(self) -> dict[str, str]:
        """The identity of each appearance before anything was said."""
        return {one: name for name, members in self.clusters.items() for one in members}

    @property
    def spoken_of(self) -> set[str]:
        """The videos that are in, or that the log speaks of."""
        return {spot.video_id for operation in self.operations for spot in operation.spots} | self.videos.keys()

    def without(self, videos: Collection[str]) -> People:
        """The same without some videos; what was said is to be said again."""
        nodes = {one: node for one, node in self.nodes.items() if node.video_id not in videos}
        left = {name: tuple(one for one in members if one in nodes) for name, members in self.clusters.items()}
        clusters = {name: members for name, members in left.items() if members}
        kept = {video: generation for video, generation in self.videos.items() if video not in videos}
        return replace(self, nodes=nodes, clusters=clusters, videos=kept)

    @classmethod
    def of(cls, rows: Collection[Membership], operations: Collection[Operation]) -> People:
        """What the record has; nothing is said yet."""
        clusters: dict[str, list[str]] = {}
        for row in rows:
            clusters.setdefault(row.identity_id, []).append(row.appearance_id)
        return cls(
            {row.appearance_id: node_of_membership(row) for row in rows},
            {name: tuple(sorted(members)) for name, members in clusters.items()},
            list(operations),
            {row.video_id: row.generation for row in rows},
        )


def node_of_membership(row: Membership) -> Node:
    """The node of an appearance that the record knows the identity of."""
    return node_of(
        Appearance(
            row.appearance_id,
            row.gallery,
            row.video_id,
            row.kind,
            row.start_s,
            row.end_s,
            row.generation,
            row.modalities,
        )
    )


def membership_of(gallery: str, node: Node, generation: int, identity_id: str, pack_key: str) -> Membership:
    """The row of an appearance's identity; of its modalities those are kept that cross videos."""
    return Membership(
        node.appearance_id,
        gallery,
        node.video_id,
        node.start_s,
        node.end_s,
        generation,
        node.kind,
        tuple(sorted(node.long_term)),
        identity_id,
        pack_key,
    )


def homes_of(clusters: Mapping[str, Cluster]) -> dict[str, str]:
    """The identity of each appearance."""
    return {one: name for name, members in clusters.items() for one in members}
