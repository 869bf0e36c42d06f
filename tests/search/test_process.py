"""The real process on real servers; association and fusion mounted in it, or processes of their own."""

from __future__ import annotations

import asyncio
import io
import sys
import wave
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import pytest

from packs.manifest import Pack
from packs.spec import Modality
from packs.testing import DIMENSION, write_tiny_pack
from personsearch.query import embedding, query, text, voice
from personsearch.v1 import identity_service_pb2, modality_pb2, query_pb2
from personsearch.v1 import person_search_service_pb2 as messages
from personsearch.v1.identity_service_pb2_grpc import IdentityServiceStub
from personsearch.v1.person_search_service_pb2_grpc import PersonSearchServiceStub
from services.backends.index.milvus import MilvusIndex
from services.backends.schemas import Appearance, AppearanceKind, EmbeddingRow, Gallery, SpeechSpan, Video, VideoState
from services.runtime.ports import free_ports
from services.supervisor.child import Child, ChildSpec, python_environment
from services.supervisor.probes import grpc_health_probe
from services.supervisor.stores import milvus_child, redis_child

A, B = "a" * 32, "b" * 32
SEEN, BACK, AGAIN, STRANGER, OFF = (f"{number:032x}" for number in range(1, 6))


@dataclass
class Stack:
    """What runs."""

    pack: Pack
    redis: Child
    stub: PersonSearchServiceStub
    identities: IdentityServiceStub


def axis(number: int) -> np.ndarray:
    vector = np.zeros(DIMENSION, np.float32)
    vector[number] = 1.0
    return vector


def dressed(colour: int) -> np.ndarray:
    """What the tiny text pair makes of a body in red, green or blue."""
    look = axis(colour) * 4.0 + axis(3)
    return np.asarray(look / np.linalg.norm(look), np.float32)


async def store(uri: str, pack: Pack) -> None:
    """Two videos: one person in both, once only from behind and once only heard, and a stranger."""
    index = MilvusIndex(uri, pack.digest)
    await index.open(dict.fromkeys(pack.modalities, DIMENSION))
    await index.put_gallery(Gallery("town", 1.0))
    for video in (A, B):
        await index.put_video(Video(video, "town", "/film.mp4", VideoState.READY, 1, 1.0, "0" * 64, duration_s=60.0))
    rows = [
        (SEEN, A, 0.0, {Modality.FACE: axis(0), Modality.BODY: axis(0), Modality.VOICE: axis(2)}),
        (BACK, A, 10.0, {Modality.BODY: axis(0), Modality.TEXT: dressed(0)}),
        (AGAIN, B, 0.0, {Modality.FACE: axis(0), Modality.BODY: axis(1), Modality.TEXT: dressed(1)}),
        (STRANGER, B, 0.0, {Modality.FACE: axis(1), Modality.BODY: axis(0)}),
        (OFF, B, 40.0, {Modality.VOICE: axis(2)}),
    ]
    for name, video, start_s, vectors in rows:
        place = (name, "town", video)
        for modality, vector in vectors.items():
            await index.put_embeddings(modality, [EmbeddingRow(*place, start_s, start_s + 5.0, 1, 1.0, vector)])
        kind = AppearanceKind.SPEECH if name == OFF else AppearanceKind.TRACKLET
        speech = (SpeechSpan(start_s, start_s + 5.0),) if Modality.VOICE in vectors else ()
        row = Appearance(*place, kind, start_s, start_s + 5.0, 1, tuple(vectors), speech=speech)
        await index.put_appearances([row])
    await index.flush()
    await index.aclose()


@pytest.fixture(params=["mounted", "apart"])
async def stack(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stack]:
    pack = write_tiny_pack(tmp_path, text=True).pack
    milvus_port, redis_port, *ports = free_ports(5)
    search, association, fusion = (f"127.0.0.1:{port}" for port in ports)
    settings = {
        "PERSONSEARCH_PACK": str(pack.directory),
        "PERSONSEARCH_MILVUS__URI": f"http://127.0.0.1:{milvus_port}",
        "PERSONSEARCH_REDIS__URL": f"redis://127.0.0.1:{redis_port}/0",
        "PERSONSEARCH_SEARCH__ADDRESS": search,
        "PERSONSEARCH_ASSOCIATION__ADDRESS": search if request.param == "mounted" else association,
    }
    # The first question waits until the associations are computed, however busy the machine is.
    patience = ("PERSONSEARCH_RETRIEVAL__EXPANSION_TIMEOUT_S", "PERSONSEARCH_LINKING__MEND_WAIT_S")
    settings |= dict.fromkeys(patience, "25")
    services = {"search": search}
    if request.param == "apart":
        settings["PERSONSEARCH_FUSION__ADDRESS"] = fusion
        services |= {"association": association, "fusion": fusion}
    async with AsyncExitStack() as running:

        async def start(spec: ChildSpec) -> Child:
            child = await Child.start(spec, tmp_path)
            running.push_async_callback(child.stop)
            return child

        stores = [milvus_child(tmp_path / "milvus", milvus_port), redis_child(tmp_path / "redis", redis_port)]
        milvus, redis = [await start(spec) for spec in stores]
        await asyncio.gather(milvus.until_ready(), redis.until_ready())
        await store(settings["PERSONSEARCH_MILVUS__URI"], pack)
        environment = python_environment(settings)
        commands = [
            ChildSpec(name, [sys.executable, "-m", f"services.{name}"], environment, grpc_health_probe(address))
            for name, address in services.items()
        ]
        children = [await start(spec) for spec in commands]
        await asyncio.gather(*(child.until_ready() for child in children))
        channel = await running.enter_async_context(grpc.aio.insecure_channel(search))
        who = await running.enter_async_context(
            grpc.aio.insecure_channel(settings["PERSONSEARCH_ASSOCIATION__ADDRESS"])
        )
        yield Stack(pack, redis, PersonSearchServiceStub(channel), IdentityServiceStub(who))


