"""Finding the edges of one video: to itself, and to the videos of its gallery that are known already."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from packs.calibration import Calibration
from packs.spec import Modality
from services.association.evidence import (
    LONG_TERM,
    EdgeSet,
    LinkEvidence,
    evidence_of,
    overlap,
)
from services.association.looks import Looks
from services.association.settings import LinkingSettings
from services.association.short_term import ShortTermLinks
from services.association.voices import VoiceLinks
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import Appearance, Association, EmbeddingRow, Neighbour, Scope, Video

__all__ = ["LinkedVideo", "Linker"]


@dataclass(frozen=True, slots=True)
class LinkedVideo:
    """A video's appearances and the edges that touch them."""

    appearance_ids: tuple[str, ...]
    edges: tuple[Association, ...]


class Linker:
    """Computes edges; it keeps nothing.

    Two tracklets of one video that overlap in time are never linked. Face and voice link across the gallery, voices as
    far as it is sure whose they are (`voices`). Body and head, judged together (`short_term`), link within the video,
    or with videos of the same site whose clocks lie within the window.

    Args:
        index: Where embeddings are.
        calibration: Of the active pack.
        settings: When two appearances are linked.
    """

    def __init__(
        self, index: VectorIndex, calibration: Mapping[Modality, Calibration], settings: LinkingSettings
    ) -> None:
        self._index = index
        self._settings = settings
        self._evidence = evidence_of(calibration, settings.prior_log_odds)
        self._short_term = ShortTermLinks.of(self._evidence, settings)

    async def link(self, video: Video, known: Collection[str], others: Sequence[Video]) -> LinkedVideo:
        """Find the edges of a video.

        Args:
            video: The video.
            known: Ids of the videos whose edges are cached; edges go to no others, since those bring their own.
            others: Rows of the gallery's videos, for their sites and clocks.
        """
        scope = Scope(video.gallery, video_ids=(video.video_id,))
        appearances = {row.appearance_id: row for row in await self._index.list_appearances(scope)}
        edges = EdgeSet(self._settings.min_probability)
        for modality in LONG_TERM & self._evidence.keys():
            evidence = self._evidence[modality]
            rows = await self._rows(modality, scope, appearances)
            if rows and modality is Modality.VOICE:
                await self._link_voices(rows, appearances, evidence, frozenset(known), edges)
            elif rows:
                await self._link_long_term(rows, modality, evidence, frozenset(known), edges)
        await self._link_short_term(video, appearances, self._near_in_time(video, known, others), edges)
        return LinkedVideo(tuple(sorted(appearances)), tuple(edges.associations()))

    async def _rows(self, modality: Modality, scope: Scope, appearances: Container[str] | None) -> list[EmbeddingRow]:
        """Embeddings, without the leftovers of an ingest that was cut off: those have no appearance."""
        rows = await self._index.list_embeddings(modality, scope)
        return [row for row in rows if appearances is None or row.appearance_id in appearances]

    async def _link_short_term(
        self, video: Video, appearances: Container[str], near: Sequence[Video], edges: EdgeSet
    ) -> None:
        """Link looks of the video, and with those of other cameras of its site."""
        judge, least = self._short_term, self._settings.min_probability
        modalities = sorted(judge.evidence)
        scope = Scope(video.gallery, video_ids=(video.video_id,))
        looks = Looks.of({one: await self._rows(one, scope, appearances) for one in modalities})
        if not len(looks):
            return
        worn = await asyncio.to_thread(judge.doubles_of, looks)
        for link in await asyncio.to_thread(lambda: list(judge.within(looks, least, worn))):
            edges.add(looks.ids[link.first], looks.ids[link.second], link.modality, link.probability)
        for other in near:
            shift_s = _shift_s(video, other)
            scope = _around(looks, other, judge.window_s, shift_s)
            theirs = Looks.of({one: await self._rows(one, scope, None) for one in modalities}).later_by(shift_s)
            for link in judge.between(looks, theirs, least, worn):
                edges.add(looks.ids[link.first], theirs.ids[link.second], link.modality, link.probability)

    async def _link_long_term(
        self,
        rows: Sequence[EmbeddingRow],
        modality: Modality,
        evidence: LinkEvidence,
        known: frozenset[str],
        edges: EdgeSet,
    ) -> None:
        own = {row.appearance_id for row in rows}
        for row, neighbour in await self._near(rows, modality, known):
            if neighbour.video_id == row.video_id and (neighbour.appearance_id not in own or overlap(row, neighbour)):
                continue
            probability = evidence.probability(neighbour.cosine, quality=min(row.quality, neighbour.quality))
            edges.add(row.appearance_id, neighbour.appearance_id, modality, probability)

    async def _link_voices(
        self,
        rows: Sequence[EmbeddingRow],
        appearances: Mapping[str, Appearance],
        evidence: LinkEvidence,
        known: frozenset[str],
        edges: EdgeSet,
    ) -> None:
        """Link voices; `appearances` are those of the video, by id."""
        near = await self._near(rows, Modality.VOICE, known)
        ends = {neighbour.appearance_id for _, neighbour in near} - appearances.keys()
        far = await self._index.get_appearances(rows[0].gallery, sorted(ends)) if ends else {}
        links = VoiceLinks({**far, **appearances}, evidence)
        for row, neighbour in near:
            one, other, quality = row.appearance_id, neighbour.appearance_id, min(row.quality, neighbour.quality)
            if one != other and links.possible(one, other):
                edges.add(one, other, Modality.VOICE, links.probability(one, other, neighbour.cosine, quality))

    async def _near(
        self, rows: Sequence[EmbeddingRow], modality: Modality, known: frozenset[str]
    ) -> list[tuple[EmbeddingRow, Neighbour]]:
        """The nearest of each row, of its own video and of the known ones."""
        vectors = np.stack([row.vector for row in rows])
        found = await self._index.search(modality, vectors, Scope(rows[0].gallery), self._settings.neighbours)
        return [
            (row, neighbour)
            for row, neighbours in zip(rows, found, strict=True)
            for neighbour in neighbours
            if neighbour.video_id == row.video_id or neighbour.video_id in known
        ]

    def _near_in_time(self, video: Video, known: Collection[str], others: Sequence[Video]) -> list[Video]:
        """Known videos of the same site whose clocks come within the window of this one's, nearest first."""
        if video.site is None or video.recorded_at is None:
            return []
        near = [
            (gap, other.video_id, other)
            for other in others
            if other.site == video.site
            and other.recorded_at is not None
            and other.video_id in known
            and other.video_id != video.video_id
            and (gap := _gap_of_videos_s(video, other)) <= self._settings.short_term_window_s
        ]
        near.sort(key=lambda each: each[:2])
        return [other for _, _, other in near[: self._settings.max_site_videos]]


def _around(looks: Looks, other: Video, window_s: float, shift_s: float) -> Scope:
    """What another camera saw within the window of some looks, on its own clock."""
    return Scope(
        other.gallery,
        video_ids=(other.video_id,),
        start_s=float(looks.start_s.min()) - window_s - shift_s,
        end_s=float(looks.end_s.max()) + window_s - shift_s,
    )


def _shift_s(video: Video, other: Video) -> float:
    """What is added to a time of `other` to have it on the clock of `video`."""
    return (other.recorded_at or 0.0) - (video.recorded_at or 0.0)


def _gap_of_videos_s(video: Video, other: Video) -> float:
    start_s = _shift_s(video, other)
    return max(0.0, start_s - video.duration_s, -(start_s + other.duration_s))
