"""Composition root of the API process: ingest, with the gallery service mounted beside it."""

from __future__ import annotations

import logging

from personsearch.v1 import ingest_service_pb2_grpc as ingest_stubs
from services.backends.associations.redis import RedisAssociationStore
from services.gallery.handlers import GalleryHandlers
from services.gallery.servicer import mounted as mounted_gallery
from services.gallery.settings import GallerySettings
from services.ingest.assembly import Stores
from services.ingest.deletion import Deletion
from services.ingest.erasure import Erasure
from services.ingest.handlers import IngestHandlers
from services.ingest.holding import VideoHolder
from services.ingest.servicer import IngestServicer
from services.ingest.settings import ApiSettings, IngestSettings
from services.ingest.watch import IngestWatcher
from services.runtime.server import GrpcServer, MountedService

__all__ = ["INGEST_SERVICE", "IngestApiSettings", "build", "deletion_on", "erasure_on", "mounted_ingest"]

INGEST_SERVICE = "personsearch.v1.IngestService"
DEFAULT_ADDRESS = "127.0.0.1:0"


def deletion_on(stores: Stores, settings: ApiSettings, logger: logging.Logger) -> Deletion:
    """What deletes videos, for ingest and for galleries."""
    return Deletion(
        index=stores.index,
        media=stores.media,
        associations=stores.associations,
        ephemeral=stores.ephemeral,
        lease=settings.lease,
        stop_wait_s=settings.stop_wait_s,
        logger=logger,
    )


def erasure_on(stores: Stores, settings: ApiSettings, logger: logging.Logger) -> Erasure:
    """What erases people."""
    holder = VideoHolder(stores.ephemeral, settings.lease, settings.stop_wait_s, logger)
    return Erasure(stores.index, stores.media, stores.identities, holder, logger)


def mounted_ingest(stores: Stores, deletion: Deletion, settings: ApiSettings, logger: logging.Logger) -> MountedService:
    """IngestService on some stores."""
    handlers = IngestHandlers(
        index=stores.index,
        ephemeral=stores.ephemeral,
        deletion=deletion,
        erasure=erasure_on(stores, settings, logger),
        settings=settings,
        logger=logger,
    )
    servicer = IngestServicer(handlers, IngestWatcher(stores.index, stores.ephemeral, settings.watch_refresh_s))
    return MountedService(
        INGEST_SERVICE,
        lambda server: ingest_stubs.add_IngestServiceServicer_to_server(servicer, server),
        long_lived=("WatchIngest",),
    )


class IngestApiSettings(IngestSettings):
    """Settings of the API process: ingest's, and those of the gallery service."""

    gallery: GallerySettings = GallerySettings()


async def build(settings: IngestApiSettings) -> GrpcServer:
    """The API's server, with its stores open; it is not started yet."""
    logger = logging.getLogger("services.ingest.api")
    stores = await Stores.opened(settings)
    edges = RedisAssociationStore(stores.redis_url)
    deletion = deletion_on(stores, settings.api, logger)
    galleries = GalleryHandlers(stores.index, edges, stores.media, deletion, settings.gallery)
    return GrpcServer(
        settings.server,
        settings.ingest.address or DEFAULT_ADDRESS,
        [mounted_ingest(stores, deletion, settings.api, logger), mounted_gallery(galleries)],
        {"index": stores.check_index, "ephemeral": stores.check_ephemeral},
        logger,
        closers=[edges.aclose, stores.aclose],
    )
