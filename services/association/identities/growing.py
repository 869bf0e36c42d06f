"""Identities that grow with the gallery: new appearances join who is there, or become somebody new.

Only what the new appearances have an edge to is looked at: those identities stay together, each as one, and the new
appearances join them, or one another; two identities may become one through what joined both. The rest of the gallery
is not touched, so that a new video costs the same in a large gallery as in a small one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from services.association.identities.clustering import Cluster, cluster
from services.association.identities.graph import Node, Weights
from services.association.identities.naming import named

__all__ = ["grown", "rebuilt", "touched"]


def touched(new: Collection[str], homes: Mapping[str, str], weights: Weights) -> list[str]:
    """The identities that some new appearances have an edge to."""
    return sorted({homes[other] for one in new for other in weights.of(one) if other in homes})


def grown(
    clusters: Mapping[str, Cluster],
    nodes: Mapping[str, Node],
    new: Collection[str],
    weights: Weights,
    before: Mapping[str, str],
    taken: frozenset[str],
) -> dict[str, Cluster]:
    """Add appearances to identities.

    Args:
        clusters: The identities that are touched, without the new appearances.
        nodes: Their appearances and the new ones, by id.
        new: Ids of the new ones.
        weights: Of the pairs of all these.
        before: For a new appearance the identity it had before its video was ingested anew, where it had one.
        taken: Ids of all other identities of the gallery.

    Returns:
        What the touched identities and the new appearances become, by identity.
    """
    parts = cluster(nodes, weights, {}, [*clusters.values(), *([one] for one in sorted(new))])
    homes = {one: name for name, members in clusters.items() for one in members}
    return named(parts, {**before, **homes}, weights, taken)


def rebuilt(nodes: Mapping[str, Node], weights: Weights, before: Mapping[str, str]) -> dict[str, Cluster]:
    """Cluster all appearances of a gallery from nothing; ids stay with most of an identity."""
    return named(cluster(nodes, weights, {}), before, weights)
