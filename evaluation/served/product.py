"""The services' code on an index and a cache of this process, filled with tracklets that were read back.

Nothing of the search is made anew here: the edges are the association service's, the answers those of
`services.search.finding`. So a gallery without some people is asked in seconds, as open-set figures need it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.datasets.tracklets import Tracklets
from packs.arrays import F64
from packs.manifest import Pack
from packs.spec import Modality
from services.association.composing import ComposedAssociations, compose_associations
from services.association.corrected import CorrectedAssociations
from services.association.identities.settings import IdentitySettings
from services.association.settings import LinkingSettings
from services.backends.associations.fake import FakeAssociationStore
from services.backends.index.fake import FakeIndex
from services.backends.schemas import (
    Appearance,
    AppearanceKind,
    EmbeddingRow,
    Gallery,
    SpeechSpan,
    Video,
    VideoState,
)
from services.fusion.handlers import FusionHandlers
from services.fusion.settings import FusionSettings
from services.search.finding import PersonFinder
from services.search.mounted import MountedFusion
from services.search.parts import ReadPart, hit_part
from services.search.query import Like, Query, QueryPart, Task
from services.search.reach import ShortTermReach
from services.search.retrieved import QueryVector
from services.search.server import build_finder, near_of
from services.search.settings import SearchSettings
from services.search.speaking import answers

__all__ = ["GALLERY", "ServedGallery", "associated"]

GALLERY = "served"
TOP_K = 1000
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class ServedGallery:
    """A gallery of N tracklets as the product searches it.

    Attributes:
        tracklets: What is in it.
        finder: Of the search service.
        index: Of this process.
        reach: Where what a hit wears holds.
        settings: Of the search.
        associations: As searches read them.
    """

    tracklets: Tracklets
    finder: PersonFinder
    index: FakeIndex
    reach: ShortTermReach
    settings: SearchSettings
    associations: CorrectedAssociations

    @classmethod
    async def of(cls, tracklets: Tracklets, pack: Pack, search: SearchSettings | None = None) -> ServedGallery:
        """Fill an index, and associate its videos one after the other, as ingest does."""
        settings, lines = (search or SearchSettings()).for_pack(pack.digest), pack.calibration
        index, composed = await associated(tracklets, pack)
        fusing = MountedFusion(FusionHandlers(lines, FusionSettings()), _LOGGER)
        near = near_of(index, settings)
        finder = build_finder(settings, lines, index, near, composed.associations, fusing)
        reach = ShortTermReach(index, settings.short_term_window_s, settings.max_site_videos)
        return cls(tracklets, finder, index, reach, settings, composed.associations)

    async def ask(self, vectors: Sequence[QueryVector], task: Task) -> F64:
        """Scores of the vectors of one part, float64[N]; 0 for what does not come back."""
        return await self._answer(ReadPart(0, 1.0, tuple(vectors)), task)

    async def ask_like(self, appearance_id: str, task: Task) -> F64:
        """Scores of what a hit finds by all that is known of it, float64[N]; it is no hit of its own."""
        appearance = (await self.index.get_appearances(GALLERY, [appearance_id]))[appearance_id]
        part = await hit_part(self.index, self.reach, appearance, appearance.modalities, 0, 1.0)
        scores = await self._answer(part, task)
        scores[self.tracklets.ids.index(appearance_id)] = 0.0
        return scores

    async def _answer(self, part: ReadPart, task: Task) -> F64:
        query = Query((QueryPart(Like(part.appearance_id or "-")),), GALLERY, task=task)
        found = await self.finder.find([part], query, self.settings.limit_for(TOP_K))
        there = await self.index.get_appearances(GALLERY, list(found.scores))
        scores = np.zeros(len(self.tracklets))
        for place, one in enumerate(self.tracklets.ids):
            if one in there and answers(task, there[one]):
                scores[place] = found.scores[one]
        return scores


async def associated(tracklets: Tracklets, pack: Pack) -> tuple[FakeIndex, ComposedAssociations]:
    """An index of tracklets, with their associations and identities after all of their videos."""
    index = FakeIndex(pack_digest=pack.digest)
    await _fill(index, tracklets)
    links, identities = LinkingSettings(), IdentitySettings()
    composed = compose_associations(index, FakeAssociationStore(), pack.calibration, links, identities, _LOGGER)
    for movie in dict.fromkeys(tracklets.movies):
        await composed.stored.associate_video(GALLERY, movie)
    await composed.watch.refresh(GALLERY)
    return index, composed


async def _fill(index: FakeIndex, tracklets: Tracklets) -> None:
    await index.open({modality: rows.vectors.shape[1] for modality, rows in tracklets.rows.items()})
    await index.make_live()
    await index.put_gallery(Gallery(GALLERY, 0.0))
    for place, movie in enumerate(dict.fromkeys(tracklets.movies)):
        await index.put_video(Video(movie, GALLERY, movie, VideoState.READY, 1, float(place), ""))
    for modality, rows in tracklets.rows.items():
        kept = np.flatnonzero(rows.present)
        await index.put_embeddings(modality, [_embedding(tracklets, modality, int(row)) for row in kept])
    await index.put_appearances([_appearance(tracklets, row) for row in range(len(tracklets))])


def _embedding(tracklets: Tracklets, modality: Modality, row: int) -> EmbeddingRow:
    start_s, end_s = (float(one) for one in tracklets.spans_s[row])
    held = tracklets.rows[modality]
    quality, vector = float(held.quality[row]), held.vectors[row]
    return EmbeddingRow(tracklets.ids[row], GALLERY, tracklets.movies[row], start_s, end_s, 1, quality, vector)


def _appearance(tracklets: Tracklets, row: int) -> Appearance:
    kind = AppearanceKind.TRACKLET if tracklets.on_screen[row] else AppearanceKind.SPEECH
    start_s, end_s = (float(one) for one in tracklets.spans_s[row])
    held = tuple(modality for modality, rows in tracklets.rows.items() if rows.present[row])
    speech: tuple[SpeechSpan, ...] = ()
    if Modality.VOICE in held:
        speech = (SpeechSpan(start_s, end_s, float(tracklets.speaker[row])),)
    place = tracklets.ids[row], GALLERY, tracklets.movies[row], kind
    return Appearance(*place, start_s, end_s, 1, modalities=held, speech=speech)
