"""A stack in the process, for tests of what calls personsearch: real gRPC on a free port, scripted answers.

with FakeStack() as stack:
    stack.answer_with(hit)
    client = PersonSearchClient(stack.address, stack.address)
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import NoReturn, Self

import grpc
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from personsearch.errors import ERROR_DOMAIN, REASON_PREFIX
from personsearch.testing_identities import FakePeople, serve_identities
from personsearch.v1 import (
    appearance_pb2,
    gallery_pb2,
    gallery_service_pb2,
    gallery_service_pb2_grpc,
    hit_pb2,
    ingest_service_pb2,
    ingest_service_pb2_grpc,
    person_search_service_pb2,
    person_search_service_pb2_grpc,
    query_pb2,
    video_pb2,
)

__all__ = ["FakeStack", "Refusal"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error that a call shall end in; `code` is a google.rpc.Code."""

    code: int
    reason: str
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: Mapping[str, str] = field(default_factory=dict)

    def abort(self, context: grpc.ServicerContext) -> NoReturn:
        """End the call with this error and its details."""
        info = error_details_pb2.ErrorInfo(
            reason=REASON_PREFIX + self.reason, domain=ERROR_DOMAIN, metadata=dict(self.metadata)
        )
        status = status_pb2.Status(code=self.code, message=self.message)
        status.details.add().Pack(info)
        if self.violations:
            bad = error_details_pb2.BadRequest()
            for name, text in self.violations.items():
                bad.field_violations.add(field=name, description=text)
            status.details.add().Pack(bad)
        context.abort_with_status(rpc_status.to_status(status))
        raise AssertionError("abort_with_status returns never")


class FakeStack:
    """Search, ingest and gallery services with a small memory; `requests` holds every request in order.

    `people` says who is who. `appearances` maps a video id to what ListAppearances tells of it, `unknown_words` are
    those that no text is read with, `refusals` maps a method name to the error that its calls end in, `steps` is
    the number of progress messages of an ingest, and `failing` names file endings whose ingest fails. With `stalls`
    a watched ingest never ends: `stalled` is set after its first message, and its stream stays open until the
    caller hangs up.
    """

    def __init__(self, *, steps: int = 3, failing: tuple[str, ...] = (), stalls: bool = False) -> None:
        self.requests: list[Message] = []
        self.refusals: dict[str, Refusal] = {}
        self.galleries: dict[str, dict[str, video_pb2.Video]] = {}
        self.hits: list[hit_pb2.Hit] = []
        self.appearances: dict[str, list[appearance_pb2.Appearance]] = {}
        self.people = FakePeople()
        self.unknown_words: tuple[str, ...] = ()
        self.degraded: list[person_search_service_pb2.Degradation.ValueType] = []
        self.steps = steps
        self.failing = failing
        self.stalls = stalls
        self.stalled = threading.Event()
        self._server = grpc.server(ThreadPoolExecutor(max_workers=4))
        person_search_service_pb2_grpc.add_PersonSearchServiceServicer_to_server(_Search(self), self._server)
        ingest_service_pb2_grpc.add_IngestServiceServicer_to_server(_Ingest(self), self._server)
        gallery_service_pb2_grpc.add_GalleryServiceServicer_to_server(_Galleries(self), self._server)
        serve_identities(self._server, self.people, self.take, self.missing)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop(grace=None).wait()

    def answer_with(self, *hits: hit_pb2.Hit) -> None:
        """Answer every search and track with these hits."""
        self.hits = list(hits)

    def take(self, method: str, request: Message, context: grpc.ServicerContext) -> None:
        """Note a request and end the call when a refusal is set for it."""
        self.requests.append(request)
        if method in self.refusals:
            self.refusals[method].abort(context)

    def missing(self, reason: str, facts: dict[str, str], context: grpc.ServicerContext) -> NoReturn:
        """End a call about something that is not there."""
        Refusal(code_pb2.NOT_FOUND, reason, "it is not there", facts).abort(context)

    def videos(self, gallery: str, context: grpc.ServicerContext) -> dict[str, video_pb2.Video]:
        """Return the videos of a gallery by id, or end the call with GALLERY_NOT_FOUND."""
        if gallery not in self.galleries:
            message = f"there is no gallery {gallery!r}: create it, or ingest a video into it"
            Refusal(code_pb2.NOT_FOUND, "GALLERY_NOT_FOUND", message, {"gallery": gallery}).abort(context)
        return self.galleries[gallery]


