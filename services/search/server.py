"""The composition root of the search process.

On one machine association and fusion are mounted here, so that a query makes no hop; where their addresses are set to
other processes, they are called over gRPC instead.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack

import grpc

from packs.fuser import FusionMethod
from packs.manifest import Pack
from services.association.composing import compose_associations
from services.association.identities.settings import IdentitySettings
from services.association.settings import LinkingSettings
from services.backends.associations.redis import RedisAssociationStore
from services.backends.hearing import HearingModels
from services.backends.index.live import claim, dimensions_of
from services.backends.index.milvus import MilvusIndex
from services.backends.index.protocol import VectorIndex
from services.backends.inference.factory import backend_from_settings
from services.backends.vision import VisionModels
from services.backends.words import WordModels
from services.fusion.composing import compose_fusion
from services.fusion.servicer import mounted as mounted_fusion
from services.fusion.settings import FusionSettings
from services.runtime.errors import BackendUnavailableError
from services.runtime.server import GrpcServer, MountedService
from services.search.chains import Calibrations, Doubt
from services.search.claims import Claims
from services.search.clips import ClipReader, PortraitReader
from services.search.expansion import Bounds, Expander
from services.search.faces import FaceFinder
from services.search.finding import PersonFinder
from services.search.handlers import SearchHandlers
from services.search.judging import Judge
from services.search.listing import AppearanceLister
from services.search.mounted import MountedAssociations, MountedFusion, MountedIdentities
from services.search.nearby import NearVectors
from services.search.parts import PartReader
from services.search.ports import (
    Associations,
    Fusion,
    Hearing,
    Identities,
    Vision,
    Words,
)
from services.search.query_reading import PictureReader
from services.search.reach import ShortTermReach
from services.search.remote import RemoteAssociations, RemoteFusion, RemoteIdentities
from services.search.retrieval import Retriever
from services.search.rivals import RivalReader
from services.search.servicer import mounted
from services.search.settings import SearchProcessSettings, SearchSettings
from services.search.sound_reading import SoundReader
from services.search.speaking import SpeakerReader
from services.search.texts import TextReader
from services.search.voices import VoiceFinder
from services.search.weighing import Weigher

DEFAULT_ADDRESS = "127.0.0.1:50051"

Probe = Callable[[], Awaitable[None]]


class SearchStackSettings(SearchProcessSettings):
    """What the search process reads; `linking` and `evidence` are those of the services that it mounts."""

    linking: LinkingSettings = LinkingSettings()
    identities: IdentitySettings = IdentitySettings()
    evidence: FusionSettings = FusionSettings()


async def compose(settings: SearchStackSettings, logger: logging.Logger) -> GrpcServer:
    """The server with its back ends open; it is not started yet.

    Raises:
        ValueError: If an address is missing.
        PackError: If there is no usable pack.
        BackendUnavailableError: If the index does not answer.
        OtherPackLiveError: If it answers with another pack.
    """
    async with AsyncExitStack() as opened:
        return await _compose(settings, logger, opened)


async def _compose(settings: SearchStackSettings, logger: logging.Logger, opened: AsyncExitStack) -> GrpcServer:
    pack = Pack.load(settings.pack)
    index = MilvusIndex(
        _needed(settings.milvus.uri, "PERSONSEARCH_MILVUS__URI"), pack.digest, token=settings.milvus.token
    )
    opened.push_async_callback(index.aclose)
    await index.open(dimensions_of(pack))
    await claim(index)
    backend = backend_from_settings(settings.inference, pack)
    opened.push_async_callback(backend.aclose)
    vision, hearing, words = VisionModels(backend, pack), HearingModels(backend, pack), WordModels(backend, pack)
    executor = ThreadPoolExecutor(settings.retrieval.portrait.decoders, thread_name_prefix="decode")
    opened.push_async_callback(asyncio.to_thread, executor.shutdown)
    associations, identities, services = _associations(settings, pack, index, logger, opened)
    fusion, more, probes = _fusion(settings, pack, logger, opened)
    # The reach of a query's clothes is that of the edges.
    window_s = settings.linking.short_term_window_s
    retrieval = settings.retrieval.for_pack(pack.digest).model_copy(update={"short_term_window_s": window_s})
    lister = AppearanceLister(index, retrieval.max_key_boxes)
    # What is switched off is neither retrieved nor followed: an answer rests on nothing that has no weight.
    heeded = pack.without(settings.evidence.off)
    near = near_of(index, retrieval)
    opened.push_async_callback(near.aclose)
    handlers = build_handlers(
        retrieval, heeded, index, vision, hearing, words, executor, associations, fusion, logger, identities, near
    )
    return GrpcServer(
        settings.server,
        settings.search.address or DEFAULT_ADDRESS,
        [mounted(handlers, lister), *services, *more],
        {"inference": vision.check_ready, "index": _index_probe(index), **probes},
        logger,
        # From here on the server closes what was opened, last first.
        closers=[opened.pop_all().aclose],
    )


def build_handlers(
    settings: SearchSettings,
    pack: Pack,
    index: VectorIndex,
    vision: Vision,
    hearing: Hearing,
    words: Words,
    executor: ThreadPoolExecutor,
    associations: Associations,
    fusion: Fusion,
    logger: logging.Logger,
    identities: Identities | None = None,
    near: NearVectors | None = None,
) -> SearchHandlers:
    """The handlers on whatever stands behind the Protocols; whoever gives `near` closes it."""
    portrait, voice = settings.portrait, settings.voice
    pictures = PictureReader(
        executor, max_bytes=portrait.max_bytes, max_pixels=portrait.max_pixels, working_side=portrait.working_side
    )
    sounds = SoundReader(executor, max_bytes=voice.max_bytes, max_s=voice.max_s, reach_s=voice.reach_s)
    portraits = PortraitReader(pictures, FaceFinder(vision, portrait))
    clips = ClipReader(sounds, VoiceFinder(hearing, voice))
    reach = ShortTermReach(index, settings.short_term_window_s, settings.max_site_videos)
    reader = PartReader(index, pack, portraits, clips, TextReader(words), reach)
    near = near_of(index, settings) if near is None else near
    finder = build_finder(settings, pack.calibration, index, near, associations, fusion)
    return SearchHandlers(index, reader, finder, settings, logger, identities)


def build_finder(
    settings: SearchSettings,
    calibration: Calibrations,
    index: VectorIndex,
    near: NearVectors,
    associations: Associations,
    fusion: Fusion,
) -> PersonFinder:
    """What answers, below pictures and sounds."""
    expander, retriever = Expander(associations, Bounds.of(settings)), Retriever(index, near)
    judge = Judge(retriever, Weigher(fusion, index), calibration, settings)
    rivals = RivalReader(retriever, fusion, calibration, Doubt.of(settings), settings.max_rivals)
    claims = Claims(judge, rivals, settings)
    return PersonFinder(retriever, SpeakerReader(index), judge, expander, claims, calibration, settings)


def near_of(index: VectorIndex, settings: SearchSettings) -> NearVectors:
    """The embeddings that are kept in this process; whoever makes it closes it."""
    return NearVectors(index, settings.near_mib * 2**20, settings.near_recheck_s, settings.near_pause_s)


def _associations(
    settings: SearchStackSettings, pack: Pack, index: VectorIndex, logger: logging.Logger, opened: AsyncExitStack
) -> tuple[Associations, Identities, list[MountedService]]:
    """Another process, when its address is neither missing nor our own; else mounted."""
    elsewhere = settings.association.address
    if elsewhere is not None and elsewhere != settings.search.address:
        channel = grpc.aio.insecure_channel(elsewhere)
        opened.push_async_callback(channel.close)
        remote = RemoteAssociations(channel, settings.retrieval.expansion_timeout_s, logger)
        return remote, RemoteIdentities(channel, settings.identities.label_wait_s * 2, logger), []
    store = RedisAssociationStore(
        _needed(settings.redis.url, "PERSONSEARCH_REDIS__URL"), mirror_bytes=settings.linking.mirror_mib * 2**20
    )
    opened.push_async_callback(store.aclose)
    composed = compose_associations(index, store, pack.calibration, settings.linking, settings.identities, logger)
    opened.push_async_callback(composed.aclose)
    associations = MountedAssociations(composed.associations, logger)
    return associations, MountedIdentities(composed.watch), list(composed.services)


def _fusion(
    settings: SearchStackSettings, pack: Pack, logger: logging.Logger, opened: AsyncExitStack
) -> tuple[Fusion, list[MountedService], Mapping[str, Probe]]:
    elsewhere = settings.fusion.address
    if elsewhere is not None and elsewhere != settings.search.address:
        channel = grpc.aio.insecure_channel(elsewhere)
        opened.push_async_callback(channel.close)
        by_network = settings.evidence.method is not FusionMethod.LATE
        remote = RemoteFusion(channel, settings.retrieval.fusion_timeout_s, logger, by_network=by_network)
        return remote, [], {}
    composed = compose_fusion(settings, settings.evidence, pack, opened)
    return MountedFusion(composed.handlers, logger), [mounted_fusion(composed.handlers)], composed.probes


def _index_probe(index: VectorIndex) -> Probe:
    async def check() -> None:
        if not await index.ready():
            raise BackendUnavailableError("milvus", "a collection cannot be queried")

    return check


def _needed(value: str | None, variable: str) -> str:
    if value is None:
        raise ValueError(f"{variable} is not set; set it, or start everything with `personsearch up`")
    return value
