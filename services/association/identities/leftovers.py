"""Small identities that no edge leads to their people from: the likeliest homes of those who are left over.

A word off screen, or a face that is turned away, resembles nobody enough for an edge, so that nothing that is compared
tells whose it is. Half of those are somebody else of their video (`HOME`), and of these it is rather who is there at
about the same time: the share of each falls with the root of the seconds between. Who was said to be somebody else is
out, and the others are the likelier for it. Fitted on 84 of them in twelve films, whole and less a quarter
(`docs/decisions/2026-11-29-corrections.md`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from services.association.identities.graph import Node, Weights, together
from services.association.identities.state import IdentityState

__all__ = ["HOME", "SMALL", "homes_of_leftover", "who_is_in"]

# At most so many appearances are left over; larger identities have edges to what they belong to.
SMALL = 2
# How likely a small identity that is nobody else by its edges is somebody of its video.
HOME = 0.5


def who_is_in(nodes: Mapping[str, Node]) -> dict[str, list[Node]]:
    """The appearances of each video."""
    found: defaultdict[str, list[Node]] = defaultdict(list)
    for node in nodes.values():
        found[node.video_id].append(node)
    return dict(found)


def homes_of_leftover(
    state: IdentityState, name: str, nodes: Mapping[str, Node], videos: Mapping[str, Sequence[Node]], weights: Weights
) -> Iterator[tuple[str, float]]:
    """Whose a small identity may be, of those larger than it that it has no edge to.

    Args:
        state: What is believed.
        name: The small identity.
        nodes: The appearances that are asked about, by id.
        videos: The same by video.
        weights: Of their pairs.

    Yields:
        Identities, and how likely each is the one, if it is none that an edge leads to.
    """
    members = [nodes[one] for one in state.clusters[name]]
    barred, rejected = {name}, set[str]()
    gaps_s: defaultdict[str, float] = defaultdict(lambda: math.inf)
    for one in members:
        rejected |= {state.homes[other] for other in state.apart.get(one.appearance_id, ()) if other in state.homes}
        barred |= {state.homes[other] for other in weights.of(one.appearance_id) if other in state.homes}
        for other in videos[one.video_id]:
            home = state.homes[other.appearance_id]
            gaps_s[home] = min(gaps_s[home], _gap_s(one, other))
            if together(one, other) or len(state.clusters[home]) <= len(members):
                barred.add(home)
    shares = {home: (1.0 + gap) ** -0.5 for home, gap in gaps_s.items() if home not in barred}
    left = {home: share for home, share in shares.items() if home not in rejected}
    everything, elsewhere = sum(shares.values()), (1.0 - HOME) / HOME * sum(shares.values())
    for home, share in sorted(left.items()) if everything else ():
        yield home, share / (sum(left.values()) + elsewhere)


def _gap_s(one: Node, other: Node) -> float:
    """Seconds between two appearances of one video; 0 where they overlap."""
    return max(0.0, one.start_s - other.end_s, other.start_s - one.end_s)
