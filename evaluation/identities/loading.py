"""A gallery that was ingested before, read from the files of its record: appearances, associations and the truth.

The record is copied, so that nothing in it changes, and served by Milvus Lite alone: neither networks nor a cache are
needed, since associations are computed from the stored embeddings as the association service does it.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from evaluation.matching import assign, assign_speech
from evaluation.predictions import predicted_speech, predicted_tracklets
from evaluation.truth import Film
from packs.manifest import Pack
from services.association.handlers import AssociationHandlers
from services.association.settings import LinkingSettings
from services.backends.associations.fake import FakeAssociationStore
from services.backends.index.live import dimensions_of
from services.backends.index.milvus import MilvusIndex
from services.backends.schemas import Appearance, Scope, Video
from services.runtime.ports import free_ports
from services.search.converters import appearance_to_proto
from services.supervisor.child import Child
from services.supervisor.stores import milvus_child

__all__ = ["KeptGallery", "open_gallery", "who_is_shown"]


@dataclass(frozen=True, slots=True)
class KeptGallery:
    """A gallery that is open.

    Attributes:
        name: The gallery.
        index: The record, a copy.
        store: The cache, with the associations of all videos.
        associations: What computed them.
        films: The film of each video, by video id.
        who: The identity of each appearance that shows, or lets hear, anybody known of the truth, by appearance id.
    """

    name: str
    index: MilvusIndex
    store: FakeAssociationStore
    associations: AssociationHandlers
    films: Mapping[str, Film]
    who: Mapping[str, str]

    def of_film(self, video_id: str, appearances: Sequence[Appearance]) -> list[str]:
        """The ids of a film's appearances that the truth knows."""
        return [one.appearance_id for one in appearances if one.video_id == video_id and one.appearance_id in self.who]


@asynccontextmanager
async def open_gallery(
    record: Path, name: str, films: Sequence[Film], pack: Pack, say: Callable[[str], None]
) -> AsyncIterator[KeptGallery]:
    """Serve a copy of a record, associate its videos and compare them with the truth.

    Raises:
        ValueError: If the record holds none of the films.
    """
    with tempfile.TemporaryDirectory(prefix="personsearch-identities-") as scratch:
        copy = Path(scratch) / "milvus"
        shutil.copytree(record, copy, ignore=shutil.ignore_patterns("LOCK"))
        (port,) = free_ports(1)
        server = await Child.start(milvus_child(copy, port), Path(scratch))
        index = MilvusIndex(f"http://127.0.0.1:{port}", pack.digest)
        try:
            await server.until_ready()
            await index.open(dimensions_of(pack))
            yield await _associated(index, name, films, pack, say)
        finally:
            await index.aclose()
            await server.stop()


async def _associated(
    index: MilvusIndex, name: str, films: Sequence[Film], pack: Pack, say: Callable[[str], None]
) -> KeptGallery:
    by_digest = {_digest(film.path): film for film in films}
    videos = [video for video in await index.list_videos(name) if video.content_digest in by_digest]
    if not videos:
        raise ValueError(f"the gallery {name!r} of the record holds none of the {len(films)} films")
    store = FakeAssociationStore()
    handlers = AssociationHandlers(index, store, pack.calibration, LinkingSettings())
    who: dict[str, str] = {}
    shown: dict[str, Film] = {}
    for video in videos:
        film = shown[video.video_id] = by_digest[video.content_digest]
        edges = await handlers.associate_video(name, video.video_id)
        known = await who_is_shown(index, video, film)
        who |= known
        say(f"{film.name}: {edges} associations, {len(known)} appearances of known people")
    return KeptGallery(name, index, store, handlers, shown, who)


async def who_is_shown(index: MilvusIndex, video: Video, film: Film) -> dict[str, str]:
    """Whom each appearance of a video shows, or lets hear, by the truth; those of nobody known are left out."""
    rows = await index.list_appearances(Scope(video.gallery, (video.video_id,)))
    appearances = [appearance_to_proto(row) for row in rows]
    seen = assign(predicted_tracklets(appearances, film), film.tracklets)
    heard = assign_speech(predicted_speech(appearances), film.speech)
    return {one: truth.identity for one, truth in seen.items()} | {one: line.identity for one, line in heard.items()}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
