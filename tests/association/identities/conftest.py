"""Made-up appearances of people: who is who is in the id, `anna.3`, and edges are made by hand."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np
import pytest

from packs.spec import Modality
from services.association.identities.graph import Node, Weights
from services.backends.schemas import AppearanceKind, Association

FACE = frozenset({Modality.FACE})


@dataclass
class Cast:
    """Appearances and edges; it is an `EdgeSource`."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Association] = field(default_factory=list)

    def appear(
        self, *names: str, video: str = "v", start_s: float | None = None, kind: AppearanceKind | None = None
    ) -> None:
        """Add appearances of two seconds with a face, one after the other unless told when."""
        for name in names:
            begin = 10.0 * len(self.nodes) if start_s is None else start_s
            kind = kind or AppearanceKind.TRACKLET
            self.nodes[name] = Node(name, video, begin, begin + 2.0, kind, FACE)

    def link(self, one: str, other: str, probability: float, modality: Modality = Modality.FACE) -> None:
        """Add an edge."""
        self.edges.append(Association(min(one, other), max(one, other), modality, probability))

    def link_all(self, names: Iterable[str], probability: float) -> None:
        """Add all edges between some."""
        listed = sorted(names)
        for place, one in enumerate(listed):
            for other in listed[place + 1 :]:
                self.link(one, other, probability)

    @property
    def weights(self) -> Weights:
        """Of the edges."""
        return Weights(self.edges)

    async def among(self, appearance_ids: Collection[str]) -> Weights:
        """All of them."""
        assert set(appearance_ids) <= self.nodes.keys()
        return self.weights

    @classmethod
    def crowd(cls, seed: int, people: int = 6, films: int = 4, shots: int = 5) -> Cast:
        """A gallery of several films: same people mostly look alike, some pairs of different people do too."""
        rng = np.random.default_rng(seed)
        cast = cls()
        for film in range(films):
            for who in range(people):
                for shot in range(shots):
                    name = f"p{who}.{film}.{shot}"
                    cast.nodes[name] = Node(name, f"f{film}", 10.0 * shot, 10.0 * shot + 5.0, long_term=FACE)
        names = sorted(cast.nodes)
        for place, one in enumerate(names):
            for other in names[place + 1 :]:
                same = one.split(".")[0] == other.split(".")[0]
                if rng.random() < (0.5 if same else 0.02):
                    cast.link(one, other, float(rng.uniform(0.7, 0.99) if same else rng.uniform(0.5, 0.8)))
        return cast


@pytest.fixture
def cast() -> Cast:
    return Cast()
