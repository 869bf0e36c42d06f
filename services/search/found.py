"""What one person was found by: scores, and reasons for those that are in the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from packs.spec import Modality
from services.search import ranking
from services.search.answer import Belief, Degradation, Step
from services.search.chains import Calibrations, Chain
from services.search.ranking import Direct

__all__ = ["Found"]


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
