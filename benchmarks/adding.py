"""What it costs to add one more video to a small and to a large gallery, and to take it out again."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.crowd import FACE_AND_VOICE, PEOPLE_OF_A_VIDEO, SHOT_S, VIDEO_APPEARANCES, Crowd
from benchmarks.servers import Served, cpu_s
from packs.arrays import F32, I64
from packs.manifest import Pack
from packs.spec import Modality
from services.association.composing import ComposedAssociations
from services.backends.associations.redis import RedisAssociationStore
from services.backends.index.live import dimensions_of
from services.backends.index.milvus import MilvusIndex
from services.backends.schemas import Appearance, AppearanceKind, EmbeddingRow, SpeechSpan, Video, VideoState

__all__ = ["Adding"]

CLOTHES = (Modality.HEAD, Modality.BODY)
STEPS = ("associate", "identities", "drop")


class Adding:
    """Adds videos of people who are in a gallery already.

    Args:
        index: With the galleries.
        store: With their edges.
        composed: What associates them, and knows who is who.
        pack: The length of what is embedded.
        servers: Whose processor time is told beside this process's.
    """

    def __init__(
        self,
        index: MilvusIndex,
        store: RedisAssociationStore,
        composed: ComposedAssociations,
        pack: Pack,
        servers: Sequence[Served],
    ) -> None:
        self._index, self._store, self._composed = index, store, composed
        self._dimensions, self._servers = dimensions_of(pack), servers

    async def compare(self, crowds: Mapping[str, Crowd], count: int) -> dict[str, Any]:
        """Add as many videos to each gallery, in turns; the first of each is not counted."""
        for gallery in crowds:
            await self._composed.keeper.people(gallery)
        costs: dict[str, list[dict[str, Any]]] = {gallery: [] for gallery in crowds}
        for number in range(count + 1):
            for gallery, crowd in crowds.items():
                costs[gallery].append(await self._add(gallery, crowd, number))
        told = {gallery: _medians(each[1:]) for gallery, each in costs.items()}
        one, other = (told[gallery] for gallery in crowds)
        ratios = {
            step: {unit: round(other[step][unit] / max(one[step][unit], 1e-9), 3) for unit in one[step]}
            for step in STEPS
        }
        return {"videos": count, **told, "ratios": ratios}

    async def _add(self, gallery: str, crowd: Crowd, number: int) -> dict[str, Any]:
        dice = np.random.default_rng(1000 + number)
        cast = dice.choice(crowd.people, PEOPLE_OF_A_VIDEO, replace=False)
        video = await self._ingest(gallery, crowd, crowd.count + number, cast[dice.integers(0, len(cast), 100)], dice)
        handlers, keeper = self._composed.stored, self._composed.keeper
        return {
            "associate": await self._measured(lambda: handlers.associate_video(gallery, video)),
            "identities": await self._measured(lambda: keeper.people(gallery)),
            "drop": await self._dropped(gallery, video),
        }

    async def _dropped(self, gallery: str, video: str) -> dict[str, float]:
        """What it costs to forget the edges; then they are computed again, since the video stays."""
        cost = await self._measured(lambda: self._composed.stored.drop_video(gallery, video))
        await self._composed.stored.associate_video(gallery, video)
        return cost

    async def _measured(self, what: Callable[[], Awaitable[object]]) -> dict[str, float]:
        """Milliseconds of wall time, and of the processor: of this process and of each server."""
        before, started = self._used(), time.perf_counter()
        await what()
        wall = 1e3 * (time.perf_counter() - started)
        own, milvus, redis = (1e3 * (after - then) for after, then in zip(self._used(), before, strict=True))
        return {"wall_ms": wall, "own_cpu_ms": own, "milvus_cpu_ms": milvus, "redis_cpu_ms": redis}

    def _used(self) -> list[float]:
        used = os.times()
        return [used.user + used.system, *(cpu_s(server.pid) for server in self._servers)]

    async def _ingest(self, gallery: str, crowd: Crowd, number: int, person: I64, dice: np.random.Generator) -> str:
        """Write a video of 100 appearances, as an ingest does, without its edges."""
        video = crowd.video_id(number, gallery)
        row = Video(video, gallery, f"{video}.mp4", VideoState.READY, 1, 2e9 + number, 2 * video, 400.0)
        await self._index.put_video(row)
        has = {Modality.FACE: dice.uniform(size=VIDEO_APPEARANCES) < 0.8, Modality.VOICE: np.arange(100) % 5 < 2}
        has |= {one: np.ones(VIDEO_APPEARANCES, dtype=np.bool_) for one in CLOTHES}
        vectors = {one: crowd.look(one, person, dice) for one in FACE_AND_VOICE}
        vectors |= {one: self._clothes(one, person, dice) for one in CLOTHES}
        appearances = [
            _appearance(crowd, gallery, video, place, [one for one in has if has[one][place]]) for place in range(100)
        ]
        for modality, all_vectors in vectors.items():
            rows = [_row(appearances[place], all_vectors[place]) for place in np.flatnonzero(has[modality]).tolist()]
            await self._index.put_embeddings(modality, rows)
        await self._index.put_appearances(appearances)
        await self._index.flush()
        return video

    def _clothes(self, modality: Modality, person: I64, dice: np.random.Generator) -> F32:
        wearing = dice.standard_normal((int(person.max()) + 1, self._dimensions[modality]))[person]
        seen = wearing + 0.4 * dice.standard_normal(wearing.shape)
        return np.asarray(seen / np.linalg.norm(seen, axis=1, keepdims=True), dtype=np.float32)


def _appearance(crowd: Crowd, gallery: str, video: str, place: int, modalities: Sequence[Modality]) -> Appearance:
    start_s, name = SHOT_S * place, crowd.id_of(place, f"{gallery}/{video}")
    end_s, kind = start_s + SHOT_S - 0.5, AppearanceKind.TRACKLET
    speech = (SpeechSpan(start_s, end_s, 0.9),) if Modality.VOICE in modalities else ()
    return Appearance(name, gallery, video, kind, start_s, end_s, 1, tuple(modalities), speech=speech)


def _row(one: Appearance, vector: F32) -> EmbeddingRow:
    return EmbeddingRow(one.appearance_id, one.gallery, one.video_id, one.start_s, one.end_s, 1, 0.8, vector)


def _medians(costs: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    return {
        step: {unit: round(float(np.median([one[step][unit] for one in costs])), 1) for unit in costs[0][step]}
        for step in STEPS
    }
