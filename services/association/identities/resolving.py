"""From where an appearance was to the appearance that is there now.

Ids follow from the video, the shot and the place in it, so the same file ingested again by the same networks has the
same ones. Other networks may find more people in a shot, or fewer: then what counts is the video and the time. Where
two appearances fit alike, as two people in one shot do, none is taken: a wrong name is worse than a lost one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from services.association.identities.graph import Node
from services.backends.people import Spot

__all__ = ["Resolver"]

LEAST_SHARE = 0.5
_CLEARLY = 0.2


class Resolver:
    """Knows which appearances are there.

    Args:
        nodes: The appearances, by id.
    """

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self._nodes = nodes
        self._by_video: defaultdict[str, list[Node]] = defaultdict(list)
        for node in nodes.values():
            self._by_video[node.video_id].append(node)

    def ids(self, spots: Iterable[Spot]) -> list[str]:
        """The appearances that are at some spots now, in their order, each once; what is nowhere is left out."""
        found = (self.id_of(spot) for spot in spots)
        return list(dict.fromkeys(one for one in found if one is not None))

    def id_of(self, spot: Spot) -> str | None:
        """The appearance that is at a spot now: that of its id if its time fits, else the only one whose time does."""
        same = self._nodes.get(spot.appearance_id)
        if same is not None and same.video_id == spot.video_id and _share(spot, same) >= LEAST_SHARE:
            return same.appearance_id
        fits = sorted(
            ((_share(spot, node), node.appearance_id) for node in self._by_video.get(spot.video_id, ())), reverse=True
        )
        if not fits or fits[0][0] < LEAST_SHARE:
            return None
        if len(fits) > 1 and fits[1][0] > fits[0][0] - _CLEARLY:
            return None
        return fits[0][1]


def _share(spot: Spot, node: Node) -> float:
    """Intersection over union of the two times."""
    start_s, end_s = spot.start_ms / 1000.0, spot.end_ms / 1000.0
    both = min(end_s, node.end_s) - max(start_s, node.start_s)
    either = max(end_s, node.end_s) - min(start_s, node.start_s)
    if either <= 0.0:
        return 1.0 if both >= 0.0 else 0.0
    return max(0.0, both) / either