class _Search(person_search_service_pb2_grpc.PersonSearchServiceServicer):
    def __init__(self, stack: FakeStack) -> None:
        self._stack = stack

    def Search(
        self, request: person_search_service_pb2.SearchRequest, context: grpc.ServicerContext
    ) -> person_search_service_pb2.SearchResponse:
        self._stack.take("Search", request, context)
        limit = request.top_k if request.HasField("top_k") else 50
        hits = [hit for hit in self._stack.hits if hit.score >= request.query.filter.min_score]
        voices = sum(part.WhichOneof("content") == "voice" for part in request.query.parts)
        alone = query_pb2.TASK_HEARD if voices == len(request.query.parts) else query_pb2.TASK_SEEN
        return person_search_service_pb2.SearchResponse(
            hits=hits[:limit],
            degraded=self._stack.degraded,
            task=request.query.task or alone,
            voice_speech_s=[1.5] * voices,
            text_readings=self._readings(request.query),
        )

    def _readings(self, query: query_pb2.Query) -> list[person_search_service_pb2.TextReading]:
        texts = {place: part.text.lower().split() for place, part in enumerate(query.parts) if part.HasField("text")}
        return [
            person_search_service_pb2.TextReading(
                part_index=place, unknown_words=[word for word in words if word in self._stack.unknown_words]
            )
            for place, words in texts.items()
        ]

    def GetTrack(
        self, request: person_search_service_pb2.GetTrackRequest, context: grpc.ServicerContext
    ) -> person_search_service_pb2.GetTrackResponse:
        self._stack.take("GetTrack", request, context)
        spans = [
            person_search_service_pb2.TrackSpan(video_id=hit.appearance.video_id, span=hit.appearance.span, hits=[hit])
            for hit in self._stack.hits
        ]
        return person_search_service_pb2.GetTrackResponse(spans=spans, degraded=self._stack.degraded)

    def GetAppearance(
        self, request: person_search_service_pb2.GetAppearanceRequest, context: grpc.ServicerContext
    ) -> person_search_service_pb2.GetAppearanceResponse:
        self._stack.take("GetAppearance", request, context)
        known = {hit.appearance.appearance_id: hit.appearance for hit in self._stack.hits}
        if request.appearance_id not in known:
            facts = {"gallery": request.gallery, "appearance_id": request.appearance_id}
            Refusal(code_pb2.NOT_FOUND, "APPEARANCE_NOT_FOUND", "no such appearance", facts).abort(context)
        return person_search_service_pb2.GetAppearanceResponse(appearance=known[request.appearance_id])

    def ListAppearances(
        self, request: person_search_service_pb2.ListAppearancesRequest, context: grpc.ServicerContext
    ) -> person_search_service_pb2.ListAppearancesResponse:
        """Pages of at most two, so that callers have to turn them."""
        self._stack.take("ListAppearances", request, context)
        if request.video_id not in self._stack.appearances:
            facts = {"gallery": request.gallery, "video_id": request.video_id}
            Refusal(code_pb2.NOT_FOUND, "VIDEO_NOT_FOUND", "no such video", facts).abort(context)
        listed = self._stack.appearances[request.video_id]
        start = int(request.page_token or 0)
        following = str(start + 2) if start + 2 < len(listed) else ""
        page = listed[start : start + 2]
        return person_search_service_pb2.ListAppearancesResponse(appearances=page, next_page_token=following)


