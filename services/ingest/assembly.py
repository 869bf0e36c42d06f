"""What the API and the worker are both built on: the stores, the pack and the way to the association service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import grpc

from packs.manifest import Pack
from services.backends.ephemeral.protocol import EphemeralStore
from services.backends.ephemeral.redis import RedisEphemeralStore
from services.backends.index.live import claim, dimensions_of
from services.backends.index.milvus import MilvusIndex
from services.backends.index.protocol import VectorIndex
from services.backends.media.files import FsspecMediaStore
from services.backends.media.protocol import MediaStore
from services.ingest.associations import AssociationsPort, GrpcAssociations
from services.ingest.identities import GrpcIdentities, IdentitiesPort
from services.ingest.settings import IngestSettings
from services.runtime.errors import BackendUnavailableError

__all__ = ["Stores"]


@dataclass(frozen=True, slots=True)
class Stores:
    """Open connections; `aclose` them."""

    pack: Pack
    index: VectorIndex
    ephemeral: EphemeralStore
    media: MediaStore
    associations: AssociationsPort
    identities: IdentitiesPort
    channel: grpc.aio.Channel
    redis_url: str

    @classmethod
    async def opened(cls, settings: IngestSettings) -> Self:
        """Connect to what the settings name.

        Raises:
            ValueError: If an address is missing.
            PackError: If there is no usable pack.
            BackendUnavailableError: If the index does not answer.
            OtherPackLiveError: If it answers with another pack.
        """
        pack = Pack.load(settings.pack)
        milvus = _needed(settings.milvus.uri, "PERSONSEARCH_MILVUS__URI")
        redis = _needed(settings.redis.url, "PERSONSEARCH_REDIS__URL")
        association = _needed(settings.association.address, "PERSONSEARCH_ASSOCIATION__ADDRESS")
        index = MilvusIndex(milvus, pack.digest, token=settings.milvus.token)
        await index.open(dimensions_of(pack))
        await claim(index)
        channel = grpc.aio.insecure_channel(association)
        return cls(
            pack=pack,
            index=index,
            ephemeral=RedisEphemeralStore(redis),
            media=FsspecMediaStore(settings.media_uri),
            associations=GrpcAssociations(channel),
            identities=GrpcIdentities(channel),
            channel=channel,
            redis_url=redis,
        )

    async def check_index(self) -> None:
        """A probe: return when real queries of the index succeed."""
        if not await self.index.ready():
            raise BackendUnavailableError("milvus", "a collection cannot be queried")

    async def check_ephemeral(self) -> None:
        """A probe: return when the ephemeral store answers."""
        if not await self.ephemeral.ping():
            raise BackendUnavailableError("redis", "it does not answer a ping")

    async def aclose(self) -> None:
        """Let go of all connections."""
        await self.channel.close()
        await self.ephemeral.aclose()
        await self.index.aclose()


def _needed(value: str | None, variable: str) -> str:
    if value is None:
        raise ValueError(f"{variable} is not set; set it, or start everything with `personsearch up`")
    return value
