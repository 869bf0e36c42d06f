"""From films to a `CastSearch`, through the services: taken in where they are not yet, and read back."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from evaluation.asking import IngestedFilm, ingest_film
from evaluation.datasets.synthcast import facts_of, read_back
from evaluation.datasets.tracklets import CastSearch
from evaluation.gallery.work import GALLERY
from evaluation.stack import Stack, kept_stack, use_stack
from evaluation.truth import Film
from packs.manifest import Pack
from personsearch.client import PersonSearchClient
from services.backends.index.live import dimensions_of
from services.backends.index.milvus import MilvusIndex
from services.backends.inference.local import LocalInferenceBackend

__all__ = ["client_of", "gather", "gathered", "stack_of"]

TIMEOUT_S = 120.0
Gathered = tuple[CastSearch, dict[str, Any]]


def stack_of(state: Path | None, say: Callable[[str], None]) -> AbstractContextManager[Stack]:
    """The stack of a kept folder, as `state/` of `evaluation gallery`; without one the running stack, or a new one."""
    return use_stack(say) if state is None else kept_stack(state, say)


async def gather(films: Sequence[Film], stack: Stack, say: Callable[[str], None], *, keep: bool) -> Gathered:
    """Ingest films into one gallery and read it back, with the facts of what it is made of.

    Args:
        films: The films.
        stack: What serves.
        say: Receives lines of progress.
        keep: Whether the gallery is the one that `evaluation gallery` fills, which stays; else it is a new one, which
            is deleted at the end.
    """
    gallery = GALLERY if keep else f"evaluation-{uuid.uuid4().hex[:12]}"
    async with client_of(stack) as client:
        if not keep:
            await client.create_gallery(gallery)
        try:
            ingested = [await ingest_film(client, film, gallery, say) for film in films]
            say("reading back")
            return await gathered(ingested, client, stack, gallery)
        finally:
            if not keep:
                await client.delete_gallery(gallery)


def client_of(stack: Stack) -> PersonSearchClient:
    """A client of a stack that waits for long answers."""
    return PersonSearchClient(stack.endpoints.search_address, stack.endpoints.ingest_address, timeout_s=TIMEOUT_S)


async def gathered(
    ingested: Sequence[IngestedFilm], client: PersonSearchClient, stack: Stack, gallery: str
) -> Gathered:
    """Read back films that are in a gallery, with the facts of what it is made of."""
    pack = Pack.load(stack.settings.pack)
    index = MilvusIndex(stack.endpoints.milvus_uri, pack.digest, token=stack.settings.milvus.token)
    backend = LocalInferenceBackend(pack)
    try:
        await index.open(dimensions_of(pack))
        search = await read_back(ingested, client, index, gallery, pack, backend)
    finally:
        await backend.aclose()
        await index.aclose()
    films = [one.film for one in ingested]
    return search, facts_of(films, pack) | {"inference": stack.endpoints.inference}
