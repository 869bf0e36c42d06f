"""The asyncio client. Answers are the messages of the contract (personsearch.v1): there is one definition of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc
from google.protobuf import timestamp_pb2

from personsearch.endpoints import resolve_endpoints
from personsearch.errors import PersonSearchError, error_from_rpc
from personsearch.identities import DEFAULT_GALLERY, IdentityCalls
from personsearch.query import query
from personsearch.v1 import (
    appearance_pb2,
    gallery_pb2,
    gallery_service_pb2,
    gallery_service_pb2_grpc,
    identity_service_pb2_grpc,
    ingest_service_pb2,
    ingest_service_pb2_grpc,
    person_search_service_pb2,
    person_search_service_pb2_grpc,
    query_pb2,
    video_pb2,
)

__all__ = ["DEFAULT_GALLERY", "PersonSearchClient"]

# A thousand hits with their boxes, and pictures and sounds of 40 MiB together, are over gRPC's own limit of 4 MiB.
CHANNEL_OPTIONS = (("grpc.max_receive_message_length", 64 << 20), ("grpc.max_send_message_length", 64 << 20))
# Hashing a long film, or erasing one, takes longer than answering a question.
SLOW_CALL_FACTOR = 10


class PersonSearchClient(IdentityCalls):
    """Calls a personsearch stack; use it as `async with PersonSearchClient() as client`.

    Every method raises PersonSearchError when the service refuses the call or does not answer within `timeout_s`
    seconds. Make it inside a running event loop, since its channels belong to that loop.
    """

    def __init__(
        self, search_address: str | None = None, ingest_address: str | None = None, *, timeout_s: float = 30.0
    ) -> None:
        self.endpoints = resolve_endpoints(search_address, ingest_address)
        self._timeout_s = timeout_s
        self._channels = [
            grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
            for address in (
                self.endpoints.search_address,
                self.endpoints.ingest_address,
                self.endpoints.identity_address,
            )
        ]
        self._search = person_search_service_pb2_grpc.PersonSearchServiceStub(self._channels[0])
        self._ingest = ingest_service_pb2_grpc.IngestServiceStub(self._channels[1])
        self._identity = identity_service_pb2_grpc.IdentityServiceStub(self._channels[2])
        self._gallery = gallery_service_pb2_grpc.GalleryServiceStub(self._channels[1])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the channels; calls under way are cancelled."""
        for channel in self._channels:
            await channel.close()

    async def search(
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
        """Find a person; `personsearch.query` makes the parts.

        Hits come best first, at most `top_k` (the service's default is 50). `expand=False` keeps to what the parts
        match by themselves, without associations. `task` says whether the person is to be seen, heard or both; left
        out, a query of nothing but voices asks where the person is heard, any other where they are seen, and the
        answer's `task` says which it was. `text_readings` of the answer names the words of a text that the pack does
        not know. Raises SeveralFacesError when a portrait needs a choice.
        """
        asked = query(
            parts,
            gallery=gallery,
            video_ids=video_ids,
            time_range_s=time_range_s,
            min_score=min_score,
            expand=expand,
            task=task,
        )
        request = person_search_service_pb2.SearchRequest(query=asked, top_k=top_k)
        with self._errors(self.endpoints.search_address):
            return await self._search.Search(request, timeout=self._timeout_s)

    async def get_track(
        self, appearance_id: str, *, gallery: str = DEFAULT_GALLERY, min_score: float | None = None
    ) -> person_search_service_pb2.GetTrackResponse:
        """Follow the person of one appearance through the gallery."""
        request = person_search_service_pb2.GetTrackRequest(
            gallery=gallery, appearance_id=appearance_id, min_score=min_score
        )
        with self._errors(self.endpoints.search_address):
            return await self._search.GetTrack(request, timeout=self._timeout_s)

    async def get_appearance(self, appearance_id: str, *, gallery: str = DEFAULT_GALLERY) -> appearance_pb2.Appearance:
        """Read one appearance."""
        request = person_search_service_pb2.GetAppearanceRequest(gallery=gallery, appearance_id=appearance_id)
        with self._errors(self.endpoints.search_address):
            return (await self._search.GetAppearance(request, timeout=self._timeout_s)).appearance

    async def list_appearances(
        self, video_id: str, *, gallery: str = DEFAULT_GALLERY
    ) -> list[appearance_pb2.Appearance]:
        """List the appearances of a video with all their boxes, by start, then id; reads all pages."""
        request = person_search_service_pb2.ListAppearancesRequest(gallery=gallery, video_id=video_id, page_size=1000)
        appearances: list[appearance_pb2.Appearance] = []
        while True:
            with self._errors(self.endpoints.search_address):
                page = await self._search.ListAppearances(request, timeout=self._timeout_s)
            appearances += page.appearances
            if not page.next_page_token:
                return appearances
            request.page_token = page.next_page_token

    async def ingest(
        self,
        source: str | PathLike[str],
        *,
        gallery: str = DEFAULT_GALLERY,
        camera_id: str | None = None,
        site: str | None = None,
        recorded_at: dt.datetime | None = None,
    ) -> video_pb2.Video:
        """Queue a file for ingest and return its video at once; the same file twice is one video.

        A path is made absolute, since the service reads the file itself; a file:// URI goes as it is.
        """
        request = ingest_service_pb2.IngestVideoRequest(
            gallery=gallery,
            source_uri=_source_uri(source),
            camera_id=camera_id,
            site=site,
            recorded_at=_stamp(recorded_at),
        )
        with self._errors(self.endpoints.ingest_address):
            answer = await self._ingest.IngestVideo(request, timeout=self._timeout_s * SLOW_CALL_FACTOR)
        return answer.video

    async def watch_ingest(
        self, video_id: str, *, gallery: str = DEFAULT_GALLERY
    ) -> AsyncIterator[ingest_service_pb2.WatchIngestResponse]:
        """Yield the progress of an ingest until it is ready or has failed, without a deadline (it may take hours)."""
        request = ingest_service_pb2.WatchIngestRequest(gallery=gallery, video_id=video_id)
        call = self._ingest.WatchIngest(request)
        try:
            with self._errors(self.endpoints.ingest_address):
                async for progress in call:
                    yield progress
        finally:
            call.cancel()

    async def wait_until_ready(self, video_id: str, *, gallery: str = DEFAULT_GALLERY) -> video_pb2.Video:
        """Wait for the end of an ingest and return the video; raises PersonSearchError INGEST_FAILED when it fails."""
        video = video_pb2.Video()
        async for progress in self.watch_ingest(video_id, gallery=gallery):
            video = progress.video
        if video.state != video_pb2.VIDEO_STATE_READY:
            why = video.failure_reason or f"the stream ended in {video_pb2.VideoState.Name(video.state)}"
            facts = {"gallery": gallery, "video_id": video_id}
            raise PersonSearchError("INGEST_FAILED", why, code=grpc.StatusCode.ABORTED, metadata=facts)
        return video

    async def list_videos(self, *, gallery: str = DEFAULT_GALLERY) -> list[video_pb2.Video]:
        """List the videos of a gallery, newest first; reads all pages."""
        request = ingest_service_pb2.ListVideosRequest(gallery=gallery, page_size=250)
        videos: list[video_pb2.Video] = []
        while True:
            with self._errors(self.endpoints.ingest_address):
                page = await self._ingest.ListVideos(request, timeout=self._timeout_s)
            videos += page.videos
            if not page.next_page_token:
                return videos
            request.page_token = page.next_page_token

    async def delete_video(
        self, video_id: str, *, gallery: str = DEFAULT_GALLERY
    ) -> list[ingest_service_pb2.StoreReceipt]:
        """Delete a video from every store and return each store's receipt; the source file stays."""
        request = ingest_service_pb2.DeleteVideoRequest(gallery=gallery, video_id=video_id)
        with self._errors(self.endpoints.ingest_address):
            answer = await self._ingest.DeleteVideo(request, timeout=self._timeout_s * SLOW_CALL_FACTOR)
        return list(answer.receipts)

    async def erase_identity(
        self, identity_id: str, *, gallery: str = DEFAULT_GALLERY
    ) -> ingest_service_pb2.EraseIdentityResponse:
        """Erase a person: all appearances, who they are and what was said of them; return the stores' receipts.

        The videos and their files stay. Cut off anywhere, the same call goes on.
        """
        request = ingest_service_pb2.EraseIdentityRequest(gallery=gallery, identity_id=identity_id)
        with self._errors(self.endpoints.ingest_address):
            return await self._ingest.EraseIdentity(request, timeout=self._timeout_s * SLOW_CALL_FACTOR)

    async def create_gallery(self, name: str) -> gallery_pb2.Gallery:
        """Create an empty gallery."""
        request = gallery_service_pb2.CreateGalleryRequest(name=name)
        with self._errors(self.endpoints.ingest_address):
            return (await self._gallery.CreateGallery(request, timeout=self._timeout_s)).gallery

    async def list_galleries(self) -> list[gallery_pb2.Gallery]:
        """List all galleries, by name."""
        request = gallery_service_pb2.ListGalleriesRequest()
        with self._errors(self.endpoints.ingest_address):
            return list((await self._gallery.ListGalleries(request, timeout=self._timeout_s)).galleries)

    async def delete_gallery(self, name: str) -> list[ingest_service_pb2.StoreReceipt]:
        """Delete a gallery and all it holds, and return each store's receipt."""
        request = gallery_service_pb2.DeleteGalleryRequest(name=name)
        with self._errors(self.endpoints.ingest_address):
            answer = await self._gallery.DeleteGallery(request, timeout=self._timeout_s * SLOW_CALL_FACTOR)
        return list(answer.receipts)

    @contextmanager
    def _errors(self, address: str) -> Iterator[None]:
        try:
            yield
        except grpc.RpcError as error:
            raise error_from_rpc(error, address) from error

    @property
    def _identity_address(self) -> str:
        return self.endpoints.identity_address


def _source_uri(source: str | PathLike[str]) -> str:
    text = str(source)
    return text if "://" in text else str(Path(text).expanduser().resolve())


def _stamp(moment: dt.datetime | None) -> timestamp_pb2.Timestamp | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError(f"got {moment.isoformat()} without a time zone, expected one: add an offset such as +00:00")
    stamp = timestamp_pb2.Timestamp()
    stamp.FromDatetime(moment)
    return stamp