class _Ingest(ingest_service_pb2_grpc.IngestServiceServicer):
    def __init__(self, stack: FakeStack) -> None:
        self._stack = stack

    def IngestVideo(
        self, request: ingest_service_pb2.IngestVideoRequest, context: grpc.ServicerContext
    ) -> ingest_service_pb2.IngestVideoResponse:
        self._stack.take("IngestVideo", request, context)
        video_id = hashlib.sha256(f"{request.gallery}\0{request.source_uri}".encode()).hexdigest()[:32]
        video = video_pb2.Video(
            video_id=video_id,
            gallery=request.gallery,
            source_uri=request.source_uri,
            state=video_pb2.VIDEO_STATE_QUEUED,
            duration_s=10.0,
        )
        stored = self._stack.galleries.setdefault(request.gallery, {}).setdefault(video_id, video)
        return ingest_service_pb2.IngestVideoResponse(video=stored)

    def WatchIngest(
        self, request: ingest_service_pb2.WatchIngestRequest, context: grpc.ServicerContext
    ) -> Iterator[ingest_service_pb2.WatchIngestResponse]:
        self._stack.take("WatchIngest", request, context)
        video = self._stack.videos(request.gallery, context)[request.video_id]
        for step in range(1, self._stack.steps + 1):
            last = step == self._stack.steps
            video.state = self._end_state(video) if last else video_pb2.VIDEO_STATE_INGESTING
            video.committed_s = video.duration_s * step / self._stack.steps
            video.appearance_count = step
            yield ingest_service_pb2.WatchIngestResponse(video=video, analysed_s=video.committed_s, speed=4.0)
            if self._stack.stalls:
                hung_up = threading.Event()
                listening = context.add_callback(hung_up.set)
                self._stack.stalled.set()
                if listening:
                    hung_up.wait()
                return

    def _end_state(self, video: video_pb2.Video) -> video_pb2.VideoState.ValueType:
        if video.source_uri.endswith(self._stack.failing) and self._stack.failing:
            video.failure_reason = "the file ends in the middle of a frame"
            return video_pb2.VIDEO_STATE_FAILED
        return video_pb2.VIDEO_STATE_READY

    def ListVideos(
        self, request: ingest_service_pb2.ListVideosRequest, context: grpc.ServicerContext
    ) -> ingest_service_pb2.ListVideosResponse:
        """Pages of one video each, so that callers have to turn them."""
        self._stack.take("ListVideos", request, context)
        videos = list(reversed(self._stack.videos(request.gallery, context).values()))
        start = int(request.page_token or 0)
        following = str(start + 1) if start + 1 < len(videos) else ""
        return ingest_service_pb2.ListVideosResponse(videos=videos[start : start + 1], next_page_token=following)

    def DeleteVideo(
        self, request: ingest_service_pb2.DeleteVideoRequest, context: grpc.ServicerContext
    ) -> ingest_service_pb2.DeleteVideoResponse:
        self._stack.take("DeleteVideo", request, context)
        if self._stack.videos(request.gallery, context).pop(request.video_id, None) is None:
            facts = {"gallery": request.gallery, "video_id": request.video_id}
            Refusal(code_pb2.NOT_FOUND, "VIDEO_NOT_FOUND", "no such video", facts).abort(context)
        receipt = ingest_service_pb2.StoreReceipt(store="index", deleted=3, remaining=0)
        return ingest_service_pb2.DeleteVideoResponse(receipts=[receipt])

    def EraseIdentity(
        self, request: ingest_service_pb2.EraseIdentityRequest, context: grpc.ServicerContext
    ) -> ingest_service_pb2.EraseIdentityResponse:
        self._stack.take("EraseIdentity", request, context)
        if request.identity_id not in self._stack.people.places:
            facts = {"gallery": request.gallery, "identity_id": request.identity_id}
            self._stack.missing("IDENTITY_NOT_FOUND", facts, context)
        places = self._stack.people.erase(request.identity_id)
        return ingest_service_pb2.EraseIdentityResponse(
            identity_id=request.identity_id,
            appearance_count=len(places),
            video_count=len({place.video_id for place in places}),
            receipts=[ingest_service_pb2.StoreReceipt(store="index", deleted=len(places), remaining=0)],
        )


class _Galleries(gallery_service_pb2_grpc.GalleryServiceServicer):
    def __init__(self, stack: FakeStack) -> None:
        self._stack = stack

    def CreateGallery(
        self, request: gallery_service_pb2.CreateGalleryRequest, context: grpc.ServicerContext
    ) -> gallery_service_pb2.CreateGalleryResponse:
        self._stack.take("CreateGallery", request, context)
        if request.name in self._stack.galleries:
            facts = {"gallery": request.name}
            Refusal(code_pb2.ALREADY_EXISTS, "GALLERY_EXISTS", "it is there already", facts).abort(context)
        self._stack.galleries[request.name] = {}
        return gallery_service_pb2.CreateGalleryResponse(gallery=gallery_pb2.Gallery(name=request.name))

    def ListGalleries(
        self, request: gallery_service_pb2.ListGalleriesRequest, context: grpc.ServicerContext
    ) -> gallery_service_pb2.ListGalleriesResponse:
        self._stack.take("ListGalleries", request, context)
        galleries = [
            gallery_pb2.Gallery(name=name, video_count=len(videos))
            for name, videos in sorted(self._stack.galleries.items())
        ]
        return gallery_service_pb2.ListGalleriesResponse(galleries=galleries)

    def DeleteGallery(
        self, request: gallery_service_pb2.DeleteGalleryRequest, context: grpc.ServicerContext
    ) -> gallery_service_pb2.DeleteGalleryResponse:
        self._stack.take("DeleteGallery", request, context)
        deleted = len(self._stack.videos(request.name, context))
        del self._stack.galleries[request.name]
        receipt = ingest_service_pb2.StoreReceipt(store="index", deleted=deleted, remaining=0)
        return gallery_service_pb2.DeleteGalleryResponse(receipts=[receipt])
