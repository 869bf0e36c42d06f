"""A crowd as a gallery: rows by the index's own adapter, edges as the cache keeps them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from benchmarks.crowd import FACE_AND_VOICE, VIDEO_APPEARANCES, Crowd
from services.association.identities.graph import node_of
from services.association.identities.people import membership_of
from services.backends.associations.blocks import MODALITY_CODES
from services.backends.associations.redis import RedisAssociationStore
from services.backends.index.milvus import MilvusIndex
from services.backends.schemas import Gallery

__all__ = ["fill"]

T = TypeVar("T")
_AT_ONCE = 5_000
_RECORD = np.dtype([("far", "V16"), ("code", "u1"), ("probability", "<f4")])


async def fill(index: MilvusIndex, store: RedisAssociationStore, crowd: Crowd, gallery: str) -> float:
    """Write a gallery, its edges, and who is who; say how many edges an appearance keeps."""
    await index.put_gallery(Gallery(gallery, 0.0))
    for video in crowd.videos(gallery):
        await index.put_video(video)
    for modality in FACE_AND_VOICE:
        for rows in _parts(crowd.rows(modality, gallery)):
            await index.put_embeddings(modality, rows)
    for appearances in _parts(crowd.appearances(gallery)):
        await index.put_appearances(appearances)
    members = (
        membership_of(gallery, node_of(one), 1, f"{int(crowd.person[row]):032x}", index.pack_key)
        for row, one in enumerate(crowd.appearances(gallery))
    )
    await index.people.put_memberships(list(members))
    await index.flush()
    return await _cache(store, crowd, gallery)


async def _cache(store: RedisAssociationStore, crowd: Crowd, gallery: str) -> float:
    """Write the edges as `put_video` leaves them: video by video it would take the better part of an hour."""
    ids = [crowd.id_of(row, gallery) for row in range(crowd.count)]
    raw = np.frombuffer(bytes.fromhex("".join(ids)), "V16")
    all_ends = list(crowd.ends())
    own = np.concatenate([ends.own for ends in all_ends])
    records = np.empty(len(own), _RECORD)
    records["far"] = raw[np.concatenate([ends.far for ends in all_ends])]
    records["code"] = np.concatenate([np.full(len(ends.own), MODALITY_CODES[ends.modality]) for ends in all_ends])
    records["probability"] = np.concatenate([ends.probability for ends in all_ends])
    order = np.argsort(own, kind="stable")
    written, starts = records[order].tobytes(), np.searchsorted(own[order], np.arange(crowd.count + 1))
    size = _RECORD.itemsize
    prefix = f"assoc:{{{gallery}}}"
    for rows in _parts(range(crowd.count)):
        strings = {f"{prefix}:e:{ids[row]}": written[size * starts[row] : size * starts[row + 1]] for row in rows}
        await store._redis.mset(strings)
    await store._redis.set(f"{prefix}:stamp", "filled")
    for number in range(crowd.count // VIDEO_APPEARANCES):
        video, first = crowd.video_id(number, gallery), number * VIDEO_APPEARANCES
        await store._redis.sadd(f"{prefix}:v:{video}", *ids[first : first + VIDEO_APPEARANCES])
        await store._redis.sadd(f"{prefix}:known", video)
    return len(own) / 2


def _parts(rows: Iterable[T]) -> Iterator[Sequence[T]]:
    several = iter(rows)
    while part := list(itertools.islice(several, _AT_ONCE)):
        yield part
