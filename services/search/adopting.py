"""A face for a hit that shows none: of the appearance that is most surely the same person, and shows it clearly.

Face and voice are long-term keys, looks a short-term connection (CSM-V). A hit that shows nobody's face is followed
along its looks to an appearance that does; by that face the question goes on as if it were the hit's own. What is found
by it has the way to it for its reason, and is never surer than that way. Where no face is sure enough the hit has only
the keys that it has itself, and associations lead on from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from packs.spec import Modality
from services.search.chains import Doubt
from services.search.expansion import Expander
from services.search.parts import ReadPart
from services.search.paths import Path
from services.search.reach import LONG_TERM
from services.search.retrieval import Retriever
from services.search.retrieved import QueryVector
from services.search.settings import SearchSettings

__all__ = ["KeyAdopter"]

# Appearances whose faces are looked at.
LOOKED_AT = 32


class KeyAdopter:
    """Finds the faces of hits.

    Args:
        expander: Follows associations.
        retriever: Where embeddings are.
        settings: How sure, and how clear, a face must be.
        kinds: Modalities whose associations are followed.
    """

    def __init__(
        self, expander: Expander, retriever: Retriever, settings: SearchSettings, kinds: Sequence[Modality]
    ) -> None:
        self._expander, self._retriever = expander, retriever
        self._settings, self._kinds = settings, tuple(kinds)
        self._doubt = Doubt.of(settings)

    async def adopt(self, part: ReadPart, gallery: str) -> ReadPart:
        """The part; a hit by its long-term keys alone, and without a clear face by one that associations lead to."""
        if part.appearance_id is None:
            return part
        if self._clear(part):
            return _by_keys(part)
        settings = self._settings
        near = await self._expander.expand(
            gallery, {part.appearance_id: 1.0}, self._kinds, part.beside, settings.adopt_nodes, settings.min_edge_alone
        )
        if not near.complete:
            # Without associations looks can only be compared.
            return part
        sure = {one: path for one, path in near.paths.items() if path.steps and self._enough(path.probability)}
        return await self._nearest(part, gallery, sure)

    async def _nearest(self, part: ReadPart, gallery: str, sure: Mapping[str, Path]) -> ReadPart:
        looked_at = sorted(sure, key=lambda one: (-sure[one].probability, one))[:LOOKED_AT]
        rows = await self._retriever.read(Modality.FACE, gallery, looked_at) if looked_at else None
        worth = {one: sure[one].probability * self._clearness(row.quality) for one, row in (rows or {}).items()}
        best = max(worth, key=lambda one: (worth[one], one), default=None)
        if rows is None or best is None or not self._enough(worth[best]):
            return _by_keys(part)
        row, path = rows[best], sure[best]
        face = QueryVector(part.index, Modality.FACE, part.weight, row.vector, quality=row.quality)
        kept = tuple(one for one in part.vectors if one.modality is not Modality.FACE)
        return _by_keys(replace(part, vectors=(*kept, face), way=path.steps))

    def _clear(self, part: ReadPart) -> bool:
        faces = (self._clearness(one.quality) for one in part.vectors if one.modality is Modality.FACE)
        return max(faces, default=0.0) >= self._settings.adopt_below

    def _clearness(self, quality: float) -> float:
        return self._doubt.clearness(Modality.FACE, quality)

    def _enough(self, probability: float) -> bool:
        return probability >= self._settings.adopt_probability


def _by_keys(part: ReadPart) -> ReadPart:
    """A hit by its long-term keys alone: what it looks like is followed along associations, where pairs are judged.

    There clothes count as far as they may have been changed, and in the context of who is who; as evidence of a query
    body and head would be added up, and two people in one uniform be found for certain.
    """
    keys = tuple(one for one in part.vectors if one.modality in LONG_TERM)
    return replace(part, vectors=keys, named_by=part.named_by or part.vectors[0].modality)
