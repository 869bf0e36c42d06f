"""How far two packs differ on what is stored: how much each has, and how far their rankings lie apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from packs.spec import Modality
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import Scope

__all__ = ["Difference", "ModalityDifference", "compare"]

TOP = 10
SAMPLE = 50
QUERIES_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class ModalityDifference:
    """One modality.

    Attributes:
        old: Embeddings that the old pack has.
        new: Embeddings that the new pack has.
        sampled: Appearances that were asked for, each with its own embedding in either pack.
        overlap: Mean share of the ten nearest that both packs name, in [0, 1]; None where nothing was sampled.
        same_first: Share of the sample whose nearest is the same appearance; None where nothing was sampled.
    """

    old: int
    new: int
    sampled: int
    overlap: float | None
    same_first: float | None


@dataclass(frozen=True, slots=True)
class Difference:
    """Two packs: appearances of each, and their modalities."""

    old_appearances: int
    new_appearances: int
    modalities: Mapping[Modality, ModalityDifference]


async def compare(source: VectorIndex, target: VectorIndex, *, sample: int = SAMPLE, seed: int = 0) -> Difference:
    """Compare the live pack's index with the new one's.

    Of each modality a sample of appearances is asked for in its own gallery, in both packs: "more like this one".
    Neither ranking is the truth, so a low overlap says that answers will differ, not that they will be worse.
    """
    galleries = [gallery.name for gallery in await source.list_galleries()]
    counts = [sum([len(await index.list_places(None, Scope(one))) for one in galleries]) for index in (source, target)]
    random = np.random.default_rng(seed)
    modalities = {}
    for modality in Modality:
        found = await _modality(source, target, modality, galleries, sample, random)
        if found.old or found.new:
            modalities[modality] = found
    return Difference(counts[0], counts[1], modalities)


async def _modality(
    source: VectorIndex,
    target: VectorIndex,
    modality: Modality,
    galleries: Sequence[str],
    sample: int,
    random: np.random.Generator,
) -> ModalityDifference:
    counts, both = [0, 0], []
    for gallery in galleries:
        ids = [
            {place.appearance_id for place in await index.list_places(modality, Scope(gallery))}
            for index in (source, target)
        ]
        counts = [count + len(of_one) for count, of_one in zip(counts, ids, strict=True)]
        both += [(gallery, one) for one in sorted(ids[0] & ids[1])]
    chosen = [both[i] for i in sorted(random.choice(len(both), min(sample, len(both)), replace=False))] if both else []
    overlaps: list[float] = []
    firsts: list[bool] = []
    for gallery in galleries:
        wanted = [one for of, one in chosen if of == gallery]
        old, new = [await _nearest(index, modality, gallery, wanted) for index in (source, target)]
        for one in wanted:
            if old.get(one) and one in new:
                overlaps.append(len(set(old[one]) & set(new[one])) / len(old[one]))
                firsts.append(old[one][:1] == new[one][:1])
    if not overlaps:
        return ModalityDifference(counts[0], counts[1], 0, None, None)
    return ModalityDifference(counts[0], counts[1], len(overlaps), float(np.mean(overlaps)), float(np.mean(firsts)))


async def _nearest(index: VectorIndex, modality: Modality, gallery: str, ids: Sequence[str]) -> dict[str, list[str]]:
    """The ten nearest of each appearance, best first, without itself."""
    nearest: dict[str, list[str]] = {}
    for start in range(0, len(ids), QUERIES_AT_ONCE):
        rows = await index.get_embeddings(modality, gallery, ids[start : start + QUERIES_AT_ONCE])
        if not rows:
            continue
        vectors = np.stack([row.vector for row in rows.values()])
        found = await index.search(modality, vectors, Scope(gallery), TOP + 1)
        for one, hits in zip(rows, found, strict=True):
            nearest[one] = [hit.appearance_id for hit in hits if hit.appearance_id != one][:TOP]
    return nearest
