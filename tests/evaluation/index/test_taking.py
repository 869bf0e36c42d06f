"""Films are taken in, asked for and read back once: against a stack that counts what it is asked."""

from pathlib import Path

import numpy as np
import pytest

from evaluation.datasets.store import read_search
from evaluation.datasets.tracklets import CastSearch, ModalityRows, Tracklets
from evaluation.index import taking
from evaluation.index.taking import take_in
from evaluation.stack import Stack
from evaluation.truth import Film, QueryFile
from packs.spec import Modality
from personsearch.testing import FakeStack
from personsearch.v1 import appearance_pb2, gallery_service_pb2, hit_pb2, person_search_service_pb2
from services.runtime.settings import StackSettings
from services.supervisor.state import Endpoints

LEFT = (0.0, 0.0, 50.0, 100.0)


def bar(step: str, done: float, total: float) -> None:
    assert 0 <= done <= total, step


class KnownVideos(dict[str, list[appearance_pb2.Appearance]]):
    """Every video has the same appearances."""

    def __init__(self, appearances: list[appearance_pb2.Appearance]) -> None:
        super().__init__()
        self.appearances = appearances

    def __contains__(self, video_id: object) -> bool:
        return True

    def __getitem__(self, video_id: str) -> list[appearance_pb2.Appearance]:
        return self.appearances


async def test_what_is_there_is_not_made_again(
    truth, line, appearance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "q.jpg").write_bytes(b"q")
    query = QueryFile("a", tmp_path / "q.jpg")
    spoken = (line("l", 0.5, 1.5, tracklet="a1"),)
    attributes = {"a": {"sex": "male"}}
    tracklets = (truth("a1", 0, 50, LEFT, face=(0.0, 0.0, 40.0, 40.0)),)
    film = Film("f", tmp_path / "f.mp4", 200, 100, 25.0, 10.0, tracklets, (query,), attributes, spoken)
    rows = Tracklets.of(["1"], ["f"], ["a"], {Modality.FACE: ModalityRows.of(np.ones((1, 4)))})
    read_backs = []

    async def gathered(*rest: object) -> tuple[CastSearch, dict]:
        read_backs.append(rest)
        return CastSearch("made", rows, rows), {"films": {}, "pack": {}}

    monkeypatch.setattr(taking, "gathered", gathered)
    with FakeStack() as fake:
        shown = [appearance("1", 0.0, 2.0, LEFT, (0.5, 1.5))]
        fake.appearances = KnownVideos(shown)
        fake.answer_with(hit_pb2.Hit(appearance=shown[0], score=0.5))
        fields = dict.fromkeys(Endpoints.__dataclass_fields__, "")
        endpoints = Endpoints(**fields | {"search_address": fake.address, "ingest_address": fake.address})
        stack = Stack(endpoints, StackSettings(), own=False)

        async def run(*, again: bool = False) -> float | None:
            said: list[str] = []
            taken = await take_in([film], stack, tmp_path / "out", bar, said.append, encoders=False, again=again)
            return taken.report["portrait_map_all"]

        def asked(kind: type) -> int:
            return sum(isinstance(request, kind) for request in fake.requests)

        assert await run() == 1.0
        assert read_search(tmp_path / "out" / "appearances.npz")[0].name == "made"
        questions = asked(person_search_service_pb2.SearchRequest)
        assert await run() == 1.0
        assert (len(read_backs), asked(person_search_service_pb2.SearchRequest)) == (1, questions)
        # Another gallery is read back anew.
        shown.append(appearance("2", 3.0, 4.0, LEFT))
        await run()
        assert len(read_backs) == 2
        assert asked(gallery_service_pb2.DeleteGalleryRequest) == 0
        await run(again=True)
        assert (len(read_backs), asked(gallery_service_pb2.DeleteGalleryRequest)) == (3, 1)