def by_face(pack: Pack, task: query_pb2.Task.ValueType = query_pb2.TASK_UNSPECIFIED) -> messages.SearchRequest:
    part = embedding(modality_pb2.MODALITY_FACE, axis(0).tolist(), pack.digest)
    return messages.SearchRequest(query=query([part], gallery="town", task=task))


def a_clip() -> bytes:
    """A second of loud noise, which the tiny pack takes for speech."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(np.random.default_rng(1).integers(-9000, 9000, 16_000).astype("<i2").tobytes())
    return out.getvalue()


async def says_who_is_who(stack: Stack) -> None:
    """A name shows in searches, and a rejected pair is followed no more, until that is taken back."""
    listed = await stack.identities.ListIdentities(
        identity_service_pb2.ListIdentitiesRequest(gallery="town"), timeout=60
    )
    first = listed.identities[0].label.identity_id
    one = await stack.identities.GetIdentity(
        identity_service_pb2.GetIdentityRequest(gallery="town", identity_id=first), timeout=60
    )
    assert {SEEN, AGAIN} <= {place.appearance_id for place in one.places}
    naming = identity_service_pb2.NameIdentityRequest(gallery="town", identity_id=first, name="Anna")
    await stack.identities.NameIdentity(naming, timeout=60)
    pair = identity_service_pb2.RejectAssociationRequest(
        gallery="town", first_appearance_id=SEEN, second_appearance_id=BACK
    )
    rejected = await stack.identities.RejectAssociation(pair, timeout=60)
    hits = (await stack.stub.Search(by_face(stack.pack), timeout=30)).hits
    found = {hit.appearance.appearance_id: hit for hit in hits}
    assert found[AGAIN].identity.name == "Anna"
    assert found[STRANGER].identity.name == ""
    assert BACK not in found
    undo = identity_service_pb2.UndoOperationRequest(gallery="town", number=rejected.operation.number)
    await stack.identities.UndoOperation(undo, timeout=60)
    again = (await stack.stub.Search(by_face(stack.pack), timeout=30)).hits
    assert BACK in {hit.appearance.appearance_id for hit in again}


async def test_finds_by_face_and_voice_across_videos_and_by_clothes_within_one(stack: Stack) -> None:
    response = await stack.stub.Search(by_face(stack.pack), timeout=30)
    assert response.degraded == []
    found = {hit.appearance.appearance_id: hit for hit in response.hits}
    assert [hit.appearance.appearance_id for hit in response.hits] == [SEEN, AGAIN, BACK, STRANGER]
    assert found[AGAIN].score > 0.9
    assert found[BACK].score > 0.8
    assert [step.modality for step in found[BACK].evidence] == [1, 3]
    assert found[BACK].evidence[0].target_appearance_id == SEEN
    # The stranger wears the same, but in another video: clothes do not reach that far.
    assert found[STRANGER].score < 0.1
    assert [step.modality for step in found[STRANGER].evidence] == [1]

    request = messages.GetTrackRequest(gallery="town", appearance_id=BACK)
    track = await stack.stub.GetTrack(request, timeout=30)
    assert [(span.video_id, span.span.start_s) for span in track.spans] == [(A, 0), (A, 10), (B, 0), (B, 40)]

    heard = await stack.stub.Search(by_face(stack.pack, query_pb2.TASK_HEARD), timeout=30)
    assert [hit.appearance.appearance_id for hit in heard.hits] == [SEEN, OFF]
    assert [step.modality for step in heard.hits[1].evidence] == [1, 4]
    by_voice = messages.SearchRequest(query=query([voice(a_clip())], gallery="town"))
    clip = await stack.stub.Search(by_voice, timeout=30)
    assert (clip.task, clip.degraded) == (query_pb2.TASK_HEARD, [])
    assert {hit.appearance.appearance_id for hit in clip.hits} == {SEEN, OFF}
    assert clip.voice_speech_s[0] > 0.9
    said = [text("the woman in red tweed")]
    described = await stack.stub.Search(
        messages.SearchRequest(query=query(said, gallery="town", expand=False)), timeout=30
    )
    assert [hit.appearance.appearance_id for hit in described.hits] == [BACK, AGAIN]
    assert described.hits[0].score > 0.7 > 0.2 > described.hits[1].score
    assert [share.modality for share in described.hits[0].shares] == [modality_pb2.MODALITY_TEXT]
    assert [list(reading.unknown_words) for reading in described.text_readings] == [["tweed"]]
    listed = await stack.stub.ListAppearances(messages.ListAppearancesRequest(gallery="town", video_id=B), timeout=30)
    assert [one.appearance_id for one in listed.appearances] == [AGAIN, STRANGER, OFF]

    await says_who_is_who(stack)
    await stack.redis.kill()
    degraded = await stack.stub.Search(by_face(stack.pack), timeout=30)
    assert degraded.degraded == [messages.DEGRADATION_ASSOCIATIONS]
    assert {hit.appearance.appearance_id for hit in degraded.hits} == {SEEN, AGAIN, STRANGER}
