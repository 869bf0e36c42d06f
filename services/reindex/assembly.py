"""A reindex on real stores: which pack is live, where its folder is, and everything that stands on the two."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from packs.manifest import Pack
from packs.shelf import PackShelf
from packs.spec import Modality
from services.backends.associations.redis import RedisAssociationStore
from services.backends.ephemeral.redis import RedisEphemeralStore
from services.backends.hearing import HearingModels
from services.backends.index.live import dimensions_of
from services.backends.index.milvus import MilvusIndex
from services.backends.index.protocol import VectorIndex
from services.backends.inference.local import LocalInferenceBackend
from services.backends.media.files import FsspecMediaStore
from services.backends.vision import VisionModels
from services.ingest.lease import owner_name
from services.ingest.settings import LeaseSettings
from services.reindex.alone import alone
from services.reindex.mover import Mover
from services.reindex.pictures import KeyFrameEmbedder
from services.reindex.remake import Remaker
from services.reindex.run import Reindexer, ReindexWatcher
from services.reindex.settings import ReindexStackSettings
from services.reindex.stores import StoreAddresses
from services.reindex.ways import Way, ways_between

__all__ = ["Bench", "opened_bench"]

LOGGER = logging.getLogger("services.reindex")


@dataclass(frozen=True, slots=True)
class Bench:
    """What a reindex works on.

    Attributes:
        new: The pack that is to be live.
        old_key: Key of the pack that is live; that of `new` where nothing is stored yet.
        ways: How each modality of the new pack is made.
        source: The live pack's index.
        target: The new pack's index.
        reindexer: Does it.
    """

    new: Pack
    old_key: str
    ways: Mapping[Modality, Way]
    source: VectorIndex
    target: VectorIndex
    reindexer: Reindexer


@asynccontextmanager
async def opened_bench(
    settings: ReindexStackSettings, stores: StoreAddresses, shelf: PackShelf, new: Pack, watcher: ReindexWatcher
) -> AsyncIterator[Bench]:
    """Open everything, with the right to reindex; one process has it at a time.

    Raises:
        BackendUnavailableError: If a store does not answer.
        LeaseLostError: If another process took the right, inside as well.
    """
    async with AsyncExitStack() as opened:
        target = await _index(stores, settings, new.digest, opened)
        old_key = await target.live_pack() or target.pack_key
        source = target if old_key == target.pack_key else await _index(stores, settings, old_key, opened)
        await target.open(dimensions_of(new))
        await source.open(dimensions_of(new) if source is target else await source.stored_dimensions())
        ephemeral = RedisEphemeralStore(stores.redis_url)
        opened.push_async_callback(ephemeral.aclose)
        lease, owner = LeaseSettings(settings.reindex.lease_s), owner_name()
        await opened.enter_async_context(alone(ephemeral, lease, owner, watcher, LOGGER))
        ways = ways_between(shelf.by_key(old_key), new)
        edges = RedisAssociationStore(stores.redis_url)
        opened.push_async_callback(edges.aclose)
        mover = Mover(
            source=source,
            target=target,
            remaker=_remaker(settings, stores, new, ways, source, opened),
            ephemeral=ephemeral,
            owner=owner,
            lease=lease,
            watcher=watcher,
            logger=LOGGER,
        )
        reindexer = Reindexer(
            source=source,
            target=target,
            mover=mover,
            ephemeral=ephemeral,
            associations=edges,
            owner=owner,
            lease=lease,
            watcher=watcher,
        )
        yield Bench(new, old_key, ways, source, target, reindexer)


async def _index(
    stores: StoreAddresses, settings: ReindexStackSettings, digest: str, opened: AsyncExitStack
) -> MilvusIndex:
    index = MilvusIndex(stores.milvus_uri, digest, token=settings.milvus.token, timeout_s=settings.reindex.deadline_s)
    opened.push_async_callback(index.aclose)
    await index.stored_dimensions()  # connects
    return index


def _remaker(
    settings: ReindexStackSettings,
    stores: StoreAddresses,
    new: Pack,
    ways: Mapping[Modality, Way],
    source: VectorIndex,
    opened: AsyncExitStack,
) -> Remaker:
    """The networks run in this process: those of the stack serve the live pack."""
    backend = LocalInferenceBackend(new, threads=settings.reindex.threads, deadline_s=settings.inference.deadline_s)
    opened.push_async_callback(backend.aclose)
    seen = [modality for modality, way in ways.items() if way is Way.KEY_FRAME]
    pictures = KeyFrameEmbedder(VisionModels(backend, new), FsspecMediaStore(stores.media_uri), seen)
    if Way.SOUND not in ways.values():
        return Remaker(source, ways, pictures, None)
    # Brings the decoder and scipy's filters, which take seconds to load.
    from services.reindex.voices import FilmVoices

    return Remaker(source, ways, pictures, FilmVoices(HearingModels(backend, new), LOGGER))
