"""Composition root of the association process, where it runs on its own."""

from __future__ import annotations

import logging

from packs.manifest import Pack
from services.association.composing import compose_associations
from services.association.settings import AssociationProcessSettings
from services.backends.associations.redis import RedisAssociationStore
from services.backends.index.live import claim, dimensions_of
from services.backends.index.milvus import MilvusIndex
from services.runtime.errors import BackendUnavailableError
from services.runtime.server import GrpcServer

__all__ = ["build"]

DEFAULT_ADDRESS = "127.0.0.1:0"


async def build(settings: AssociationProcessSettings) -> GrpcServer:
    """The server, with its back ends open; it is not started yet.

    Raises:
        ValueError: If an address is missing.
        PackError: If there is no usable pack.
        BackendUnavailableError: If the index does not answer.
        OtherPackLiveError: If it answers with another pack.
    """
    pack = Pack.load(settings.pack)
    milvus = _needed(settings.milvus.uri, "PERSONSEARCH_MILVUS__URI")
    store = RedisAssociationStore(
        _needed(settings.redis.url, "PERSONSEARCH_REDIS__URL"), mirror_bytes=settings.linking.mirror_mib * 2**20
    )
    index = MilvusIndex(milvus, pack.digest, token=settings.milvus.token)
    await index.open(dimensions_of(pack))
    await claim(index)
    logger = logging.getLogger("services.association")
    composed = compose_associations(index, store, pack.calibration, settings.linking, settings.identities, logger)

    async def check_index() -> None:
        if not await index.ready():
            raise BackendUnavailableError("milvus", "a collection cannot be queried")

    async def check_store() -> None:
        if not await store.ping():
            raise BackendUnavailableError("redis", "it does not answer a ping")

    return GrpcServer(
        settings.server,
        settings.association.address or DEFAULT_ADDRESS,
        composed.services,
        {"index": check_index, "associations": check_store},
        logger,
        closers=[composed.aclose, store.aclose, index.aclose],
    )


def _needed(value: str | None, variable: str) -> str:
    if value is None:
        raise ValueError(f"{variable} is not set; set it, or start everything with `personsearch up`")
    return value
