"""The steps against a stack that counts what it is asked."""

from collections.abc import Callable
from pathlib import Path

import pytest
from google.rpc import code_pb2

from evaluation.gallery.memory import IngestMemory
from evaluation.gallery.work import GALLERY, answer_memory, ask_all, forget, ingest_all
from evaluation.truth import Film, QueryFile
from personsearch.client import PersonSearchClient
from personsearch.errors import PersonSearchError
from personsearch.testing import FakeStack, Refusal
from personsearch.v1 import appearance_pb2, hit_pb2, ingest_service_pb2, person_search_service_pb2


def bar(step: str, done: float, total: float) -> None:
    assert 0 <= done <= total, step


def silent(line: str) -> None:
    """Nobody listens."""


def film(folder: Path, name: str) -> Film:
    (folder / f"{name}.jpg").write_bytes(name.encode())
    portrait = QueryFile(name, folder / f"{name}.jpg")
    return Film(name, folder / f"{name}.mp4", 200, 100, 25.0, 10.0, (), (portrait,), {})


class KnownVideos(dict[str, list[appearance_pb2.Appearance]]):
    """Every video has an appearance of its own name."""

    def __contains__(self, video_id: object) -> bool:
        return True

    def __getitem__(self, video_id: str) -> list[appearance_pb2.Appearance]:
        return [appearance_pb2.Appearance(appearance_id=video_id)]


@pytest.fixture
def count() -> Callable[[FakeStack, type], int]:
    return lambda stack, kind: sum(isinstance(request, kind) for request in stack.requests)


async def test_a_run_that_was_cut_off_goes_on(tmp_path: Path, count: Callable[[FakeStack, type], int]) -> None:
    films = [film(tmp_path, "one"), film(tmp_path, "two")]
    with FakeStack() as stack:
        stack.appearances = KnownVideos()
        stack.answer_with(hit_pb2.Hit(appearance=appearance_pb2.Appearance(appearance_id="1"), score=0.5))
        async with PersonSearchClient(stack.address, stack.address) as client:

            async def run() -> tuple[list[str], list[float]]:
                memory = IngestMemory(tmp_path / "answers" / "ingest.json")
                ingested, appearances = await ingest_all(client, films, memory, bar, silent)
                assert [len(appearances[one.video_id]) for one in ingested] == [1, 1]
                answers = await ask_all(client, films, answer_memory(tmp_path / "answers", ingested, "pack"), bar)
                return [one.video_id for one in ingested], [answer.hits[0].score for answer in answers]

            stack.refusals["Search"] = Refusal(code_pb2.UNAVAILABLE, "BACKEND_UNAVAILABLE", "gone")
            with pytest.raises(PersonSearchError):
                await run()
            watched = count(stack, ingest_service_pb2.WatchIngestRequest)
            del stack.refusals["Search"]
            first = await run()
            assert count(stack, ingest_service_pb2.WatchIngestRequest) == watched, "both were ready"
            asked = count(stack, person_search_service_pb2.SearchRequest)
            assert asked == 1 + 4
            assert await run() == first
            assert count(stack, person_search_service_pb2.SearchRequest) == asked, "all was asked"
            assert first[1] == [0.5] * 4


async def test_videos_of_other_films_leave_the_gallery(tmp_path: Path) -> None:
    with FakeStack() as stack:
        stack.appearances = KnownVideos()
        async with PersonSearchClient(stack.address, stack.address) as client:
            memory, said = IngestMemory(tmp_path / "ingest.json"), []
            (old,), _ = await ingest_all(client, [film(tmp_path, "old")], memory, bar, said.append)
            assert memory.wall_s(old.video_id) is not None
            (new,), _ = await ingest_all(client, [film(tmp_path, "new")], memory, bar, said.append)
            assert set(stack.galleries[GALLERY]) == {new.video_id}
            assert "old.mp4" in said[-1]
            await forget(client)
            assert GALLERY not in stack.galleries
            await forget(client)
