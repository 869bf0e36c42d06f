"""What is known of a person who is looked for, and what was found: scores, and reasons for those in the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from packs.spec import Modality
from services.backends.associations.blocks import EdgeBlock
from services.search import ranking
from services.search.answer import Belief, Degradation, Step
from services.search.chains import Calibrations, Chain
from services.search.paths import Path
from services.search.ranking import Direct
from services.search.retrieved import Retrieved
from services.search.speaking import Speakers

__all__ = ["Found", "Known"]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one person, asked for or rejected.

    `compared` holds the evidence, around the chains too, and `edges` what associations say of those that were touched.
    """

    compared: Retrieved
    direct: Mapping[str, Direct]
    paths: Mapping[str, Path]
    speakers: Speakers
    degraded: frozenset[Degradation]
    edges: EdgeBlock

    @property
    def chained(self) -> dict[str, Path]:
        """The paths with steps; what the query names needs none, and a seed has none."""
        named = {one for one, direct in self.direct.items() if direct.named_by is not None}
        return {one: path for one, path in self.paths.items() if path.steps and one not in named}


@dataclass(frozen=True, slots=True)
class Found:
    """The score of each appearance, what had to be done without, and the reasons, which are made when asked for.

    Attributes:
        scores: By appearance id; what cannot answer the task may be among them.
        degraded: What had to be done without.
        seeds: Direct beliefs in who an appearance is, from which chains start.
        direct: Direct beliefs in what is asked.
        chains: The chains to appearances.
        calibration: Of the pack.
        ways: From parts that had no face of their own to the appearances whose faces they were given, by part.
    """

    scores: Mapping[str, float]
    degraded: frozenset[Degradation]
    seeds: Mapping[str, Direct]
    direct: Mapping[str, Direct]
    chains: Mapping[str, Chain]
    calibration: Calibrations
    ways: Mapping[int, tuple[Step, ...]] = field(default_factory=dict)

    def explain(self, appearance_id: str, score: float) -> Belief:
        """Say why an appearance has its score."""
        chain = self.chains.get(appearance_id)
        seed = self.seeds[chain.path.seed] if chain is not None else None
        direct = self.direct.get(appearance_id)
        belief = ranking.explain(appearance_id, score, direct, chain, seed, self.calibration, self.ways)
        first = belief.chain[0]
        way = self.ways.get(first.source) if isinstance(first.source, int) else None
        if not way or first.modality is not Modality.FACE or first.target == way[0].source:
            return belief
        # The face that it was found by is not the hit's own.
        hit = Step(first.source, str(way[0].source), way[0].modality, 1.0, 1.0)
        found = replace(first, source=way[-1].target)
        return replace(belief, chain=(hit, *way, found, *belief.chain[1:]))
