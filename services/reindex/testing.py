"""For tests and the check of a whole reindex: a gallery of small pictures in an index with room for two packs.

The pictures are of nobody: coloured squares, each appearance's its own. Networks, rows, boxes and key frames are real.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from packs.manifest import Pack
from packs.spec import Modality
from services.backends.associations.fake import FakeAssociationStore
from services.backends.associations.protocol import AssociationStore
from services.backends.ephemeral.fake import FakeEphemeralStore
from services.backends.ephemeral.protocol import EphemeralStore
from services.backends.index.protocol import VectorIndex
from services.backends.inference.protocol import InferenceBackend
from services.backends.media.protocol import MediaStore
from services.backends.schemas import Appearance, AppearanceKind, Box, EmbeddingRow, Gallery, KeyBox, Video, VideoState
from services.backends.vision import VisionModels
from services.ingest.identifiers import key_frame_key
from services.ingest.settings import LeaseSettings
from services.reindex.mover import Mover
from services.reindex.pictures import KeyFrameEmbedder
from services.reindex.remake import Remaker
from services.reindex.run import Reindexer
from services.reindex.ways import Way, ways_between

__all__ = ["GALLERY", "LEASE", "MAKES", "Quiet", "Side", "Town", "one_id", "picture", "video_id"]

GALLERY = "town"
MAKES = (Modality.FACE, Modality.BODY)
LEASE = LeaseSettings(ttl_s=0.9)
PERSON, FACE = Box(0.25, 0.1, 0.75, 1.0), Box(0.4, 0.15, 0.6, 0.35)


def video_id(number: int) -> str:
    """Id of the gallery's video of a number."""
    return hashlib.sha256(f"film {number}".encode()).hexdigest()[:32]


def one_id(video: str, number: int) -> str:
    """Id of a video's appearance of a number."""
    return hashlib.sha256(f"{video}/{number}".encode()).hexdigest()[:32]


def picture(appearance_id: str, width: int = 192, height: int = 128) -> bytes:
    """The key frame of an appearance, a JPEG: patches of colours that follow from its id.

    There are some forty of them in the face alone: with few, thousands of pictures would hardly differ for an encoder.
    """
    random = np.random.default_rng(int(appearance_id[:8], 16))
    small = random.integers(0, 255, (32, 36, 3), dtype=np.uint8)
    image = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return bytes(cv2.imencode(".jpg", image)[1])


class Quiet:
    """A watcher that remembers, and may do something when rows were written."""

    def __init__(self) -> None:
        self.appearances = 0
        self.waits: list[str] = []
        self.on_written: Callable[[int], object] = lambda total: None
        self.waited = asyncio.Event()

    def began(self, appearances: int, done: int) -> None:
        """Take what is there already."""
        self.appearances = done

    def waiting(self, videos: int, why: str) -> None:
        """Remember the reason."""
        self.waits.append(why)
        self.waited.set()

    def written(self, video: Video, appearances: int) -> None:
        """Count."""
        self.appearances += appearances
        self.on_written(self.appearances)


@dataclass(frozen=True, slots=True)
class Side:
    """One pack: where its networks run, and its index, which is open."""

    pack: Pack
    backend: InferenceBackend
    index: VectorIndex

    def pictures(self, media: MediaStore, modalities: Sequence[Modality] = MAKES) -> KeyFrameEmbedder:
        """What embeds key frames with its networks."""
        return KeyFrameEmbedder(VisionModels(self.backend, self.pack), media, modalities)


@dataclass(slots=True)
class Town:
    """One gallery, and the two packs of its index."""

    old: Side
    new: Side
    media: MediaStore
    ephemeral: EphemeralStore = field(default_factory=FakeEphemeralStore)
    associations: AssociationStore = field(default_factory=FakeAssociationStore)
    watcher: Quiet = field(default_factory=Quiet)

    async def add_video(self, number: int, appearances: int, state: VideoState = VideoState.READY) -> Video:
        """Store a video as an ingest with the old pack would: pictures, embeddings made of them, then the rows."""
        index, one = self.old.index, video_id(number)
        video = Video(one, GALLERY, "file:///gone.mp4", state, 1, 1.0 + number, "c" * 64, appearance_count=appearances)
        if await index.get_gallery(GALLERY) is None:
            await index.put_gallery(Gallery(GALLERY, 1.0))
        await index.put_video(video.with_changes(state=VideoState.INGESTING))
        rows = [await self._row(video, ordinal) for ordinal in range(appearances)]
        made = await self.old.pictures(self.media).embed(rows)
        for modality, of_each in made.items():
            joined = [(row, of_each[row.appearance_id]) for row in rows]
            embeddings = [
                EmbeddingRow(row.appearance_id, GALLERY, one, row.start_s, row.end_s, 1, each.quality, each.vector)
                for row, each in joined
            ]
            await index.put_embeddings(modality, embeddings)
        await index.put_appearances(rows)
        await index.put_video(video)
        return video

    def turned(self) -> Town:
        """The same town when the new pack is the old one."""
        return Town(self.new, self.old, self.media, self.ephemeral, self.associations, self.watcher)

    def reindexer(self, owner: str = "me", ways: Mapping[Modality, Way] | None = None) -> Reindexer:
        """What brings the town from the old pack to the new one."""
        chosen = ways if ways is not None else ways_between(self.old.pack, self.new.pack)
        by_picture = [modality for modality, way in chosen.items() if way is Way.KEY_FRAME]
        mover = Mover(
            source=self.old.index,
            target=self.new.index,
            remaker=Remaker(self.old.index, chosen, self.new.pictures(self.media, by_picture), None),
            ephemeral=self.ephemeral,
            owner=owner,
            lease=LEASE,
            watcher=self.watcher,
            logger=logging.getLogger(__name__),
        )
        return Reindexer(
            source=self.old.index,
            target=self.new.index,
            mover=mover,
            ephemeral=self.ephemeral,
            associations=self.associations,
            owner=owner,
            lease=LEASE,
            watcher=self.watcher,
        )

    async def _row(self, video: Video, ordinal: int) -> Appearance:
        one, start_s = one_id(video.video_id, ordinal), float(ordinal)
        return Appearance(
            appearance_id=one,
            gallery=GALLERY,
            video_id=video.video_id,
            kind=AppearanceKind.TRACKLET,
            start_s=start_s,
            end_s=start_s + 1.0,
            generation=1,
            modalities=MAKES,
            boxes=tuple(KeyBox(start_s + at_s, PERSON, None, FACE) for at_s in (0.0, 0.2)),
            key_frame_uri=await self.media.put(key_frame_key(GALLERY, video.video_id, one), picture(one)),
            key_frame_s=start_s + 0.1,
        )
