"""A small world: films whose tracklets have made-up vectors, an index and a cache in the process."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from packs.calibration import Calibration
from packs.spec import Modality
from services.association.handlers import AssociationHandlers
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

GALLERY = "town"
DIMENSIONS = {Modality.FACE: 16, Modality.BODY: 8, Modality.VOICE: 12}
# With the priors of -3 and -2: even odds at cosines of 0.65 and 0.6.
CALIBRATION = dict.fromkeys(DIMENSIONS, Calibration(slope=20.0, intercept=-10.0))


def hex_id(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def look(dimension: int, name: str, noise: float = 0.0, seed: str = "") -> NDArray[np.float32]:
    """A direction for a name; two names are nearly at right angles, noise turns it a little."""

    def direction(of: str, size: int) -> NDArray[np.float64]:
        vector = np.random.default_rng(int(hex_id(of)[:8], 16)).normal(size=size)
        return vector / np.linalg.norm(vector)

    vector = direction(f"{name}/{dimension}", dimension) + noise * direction(f"{name}/{seed}/{dimension}", dimension)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@dataclass
class Tracklet:
    """A name, when, whose face and clothes are seen, and whose voice is heard; a speech appearance has a kind."""

    name: str
    start_s: float
    end_s: float
    face: NDArray[np.float32] | None = None
    body: NDArray[np.float32] | None = None
    voice: NDArray[np.float32] | None = None
    speech: tuple[SpeechSpan, ...] = ()
    quality: float = 1.0
    kind: AppearanceKind = AppearanceKind.TRACKLET

    @property
    def appearance_id(self) -> str:
        return hex_id(self.name)


@dataclass
class World:
    """Index, cache and handlers."""

    index: FakeIndex
    store: FakeAssociationStore
    handlers: AssociationHandlers
    videos: dict[str, Video] = field(default_factory=dict)

    async def film(
        self,
        name: str,
        tracklets: Sequence[Tracklet],
        *,
        gallery: str = GALLERY,
        state: VideoState = VideoState.READY,
        site: str | None = None,
        recorded_at: float | None = None,
    ) -> str:
        """Write a film as ingest would; its id."""
        video = Video(
            hex_id(name), gallery, f"file:///{name}.mp4", state, 1, 1.0, "c" * 64, site=site, recorded_at=recorded_at
        )
        video = video.with_changes(duration_s=max((each.end_s for each in tracklets), default=0.0))
        await self.index.put_gallery(Gallery(gallery, 1.0))
        await self.index.put_video(video)
        for each in tracklets:
            for modality, vector in (
                (Modality.FACE, each.face),
                (Modality.BODY, each.body),
                (Modality.VOICE, each.voice),
            ):
                if vector is not None:
                    place = (each.appearance_id, gallery, video.video_id, each.start_s, each.end_s)
                    await self.index.put_embeddings(modality, [EmbeddingRow(*place, 1, each.quality, vector)])
            await self.index.put_appearances(
                [
                    Appearance(
                        each.appearance_id,
                        gallery,
                        video.video_id,
                        each.kind,
                        each.start_s,
                        each.end_s,
                        1,
                        speech=each.speech,
                    )
                ]
            )
        self.videos[name] = video
        return video.video_id

    @staticmethod
    def id_of(name: str) -> str:
        """The id of a film or a tracklet."""
        return hex_id(name)

    @staticmethod
    def face(name: str, noise: float = 0.0, seed: str = "") -> NDArray[np.float32]:
        """A face."""
        return look(DIMENSIONS[Modality.FACE], name, noise, seed)

    @staticmethod
    def body(name: str, noise: float = 0.0, seed: str = "") -> NDArray[np.float32]:
        """Clothes."""
        return look(DIMENSIONS[Modality.BODY], name, noise, seed)

    @staticmethod
    def voice(name: str, noise: float = 0.0, seed: str = "") -> NDArray[np.float32]:
        """A voice."""
        return look(DIMENSIONS[Modality.VOICE], name, noise, seed)

    @staticmethod
    def speaking(
        name: str,
        start_s: float,
        end_s: float,
        voice: NDArray[np.float32],
        *,
        confidence: float = 1.0,
        says: tuple[float, float] | None = None,
        quality: float = 1.0,
    ) -> Tracklet:
        """A tracklet that speaks, all the time unless told when."""
        speech = (SpeechSpan(*(says or (start_s, end_s)), confidence),)
        return Tracklet(name, start_s, end_s, voice=voice, speech=speech, quality=quality)

    @staticmethod
    def off_screen(name: str, start_s: float, end_s: float, voice: NDArray[np.float32]) -> Tracklet:
        """Speech with nobody on screen."""
        speech = (SpeechSpan(start_s, end_s, 1.0),)
        return Tracklet(name, start_s, end_s, voice=voice, speech=speech, kind=AppearanceKind.SPEECH)

    @staticmethod
    def tracklet(
        name: str,
        start_s: float,
        end_s: float,
        face: NDArray[np.float32] | None = None,
        body: NDArray[np.float32] | None = None,
    ) -> Tracklet:
        """A tracklet."""
        return Tracklet(name, start_s, end_s, face, body)

    async def neighbours(self, name: str, *modalities: Modality, gallery: str = GALLERY) -> set[str]:
        """Ids at the far ends of a tracklet's edges."""
        one = hex_id(name)
        edges = await self.handlers.list_associations(gallery, [one], modalities)
        return {edge.second if edge.first == one else edge.first for edge in edges}


@pytest.fixture
def settings() -> LinkingSettings:
    return LinkingSettings()


@pytest.fixture
async def world(settings: LinkingSettings) -> AsyncIterator[World]:
    index, store = FakeIndex(), FakeAssociationStore()
    await index.open(DIMENSIONS)
    await index.make_live()
    made = World(index, store, AssociationHandlers(index, store, CALIBRATION, settings))
    yield made
    await made.handlers.aclose()
