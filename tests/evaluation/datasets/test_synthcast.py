"""What is read back of films, from a fake index and the product's own messages."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluation.asking import IngestedFilm
from evaluation.datasets import synthcast
from evaluation.datasets.queries import read_portraits, read_voices
from evaluation.datasets.synthcast import joined, read_back, tracklets_of_film
from evaluation.datasets.tracklets import Tracklets
from evaluation.truth import Film, QueryFile, TruthTracklet
from evaluation.truth_speech import TruthSpeech
from packs.manifest import Pack
from packs.spec import Modality
from personsearch.v1 import appearance_pb2
from services.backends.index.fake import FakeIndex
from services.backends.inference.local import LocalInferenceBackend
from services.backends.schemas import EmbeddingRow

Make = Callable[..., appearance_pb2.Appearance]
BOX = (10.0, 10.0, 50.0, 90.0)


@pytest.fixture
def film(truth: Callable[..., TruthTracklet], line: Callable[..., TruthSpeech], tmp_path: Path) -> Film:
    shown = truth("f/t1", 0, 50, BOX, identity="a"), truth("f/t2", 100, 150, BOX, identity="b", face_visible=False)
    spoken = line("f/s1", 0.5, 1.5, identity="a", tracklet="f/t1"), line("f/s2", 8.0, 9.0, identity="b")
    portrait = QueryFile("a", tmp_path / "portrait.png")
    portrait.path.write_bytes(b"no picture")
    facts = {"a": {"sex": "female"}, "b": {"sex": "male"}}
    return Film("f", tmp_path / "film.mp4", 200, 100, 25.0, 10.0, shown, (portrait,), facts, spoken)


@pytest.fixture
def appearances(appearance: Make) -> list[appearance_pb2.Appearance]:
    talks = appearance("talks", 0.0, 2.0, BOX, (0.5, 1.5))
    talks.speech[0].confidence = 0.75
    return [
        appearance("speech", 8.0, 9.0),
        appearance("silent", 4.0, 6.0, BOX),
        talks,
        appearance("ghost", 7, 7.5, BOX),
    ]


def row(name: str, values: list[float], start_s: float = 0.0) -> EmbeddingRow:
    vector = np.array(values, np.float32)
    return EmbeddingRow(name, "g", "v", start_s, start_s + 1.0, 1, 0.5, vector / np.linalg.norm(vector))


ROWS = {
    Modality.FACE: [row("talks", [1.0, 0.0]), row("left over", [0.0, 1.0])],
    Modality.VOICE: [row("talks", [1.0, 1.0, 0.0]), row("speech", [0.0, 1.0, 0.0], 8.0)],
    Modality.BODY: [],
}


def test_what_the_truth_says_of_each_appearance(film: Film, appearances: list[appearance_pb2.Appearance]) -> None:
    found = tracklets_of_film(film, appearances, ROWS)
    assert found.ids == ("talks", "silent", "ghost", "speech")
    assert found.identities == ("a", "b", None, "b")
    assert found.on_screen.tolist() == [True, True, True, False]
    assert found.face_visible.tolist() == [True, False, False, False]
    assert found.speaks.tolist() == [True, False, False, True]
    assert found.speaker.tolist() == [0.75, 1.0, 1.0, 1.0]
    assert found.present(Modality.FACE).tolist() == [True, False, False, False]
    assert found.present(Modality.VOICE).tolist() == [True, False, False, True]
    assert found.rows[Modality.FACE].quality.tolist() == [0.5, 0.0, 0.0, 0.0]
    assert Modality.BODY not in found.rows


def test_films_are_joined_with_what_some_lack(film: Film, appearances: list[appearance_pb2.Appearance]) -> None:
    one = tracklets_of_film(film, appearances, ROWS)
    bare = Tracklets.of(["x"], ["g"], ["a"], {})
    both = joined([one, bare])
    assert both.ids == (*one.ids, "x")
    assert both.present(Modality.VOICE).tolist() == [True, False, False, True, False]
    assert both.rows[Modality.VOICE].vectors.shape == (5, 3)


class Client:
    """Lists appearances, as the services do."""

    def __init__(self, appearances: list[appearance_pb2.Appearance]) -> None:
        self._appearances = appearances

    async def list_appearances(self, video_id: str, *, gallery: str) -> list[appearance_pb2.Appearance]:
        assert (video_id, gallery) == ("v", "g")
        return self._appearances


async def test_a_gallery_is_read_back_and_refused_files_ask_for_nobody(
    film: Film, appearances: list[appearance_pb2.Appearance]
) -> None:
    pack = Pack.load(Path(synthcast.__file__).parents[2] / "packs" / "demo")
    backend = LocalInferenceBackend(pack)
    index = FakeIndex()
    face_dim = pack.model_for(Modality.FACE).embedding_dim
    assert face_dim is not None
    await index.open({Modality.FACE: face_dim, Modality.VOICE: 3, Modality.BODY: 2})
    await index.put_embeddings(Modality.FACE, [row("talks", [1.0] * face_dim)])
    await index.put_embeddings(Modality.VOICE, ROWS[Modality.VOICE])
    try:
        client: object = Client(appearances)
        search = await read_back([IngestedFilm(film, "v", None)], client, index, "g", pack, backend)  # type: ignore[arg-type]
    finally:
        await backend.aclose()
    assert search.tracklets.identities == ("a", "b", None, "b")
    assert search.portraits.identities == ("a",)
    assert not search.portraits.present(Modality.FACE).any()
    assert search.voices is None
    assert search.attributes["a"] == {"sex": "female"}


def test_no_query_files_are_no_queries(film: Film) -> None:
    pack = Pack.load(Path(synthcast.__file__).parents[2] / "packs" / "demo")
    backend = LocalInferenceBackend(pack)
    silent = Film("f", film.path, 200, 100, 25.0, 10.0, (), (), {})
    assert len(asyncio.run(read_portraits([silent], pack, backend))) == 0
    assert asyncio.run(read_voices([silent], pack, backend)) is None
    asyncio.run(backend.aclose())
