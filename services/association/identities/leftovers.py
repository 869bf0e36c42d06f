"""Small identities that no edge leads to their people from: the likeliest homes of those who are left over.

A word off screen, or a face that is turned away, resembles nobody enough for an edge. Four in five of those are
somebody else of their video (`HOME`), and of these it is rather who is there at about the same time, and whose face or
voice is at least a little like theirs: the share of each falls with the seconds between (`NEARNESS`) and grows with
the likeness, of which little is believed (`HEEDED`), since the best of many pairs is taken and many a word was given
to the wrong person. Who was said to be somebody else is out, and the others are the likelier for it. Fitted together,
on 159 of them in twenty films, whole and less a quarter (`docs/decisions/2026-11-29-corrections.md`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from services.association.identities.graph import Node, Weights, together
from services.association.identities.resemblance import Likeness
from services.association.identities.state import IdentityState

__all__ = ["HEEDED", "HOME", "NEARNESS", "SMALL", "homes_of_leftover", "strays", "who_is_in"]

# At most so many appearances are left over; larger identities have edges to what they belong to.
SMALL = 2
# How likely a small identity that is nobody else by its edges is somebody of its video.
HOME = 0.8
# What a nat of the likeness to whom of a home it resembles most is worth.
HEEDED = 0.2
# The power of one and the seconds between by which a share falls.
NEARNESS = 0.36


def strays(state: IdentityState, names: Iterable[str]) -> list[str]:
    """The appearances of those identities that are so small that their people may be others' too."""
    return [one for name in names if len(state.clusters[name]) <= SMALL for one in state.clusters[name]]


def who_is_in(nodes: Mapping[str, Node]) -> dict[str, list[Node]]:
    """The appearances of each video."""
    found: defaultdict[str, list[Node]] = defaultdict(list)
    for node in nodes.values():
        found[node.video_id].append(node)
    return dict(found)


def homes_of_leftover(
    state: IdentityState,
    name: str,
    nodes: Mapping[str, Node],
    videos: Mapping[str, Sequence[Node]],
    weights: Weights,
    likeness: Likeness = MappingProxyType({}),
) -> Iterator[tuple[str, float]]:
    """Whose a small identity may be, of those larger than it that it has no edge to.

    Args:
        state: What is believed.
        name: The small identity.
        nodes: The appearances that are asked about, by id.
        videos: The same by video.
        weights: Of their pairs.
        likeness: What embeddings say of those who are left over, below what makes an edge.

    Yields:
        Identities, and how likely each is the one, if it is none that an edge leads to.
    """
    members = [nodes[one] for one in state.clusters[name]]
    barred, rejected = {name}, set[str]()
    gaps_s: defaultdict[str, float] = defaultdict(lambda: math.inf)
    alike: dict[str, float] = {}
    for one in members:
        rejected |= {state.homes[other] for other in state.apart.get(one.appearance_id, ()) if other in state.homes}
        barred |= {state.homes[other] for other in weights.of(one.appearance_id) if other in state.homes}
        resembled = likeness.get(one.appearance_id, {})
        for other in videos[one.video_id]:
            home = state.homes[other.appearance_id]
            if other.appearance_id in resembled:
                alike[home] = max(resembled[other.appearance_id], alike.get(home, -math.inf))
            gaps_s[home] = min(gaps_s[home], _gap_s(one, other))
            if together(one, other) or len(state.clusters[home]) <= len(members):
                barred.add(home)
    shares = {home: (1.0 + gap) ** -NEARNESS for home, gap in gaps_s.items() if home not in barred}
    left = {
        home: share * math.exp(HEEDED * alike.get(home, 0.0)) for home, share in shares.items() if home not in rejected
    }
    everything, elsewhere = sum(shares.values()), (1.0 - HOME) / HOME * sum(shares.values())
    for home, share in sorted(left.items()) if everything else ():
        yield home, share / (sum(left.values()) + elsewhere)


def _gap_s(one: Node, other: Node) -> float:
    """Seconds between two appearances of one video; 0 where they overlap."""
    return max(0.0, one.start_s - other.end_s, other.start_s - one.end_s)
