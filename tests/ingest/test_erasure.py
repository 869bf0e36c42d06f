"""EraseIdentity over gRPC: the ingest API, and the association service behind it, on one set of stores."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from packs.calibration import Calibration
from packs.spec import Modality
from personsearch.v1 import identity_service_pb2, ingest_service_pb2
from personsearch.v1.identity_service_pb2_grpc import IdentityServiceStub
from personsearch.v1.ingest_service_pb2_grpc import IngestServiceStub
from services.association.composing import ComposedAssociations, compose_associations
from services.association.identities.settings import IdentitySettings
from services.association.settings import LinkingSettings
from services.backends.associations.fake import FakeAssociationStore
from services.backends.ephemeral.fake import FakeEphemeralStore
from services.backends.index.fake import FakeIndex, FakeRecord
from services.backends.media.files import FsspecMediaStore
from services.backends.schemas import Appearance, AppearanceKind, EmbeddingRow, Gallery, Scope, Video, VideoState
from services.ingest.associations import GrpcAssociations
from services.ingest.identifiers import key_frame_key, lease_name, stop_key
from services.ingest.identities import GrpcIdentities
from services.ingest.server import deletion_on, mounted_ingest
from services.ingest.settings import ApiSettings, LeaseSettings
from services.runtime.errors import BackendUnavailableError
from services.runtime.server import GrpcServer
from services.runtime.settings import ServerSettings

LOGGER = logging.getLogger("tests.erasure")
SEEN = {Modality.FACE: 16, Modality.BODY: 8}
CALIBRATION = dict.fromkeys(SEEN, Calibration(slope=20.0, intercept=-10.0))
SETTINGS = ApiSettings(lease=LeaseSettings(ttl_s=0.9), stop_wait_s=0.5)
FILMS = {"one": ("anna.1", "ben.1", "anna.2"), "two": ("anna.3", "ben.2"), "three": ("cleo.1",)}


def id_of(name: str, gallery: str = "town") -> str:
    return hashlib.sha256(f"{gallery}/{name}".encode()).hexdigest()[:32]


def look(dimension: int, name: str) -> np.ndarray:
    vector = np.random.default_rng(int(id_of(name)[:8], 16)).normal(size=dimension)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@dataclass
class Cut:
    """Where a call is cut off: each method that is named fails so often, before or after its work."""

    left: dict[str, int] = field(default_factory=dict)
    after: bool = False

    def around(self, owner: object, name: str) -> None:
        work = getattr(owner, name)

        async def maybe(*arguments, **more):
            cut = self.left.get(name, 0) > 0
            if cut:
                self.left[name] -= 1
                if not self.after:
                    raise BackendUnavailableError("milvus", f"{name} was cut off")
            answer = await work(*arguments, **more)
            if cut:
                raise BackendUnavailableError("milvus", f"{name} was cut off after its work")
            return answer

        setattr(owner, name, maybe)


class Town:
    """The stores, the association service and the ingest API."""

    def __init__(self, media: FsspecMediaStore, old: FakeIndex, index: FakeIndex) -> None:
        self.media, self.old, self.index = media, old, index
        self.store, self.ephemeral = FakeAssociationStore(), FakeEphemeralStore()
        self.cut = Cut()
        self.composed = self.compose()
        for owner, names in (
            (index, ("erase_appearances", "count_appearances", "put_video")),
            (index.people, ("put_memberships", "rewrite", "delete_memberships")),
            (media, ("delete", "count")),
            (self.store, ("drop_appearances", "count_appearances")),
        ):
            for name in names:
                self.cut.around(owner, name)

    def compose(self) -> ComposedAssociations:
        return compose_associations(self.index, self.store, CALIBRATION, LinkingSettings(), IdentitySettings(), LOGGER)

    async def film(self, name: str, people: Sequence[str], gallery: str = "town") -> None:
        video = Video(id_of(name, gallery), gallery, f"file:///{name}.mp4", VideoState.READY, 1, 1.0, "c" * 64)
        await self.index.put_gallery(Gallery(gallery, 1.0))
        await self.index.put_video(video.with_changes(appearance_count=len(people)))
        for place, who in enumerate(people):
            one, start_s = id_of(who, gallery), 10.0 * place
            key = key_frame_key(gallery, video.video_id, one)
            uri = await self.media.put(key, who.encode())
            for index in (self.old, self.index):
                for modality, dimension in SEEN.items():
                    vector = look(dimension, who.split(".")[0])
                    row = EmbeddingRow(one, gallery, video.video_id, start_s, start_s + 3, 1, 1.0, vector)
                    await index.put_embeddings(modality, [row])
                kind = AppearanceKind.TRACKLET
                row = Appearance(one, gallery, video.video_id, kind, start_s, start_s + 3, 1, tuple(SEEN), (), uri)
                await index.put_appearances([row])

    async def who(self, name: str, gallery: str = "town") -> str:
        return (await self.composed.keeper.people(gallery)).state.homes[id_of(name, gallery)]

    async def say_name(self, name: str, called: str, gallery: str = "town") -> None:
        await self.composed.identities.name(gallery, await self.who(name, gallery), called, "desk")

    @asynccontextmanager
    async def served(self) -> AsyncIterator[IngestServiceStub]:
        """The API; the association service is another process, and starts anew each time."""
        self.composed = self.compose()
        async with running(self.composed.services) as address, grpc.aio.insecure_channel(address) as channel:
            self.associations, self.identities = GrpcAssociations(channel), GrpcIdentities(channel)
            self.people = IdentityServiceStub(channel)
            ingest = mounted_ingest(self, deletion_on(self, SETTINGS, LOGGER), SETTINGS, LOGGER)
            async with running([ingest]) as api, grpc.aio.insecure_channel(api) as to_api:
                yield IngestServiceStub(to_api)
        await self.composed.aclose()

    async def traces(self, names: Sequence[str], gallery: str = "town") -> int:
        """All that is anywhere of some appearances."""
        ids = [id_of(name, gallery) for name in names]
        keys = [key_frame_key(gallery, id_of(film, gallery), id_of(name, gallery)) for film in FILMS for name in names]
        return (
            await self.index.count_appearances(gallery, ids)
            + await self.index.people.count_appearances(gallery, ids)
            + await self.store.count_appearances(gallery, ids)
            + await self.media.count(keys)
        )


@asynccontextmanager
async def running(services) -> AsyncIterator[str]:
    server = GrpcServer(ServerSettings(grace_s=0.1), "127.0.0.1:0", services, {}, LOGGER)
    await server.start()
    try:
        yield server.address
    finally:
        await server.stop(grace_s=0.1)


@pytest.fixture
async def town(tmp_path) -> Town:
    record = FakeRecord()
    old, index = FakeIndex(record, "a" * 64), FakeIndex(record, "b" * 64)
    for each in (old, index):
        await each.open(SEEN)
    await index.make_live()
    made = Town(FsspecMediaStore(str(tmp_path / "media")), old, index)
    for gallery in ("town", "village"):
        for name, people in FILMS.items():
            await made.film(name, people, gallery)
    return made


ANNA, OTHERS = ("anna.1", "anna.2", "anna.3"), ("ben.1", "ben.2", "cleo.1")
# Of each of three appearances: a row and two embeddings in two packs each; who they are; and what was said of them.
INDEX_ROWS = 3 * 2 * 3 + 3 + 1
# Three appearances, and the two ends of three edges by the face and, within a film, of one by the clothes.
CACHED = 3 + 3 * 2 + 2


async def erase(stub: IngestServiceStub, identity_id: str, gallery: str = "town"):
    return await stub.EraseIdentity(ingest_service_pb2.EraseIdentityRequest(gallery=gallery, identity_id=identity_id))


def receipts_of(answer) -> dict[str, tuple[int, int]]:
    return {receipt.store: (receipt.deleted, receipt.remaining) for receipt in answer.receipts}


async def refused(stub: IngestServiceStub, identity_id: str, gallery: str = "town") -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await erase(stub, identity_id, gallery)
    info = error_details_pb2.ErrorInfo()
    assert rpc_status.from_call(caught.value).details[0].Unpack(info)
    return info.reason.removeprefix("ERROR_REASON_")


async def test_a_person_goes_from_every_store_with_receipts(town: Town) -> None:
    async with town.served() as stub:
        await town.say_name("anna.1", "Anna")
        await town.say_name("ben.1", "Ben")
        anna, ben = await town.who("anna.1"), await town.who("ben.1")
        answer = await erase(stub, anna)
        assert (answer.identity_id, answer.appearance_count, answer.video_count) == (anna, 3, 2)
        assert receipts_of(answer) == {"index": (INDEX_ROWS, 0), "associations": (CACHED, 0), "media": (3, 0)}
        assert [receipt.store for receipt in answer.receipts] == ["index", "associations", "media"]
        assert await town.traces(ANNA) == 0
        assert await refused(stub, anna) == "IDENTITY_NOT_FOUND"
        listed = await town.people.ListIdentities(identity_service_pb2.ListIdentitiesRequest(gallery="town"))
        assert sorted((one.appearance_count, one.label.name) for one in listed.identities) == [(1, ""), (2, "Ben")]
        log = await town.people.ListOperations(identity_service_pb2.ListOperationsRequest(gallery="town"))
        assert [(one.number, one.name, one.HasField("name"), one.author) for one in log.operations] == [
            (2, "Ben", True, "desk"),
            (1, "", False, "desk"),
        ]
        # What stays of the entry: that it was said, when, by whom, and of which id.
        assert list(log.operations[1].identity_ids) == [anna]
        assert not log.operations[1].places
        assert await town.who("ben.2") == ben
    counts = {video.video_id: video.appearance_count for video in await town.index.list_videos("town")}
    assert counts == {id_of("one"): 1, id_of("two"): 1, id_of("three"): 1}


async def test_nobody_else_and_no_other_gallery_is_touched(town: Town) -> None:
    async with town.served() as stub:
        anna = await town.who("anna.1")
        elsewhere = await town.who("anna.1", "village")
        assert elsewhere != anna
        before = [await town.traces(OTHERS), await town.traces((*ANNA, *OTHERS), "village")]
        assert await refused(stub, elsewhere) == "IDENTITY_NOT_FOUND"
        assert await refused(stub, "0" * 32) == "IDENTITY_NOT_FOUND"
        assert await refused(stub, anna, "nowhere") == "GALLERY_NOT_FOUND"
        assert await refused(stub, "not an id") == "INVALID_FIELD"
        await erase(stub, anna)
        assert [await town.traces(OTHERS), await town.traces((*ANNA, *OTHERS), "village")] == before
        assert await town.who("anna.1", "village") == elsewhere


async def test_somebody_without_a_name_and_somebody_who_is_alone_in_a_film(town: Town) -> None:
    async with town.served() as stub:
        answer = await erase(stub, await town.who("cleo.1"))
        assert receipts_of(answer) == {"index": (7, 0), "associations": (1, 0), "media": (1, 0)}
        assert await town.traces(["cleo.1"]) == 0
    async with town.served():
        # Another process finds a film in which nobody is, and nobody anew.
        people = await town.composed.keeper.people("town")
        assert len(people.nodes) == 5
        assert id_of("three") in people.videos


async def test_an_id_that_was_merged_leads_to_whom_it_went_into(town: Town) -> None:
    async with town.served() as stub:
        anna, cleo = await town.who("anna.1"), await town.who("cleo.1")
        await town.composed.identities.merge("town", anna, [cleo], "desk")
        answer = await erase(stub, cleo)
        assert (answer.identity_id, answer.appearance_count) == (anna, 4)
        for one in (anna, cleo):
            assert await refused(stub, one) == "IDENTITY_NOT_FOUND"
        assert await town.traces([*ANNA, "cleo.1"]) == 0
        assert await town.composed.keeper.people("town")


STEPS = (
    "put_memberships",
    "rewrite",
    "erase_appearances",
    "delete",
    "put_video",
    "count_appearances",
    "count",
    "drop_appearances",
    "delete_memberships",
)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", STEPS)
async def test_cut_off_anywhere_it_is_asked_again_and_finished(town: Town, step: str, after: bool) -> None:
    async with town.served():
        # Somebody whom only what was said makes one: a rejection between two films, and a split.
        await town.composed.identities.reject("town", id_of("anna.1"), id_of("anna.3"), "desk")
        await town.say_name("anna.1", "Anna")
        anna = await town.who("anna.1")
        before = dict((await town.composed.keeper.people("town")).state.homes)
        gone = sorted(one for one, home in before.items() if home == anna)
    async with town.served() as stub:
        town.cut.left, town.cut.after = {step: 1}, after
        assert await refused(stub, anna) == "BACKEND_UNAVAILABLE"
        assert not any(town.cut.left.values())
        if (step, after) != ("delete_memberships", True):
            assert await town.who("anna.1") == anna
    # The next process knows what the record says, and nothing else.
    async with town.served() as stub:
        if (step, after) == ("delete_memberships", True):
            assert await refused(stub, anna) == "IDENTITY_NOT_FOUND"
        else:
            answer = await erase(stub, anna)
            assert (answer.identity_id, answer.appearance_count) == (anna, len(gone))
            assert all(remaining == 0 for _, remaining in receipts_of(answer).values())
        people = await town.composed.keeper.people("town")
        assert people.state.homes == {one: home for one, home in before.items() if home != anna}
    assert await town.index.count_appearances("town", gone) == 0
    assert await town.store.count_appearances("town", gone) == 0
    assert await town.index.people.count_appearances("town", gone) == 0
    assert "Anna" not in repr(await town.index.people.operations("town"))


async def test_what_is_still_found_is_an_error_and_the_identity_stays(town: Town) -> None:
    async with town.served() as stub:
        anna = await town.who("anna.1")
        town.media.delete = lambda keys: asyncio.sleep(0, 0)
        assert await refused(stub, anna) == "BACKEND_UNAVAILABLE"
        assert await town.who("anna.1") == anna
        del town.media.delete
        assert receipts_of(await erase(stub, anna))["media"] == (3, 0)


async def test_it_waits_for_whoever_works_on_a_video_and_gives_up_in_time(town: Town) -> None:
    async with town.served() as stub:
        anna = await town.who("anna.1")
        assert await town.ephemeral.acquire_lease(lease_name(id_of("one")), "reindex", 60.0)
        assert await refused(stub, anna) == "VIDEO_BUSY"
        assert await town.ephemeral.get(stop_key(id_of("one"))) is None
        await town.ephemeral.release_lease(lease_name(id_of("one")), "reindex")
        await erase(stub, anna)
    assert await town.traces(ANNA) == 0


async def test_a_video_that_is_deleted_meanwhile_stays_deleted(town: Town) -> None:
    async with town.served() as stub:
        anna = await town.who("anna.1")
        request = ingest_service_pb2.DeleteVideoRequest(gallery="town", video_id=id_of("one"))
        await asyncio.gather(stub.DeleteVideo(request), erase(stub, anna))
    assert await town.traces(ANNA) == 0
    assert await town.index.get_video("town", id_of("one")) is None
    assert await town.index.count_video("town", id_of("one")) == 0


async def test_two_calls_at_once_erase_once(town: Town) -> None:
    async with town.served() as stub:
        anna = await town.who("anna.1")
        ended = await asyncio.gather(erase(stub, anna), erase(stub, anna), return_exceptions=True)
        assert any(not isinstance(one, BaseException) for one in ended)
        assert await refused(stub, anna) == "IDENTITY_NOT_FOUND"
    assert await town.traces(ANNA) == 0


async def test_a_film_that_comes_later_shows_the_person_as_somebody_new(town: Town) -> None:
    async with town.served() as stub:
        await town.say_name("anna.1", "Anna")
        await erase(stub, await town.who("anna.1"))
        await town.film("four", ["anna.4"])
        label = await town.composed.watch.labels("town", [id_of("anna.4")])
        people = await town.composed.keeper.people("town")
        assert people.state.clusters[await town.who("anna.4")] == (id_of("anna.4"),)
        assert people.state.names == {}
        assert not any(one.name for one in label.values())


async def test_searches_go_on_meanwhile(town: Town) -> None:
    async with town.served() as stub:
        anna = await town.who("anna.1")
        erasing = asyncio.create_task(erase(stub, anna))
        everybody = [id_of(name) for name in (*ANNA, *OTHERS)]
        looks = 0
        while not erasing.done():
            (found,) = await town.index.search(Modality.FACE, look(16, "anna")[None], Scope("town"), 10)
            rows = await town.index.get_appearances("town", [one.appearance_id for one in found])
            edges = await town.composed.associations.list_associations("town", everybody)
            await town.composed.watch.labels("town", everybody)
            looks += 1
            assert len(rows) >= len(OTHERS)
            assert all(edge.first != edge.second for edge in edges)
            await asyncio.sleep(0)
        assert looks > 1
        await erasing
