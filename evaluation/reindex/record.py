"""The index itself, looked at from outside: what each pack has, and whether each vector is its own network's."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import numpy as np

from packs.arrays import F32
from packs.manifest import Pack
from packs.spec import Modality
from services.backends.index.live import dimensions_of
from services.backends.index.milvus import MilvusIndex
from services.backends.inference.local import LocalInferenceBackend
from services.backends.media.files import FsspecMediaStore
from services.backends.schemas import Scope
from services.reindex.testing import GALLERY, MAKES, Side

__all__ = ["faults_between", "mixed_vectors", "opened_side", "strange_vectors", "vectors_of"]

ALL = Scope(GALLERY)
SAME = 0.999
AT_ONCE = 256
PATIENCE_S = 300.0  # a busy machine is no fault


@asynccontextmanager
async def opened_side(uri: str, pack: Pack, threads: int = 1) -> AsyncIterator[Side]:
    """A pack's index and networks."""
    index, backend = MilvusIndex(uri, pack.digest, timeout_s=PATIENCE_S), LocalInferenceBackend(pack, threads=threads)
    try:
        await index.open(dimensions_of(pack))
        yield Side(pack, backend, index)
    finally:
        await backend.aclose()
        await index.aclose()


async def faults_between(old: Side, new: Side) -> list[str]:
    """What is missing, too many, or there twice in the new pack, in words; empty when it is whole."""
    faults = []
    rows = await new.index.list_appearances(ALL)
    before, after = [await side.index.list_places(None, ALL) for side in (old, new)]
    faults += _against("appearances", [place.appearance_id for place in before], [one.appearance_id for one in after])
    for modality in Modality:
        named = [row.appearance_id for row in rows if modality in row.modalities]
        found = [place.appearance_id for place in await new.index.list_places(modality, ALL)]
        faults += _against(f"{modality} embeddings", named, found)
    return faults


async def mixed_vectors(old: Side, new: Side, ids: Sequence[str]) -> list[str]:
    """Which of some appearances have the old pack's vector in the new pack's collections, or the other way round."""
    mixed: list[str] = []
    for start in range(0, len(ids), AT_ONCE):
        part = ids[start : start + AT_ONCE]
        for modality in MAKES:
            before, after = [await side.index.get_embeddings(modality, GALLERY, part) for side in (old, new)]
            both = before.keys() & after.keys()
            mixed += [f"{modality} of {one}" for one in both if before[one].vector @ after[one].vector >= SAME]
    return mixed


async def strange_vectors(side: Side, media: FsspecMediaStore, ids: Sequence[str]) -> list[str]:
    """Which of some appearances have a vector that the side's own networks do not make of their key frame."""
    strange: list[str] = []
    for start in range(0, len(ids), AT_ONCE):
        part = ids[start : start + AT_ONCE]
        rows = await side.index.get_appearances(GALLERY, part)
        expected = await side.pictures(media).embed(list(rows.values()))
        for modality in MAKES:
            found = await side.index.get_embeddings(modality, GALLERY, part)
            for one in part:
                same = one in found and float(found[one].vector @ expected[modality][one].vector) >= SAME
                strange += [] if same else [f"{modality} of {one}"]
    return strange


async def vectors_of(side: Side, ids: Sequence[str]) -> dict[Modality, dict[str, F32]]:
    """The stored vectors of some appearances."""
    made: dict[Modality, dict[str, F32]] = {}
    for modality in MAKES:
        found = await side.index.get_embeddings(modality, GALLERY, ids)
        made[modality] = {one: np.asarray(row.vector, dtype=np.float32) for one, row in found.items()}
    return made


def _against(what: str, expected: Sequence[str], found: Sequence[str]) -> list[str]:
    missing, more = set(expected) - set(found), set(found) - set(expected)
    twice = [one for one, count in Counter(found).items() if count > 1]
    counts = {"missing": len(missing), "too many": len(more), "there twice": len(twice)}
    return [f"{count} {what} are {how}" for how, count in counts.items() if count]
