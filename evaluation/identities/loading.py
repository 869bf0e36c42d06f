"""A gallery that was ingested before, read from the files of its record, with the truth of its films.

The record is copied, so that nothing in it changes, and served by Milvus Lite alone: neither networks nor a cache are
needed, since associations are computed from the stored embeddings as the association service does it.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.matching import assign, assign_speech
from evaluation.predictions import predicted_speech, predicted_tracklets
from evaluation.truth import Film
from packs.manifest import Pack
from packs.spec import Modality
from services.association.composing import ComposedAssociations, compose_associations
from services.association.identities.settings import IdentitySettings
from services.association.settings import LinkingSettings
from services.backends.associations.fake import FakeAssociationStore
from services.backends.index.fake import FakeIndex
from services.backends.index.live import dimensions_of
from services.backends.index.milvus import MilvusIndex
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import Appearance, EmbeddingRow, Gallery, Scope, Video
from services.runtime.ports import free_ports
from services.search.converters import appearance_to_proto
from services.supervisor.child import Child
from services.supervisor.stores import milvus_child

__all__ = ["KeptGallery", "KeptVideo", "composed", "read_gallery", "who_is_shown"]


@dataclass(frozen=True, slots=True)
class KeptVideo:
    """A film as it was ingested.

    Attributes:
        film: The film.
        video: Its row.
        appearances: Its appearances.
        embeddings: Of them, by modality.
        who: Whom each shows, or lets hear, by the truth; those of nobody known are not in it.
    """

    film: Film
    video: Video
    appearances: Sequence[Appearance]
    embeddings: Mapping[Modality, Sequence[EmbeddingRow]]
    who: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class KeptGallery:
    """The films of a gallery, and the pack that they were ingested with."""

    name: str
    videos: Sequence[KeptVideo]
    pack: Pack


async def read_gallery(record: Path, name: str, films: Sequence[Film], pack: Pack) -> KeptGallery:
    """Read what a record has of some films.

    Raises:
        ValueError: If it holds none of them.
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
            return KeptGallery(name, await _videos(index, name, films, pack), pack)
        finally:
            await index.aclose()
            await server.stop()


async def composed(gallery: KeptGallery, videos: Iterable[KeptVideo]) -> ComposedAssociations:
    """Make a gallery in memory of some of the films, associate them one after the other, and serve its identities."""
    index, store = FakeIndex(pack_digest=gallery.pack.digest), FakeAssociationStore()
    await index.open(dimensions_of(gallery.pack))
    await index.make_live()
    await index.put_gallery(Gallery(gallery.name, 0.0))
    logger = logging.getLogger("evaluation.identities")
    made = compose_associations(index, store, gallery.pack.calibration, LinkingSettings(), IdentitySettings(), logger)
    for kept in videos:
        await index.put_video(kept.video)
        for modality, rows in kept.embeddings.items():
            await index.put_embeddings(modality, rows)
        await index.put_appearances(kept.appearances)
        await made.stored.associate_video(gallery.name, kept.video.video_id)
    return made


def who_is_shown(appearances: Sequence[Appearance], film: Film) -> dict[str, str]:
    """Whom each appearance of a film shows, or lets hear, by the truth; those of nobody known are left out."""
    messages = [appearance_to_proto(row) for row in appearances]
    seen = assign(predicted_tracklets(messages, film), film.tracklets)
    heard = assign_speech(predicted_speech(messages), film.speech)
    return {one: truth.identity for one, truth in seen.items()} | {one: line.identity for one, line in heard.items()}


async def _videos(index: VectorIndex, name: str, films: Sequence[Film], pack: Pack) -> list[KeptVideo]:
    by_digest = {_digest(film.path): film for film in films}
    found = []
    for video in await index.list_videos(name):
        film = by_digest.get(video.content_digest)
        if film is None:
            continue
        scope = Scope(name, (video.video_id,))
        appearances = await index.list_appearances(scope)
        embeddings = {modality: await index.list_embeddings(modality, scope) for modality in pack.modalities}
        found.append(KeptVideo(film, video, appearances, embeddings, who_is_shown(appearances, film)))
    if not found:
        raise ValueError(f"the gallery {name!r} of the record holds none of the {len(films)} films")
    return sorted(found, key=lambda kept: kept.film.name)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
