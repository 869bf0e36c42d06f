"""A blocking face of the client, for scripts and notebooks."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Iterator, Sequence
from os import PathLike
from types import TracebackType
from typing import Self

from personsearch.client import DEFAULT_GALLERY, PersonSearchClient
from personsearch.identities import IdentityCalls
from personsearch.sync_identities import BlockingIdentityCalls
from personsearch.v1 import (
    appearance_pb2,
    gallery_pb2,
    ingest_service_pb2,
    person_search_service_pb2,
    query_pb2,
    video_pb2,
)

__all__ = ["BlockingClient", "connect"]


def connect(
    search_address: str | None = None, ingest_address: str | None = None, *, timeout_s: float = 30.0
) -> BlockingClient:
    """Open a blocking client, to be used in a `with`; the addresses are found as `resolve_endpoints` says."""
    return BlockingClient(search_address, ingest_address, timeout_s=timeout_s)


class BlockingClient(BlockingIdentityCalls):
    """PersonSearchClient on an event loop of its own, for one thread; each method is the one of the same name there."""

    def __init__(self, search_address: str | None, ingest_address: str | None, *, timeout_s: float) -> None:
        self._runner = asyncio.Runner()
        try:
            self._client = self._runner.run(_make(search_address, ingest_address, timeout_s))
        except BaseException:
            self._runner.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the channels and the event loop."""
        self._runner.run(self._client.aclose())
        self._runner.close()

    @property
    def _calls(self) -> IdentityCalls:
        return self._client

    def search(
        self,
        parts: Sequence[query_pb2.QueryPart],
        *,
        gallery: str = DEFAULT_GALLERY,
        video_ids: Sequence[str] = (),
        time_range_s: tuple[float, float] | None = None,
        min_score: float | None = None,
        top_k: int | None = None,
        expand: bool = True,
        task: query_pb2.Task.ValueType | None = None,
    ) -> person_search_service_pb2.SearchResponse:
        """Find a person."""
        return self._runner.run(
            self._client.search(
                parts,
                gallery=gallery,
                video_ids=video_ids,
                time_range_s=time_range_s,
                min_score=min_score,
                top_k=top_k,
                expand=expand,
                task=task,
            )
        )

    def get_track(
        self, appearance_id: str, *, gallery: str = DEFAULT_GALLERY, min_score: float | None = None
    ) -> person_search_service_pb2.GetTrackResponse:
        """Follow the person of one appearance through the gallery."""
        return self._runner.run(self._client.get_track(appearance_id, gallery=gallery, min_score=min_score))

    def get_appearance(self, appearance_id: str, *, gallery: str = DEFAULT_GALLERY) -> appearance_pb2.Appearance:
        """Read one appearance."""
        return self._runner.run(self._client.get_appearance(appearance_id, gallery=gallery))

    def list_appearances(self, video_id: str, *, gallery: str = DEFAULT_GALLERY) -> list[appearance_pb2.Appearance]:
        """List the appearances of a video, by start, then id."""
        return self._runner.run(self._client.list_appearances(video_id, gallery=gallery))

    def ingest(
        self,
        source: str | PathLike[str],
        *,
        gallery: str = DEFAULT_GALLERY,
        camera_id: str | None = None,
        site: str | None = None,
        recorded_at: dt.datetime | None = None,
    ) -> video_pb2.Video:
        """Queue a file for ingest and return its video at once."""
        return self._runner.run(
            self._client.ingest(source, gallery=gallery, camera_id=camera_id, site=site, recorded_at=recorded_at)
        )

    def watch_ingest(
        self, video_id: str, *, gallery: str = DEFAULT_GALLERY
    ) -> Iterator[ingest_service_pb2.WatchIngestResponse]:
        """Yield the progress of an ingest until it is ready or has failed."""
        stream = self._client.watch_ingest(video_id, gallery=gallery)
        while True:
            progress = self._runner.run(_next(stream))
            if progress is None:
                return
            yield progress

    def wait_until_ready(self, video_id: str, *, gallery: str = DEFAULT_GALLERY) -> video_pb2.Video:
        """Wait for the end of an ingest and return the video."""
        return self._runner.run(self._client.wait_until_ready(video_id, gallery=gallery))

    def list_videos(self, *, gallery: str = DEFAULT_GALLERY) -> list[video_pb2.Video]:
        """List the videos of a gallery, newest first."""
        return self._runner.run(self._client.list_videos(gallery=gallery))

    def delete_video(self, video_id: str, *, gallery: str = DEFAULT_GALLERY) -> list[ingest_service_pb2.StoreReceipt]:
        """Delete a video from every store and return each store's receipt."""
        return self._runner.run(self._client.delete_video(video_id, gallery=gallery))

    def erase_identity(
        self, identity_id: str, *, gallery: str = DEFAULT_GALLERY
    ) -> ingest_service_pb2.EraseIdentityResponse:
        """Erase a person: all appearances, who they are and what was said of them; return the stores' receipts."""
        return self._runner.run(self._client.erase_identity(identity_id, gallery=gallery))

    def create_gallery(self, name: str) -> gallery_pb2.Gallery:
        """Create an empty gallery."""
        return self._runner.run(self._client.create_gallery(name))

    def list_galleries(self) -> list[gallery_pb2.Gallery]:
        """List all galleries, by name."""
        return self._runner.run(self._client.list_galleries())

    def delete_gallery(self, name: str) -> list[ingest_service_pb2.StoreReceipt]:
        """Delete a gallery and all it holds, and return each store's receipt."""
        return self._runner.run(self._client.delete_gallery(name))


async def _make(search_address: str | None, ingest_address: str | None, timeout_s: float) -> PersonSearchClient:
    return PersonSearchClient(search_address, ingest_address, timeout_s=timeout_s)


async def _next(
    stream: AsyncIterator[ingest_service_pb2.WatchIngestResponse],
) -> ingest_service_pb2.WatchIngestResponse | None:
    return await anext(stream, None)
