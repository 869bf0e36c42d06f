from pathlib import Path

import pytest
from google.rpc import code_pb2

from evaluation.asking import Question, ask, questions
from evaluation.truth import Film, QueryFile
from personsearch.client import PersonSearchClient
from personsearch.errors import PersonSearchError
from personsearch.testing import FakeStack, Refusal
from personsearch.v1 import appearance_pb2, hit_pb2, modality_pb2


@pytest.fixture
def clip(tmp_path: Path) -> QueryFile:
    (tmp_path / "clip.wav").write_bytes(b"sound")
    return QueryFile("a", tmp_path / "clip.wav")


def test_each_file_is_asked_with_and_without_expansion(clip: QueryFile) -> None:
    film = Film("film", Path("film.mp4"), 200, 100, 25.0, 4.0, (), (clip,), {}, (), (clip, clip))
    asked = questions([film])
    assert [(one.kind, one.expand) for one in asked] == [("portrait", True), ("portrait", False)] + [
        ("voice", True),
        ("voice", False),
    ] * 2


async def test_a_refused_file_is_an_answer_without_hits(clip: QueryFile) -> None:
    with FakeStack() as stack:
        stack.refusals["Search"] = Refusal(code_pb2.INVALID_ARGUMENT, "NO_SPEECH", "nothing was heard")
        async with PersonSearchClient(stack.address, stack.address) as client:
            answer = await ask(client, Question("voice", clip, expand=True), "g")
            assert (answer.hits, answer.refusal, answer.identity) == ((), "NO_SPEECH", "a")
            stack.refusals["Search"] = Refusal(code_pb2.UNAVAILABLE, "BACKEND_UNAVAILABLE", "gone")
            with pytest.raises(PersonSearchError, match="gone"):
                await ask(client, Question("voice", clip, expand=True), "g")


async def test_a_hit_says_which_modality_counted_most(clip: QueryFile) -> None:
    shares = [hit_pb2.ModalityShare(modality=modality_pb2.MODALITY_VOICE, share=0.9)]
    hit = hit_pb2.Hit(appearance=appearance_pb2.Appearance(appearance_id="1"), score=0.5, shares=shares)
    with FakeStack() as stack:
        stack.answer_with(hit, hit_pb2.Hit(appearance=appearance_pb2.Appearance(appearance_id="2"), score=0.25))
        async with PersonSearchClient(stack.address, stack.address) as client:
            answer = await ask(client, Question("voice", clip, expand=True), "g")
    assert [(one.appearance_id, one.score, one.modality) for one in answer.hits] == [
        ("1", 0.5, "voice"),
        ("2", 0.25, ""),
    ]
