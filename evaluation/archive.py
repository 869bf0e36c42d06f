"""What the index holds of a gallery, read from the record itself: no call of the public API lists all of it."""

from __future__ import annotations

from packs.manifest import Pack
from services.backends.index.milvus import MilvusIndex
from services.backends.schemas import Appearance, Scope

__all__ = ["read_appearances"]


async def read_appearances(milvus_uri: str, pack: Pack, gallery: str, *, token: str = "") -> list[Appearance]:
    """Read all appearances of a gallery that were made with a pack, by video, then time."""
    index = MilvusIndex(milvus_uri, pack.digest, token=token)
    try:
        await index.open({modality: pack.model_for(modality).embedding_dim or 0 for modality in pack.modalities})
        return await index.list_appearances(Scope(gallery))
    finally:
        await index.aclose()
