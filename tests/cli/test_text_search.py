"""`personsearch search --text`: what is sent, and what is said of words that are not known."""

import json
from pathlib import Path

import pytest
from google.rpc import code_pb2

from personsearch.testing import FakeStack, Refusal
from personsearch.v1 import appearance_pb2, geometry_pb2, hit_pb2, modality_pb2

ASKED = "a woman in a red jacket with glasses"


@pytest.fixture
def seen() -> hit_pb2.Hit:
    return hit_pb2.Hit(
        appearance=appearance_pb2.Appearance(
            appearance_id="a" * 32,
            video_id="c" * 32,
            kind=appearance_pb2.APPEARANCE_KIND_TRACKLET,
            span=geometry_pb2.Span(start_s=62.5, end_s=64.0),
        ),
        score=0.9,
        shares=[hit_pb2.ModalityShare(modality=modality_pb2.MODALITY_TEXT, share=1.0)],
        evidence=[
            hit_pb2.EvidenceStep(
                part_index=0, target_appearance_id="a" * 32, modality=modality_pb2.MODALITY_TEXT, probability=0.95
            )
        ],
    )


def test_descriptions_are_sent_beside_other_parts(run, stack: FakeStack, tmp_path: Path) -> None:
    picture = tmp_path / "portrait.jpg"
    picture.write_bytes(b"picture")
    result = run("search", "--text", ASKED, "--portrait", picture, "--not-text", "a man in blue")
    assert result.exit_code == 0
    parts = stack.requests[0].query.parts
    assert [part.WhichOneof("content") for part in parts] == ["portrait", "text", "text"]
    assert [part.text for part in parts[1:]] == [ASKED, "a man in blue"]
    assert [part.HasField("weight") for part in parts] == [False, False, True]
    assert parts[2].weight == -1.0


def test_hits_say_that_they_rest_on_text(run, stack: FakeStack, seen: hit_pb2.Hit) -> None:
    stack.answer_with(seen)
    shown = run("search", "--text", ASKED).stdout
    assert "text 100 %: part 1 -text 95 %-> here" in shown
    assert "Not known" not in shown
    told = json.loads(run("search", "-t", ASKED, "--json").stdout)
    assert told["hits"][0]["modalities"] == {"text": 1.0}
    assert told["text_readings"] == [{"part_index": 0, "unknown_words": []}]


def test_unknown_words_are_said(run, stack: FakeStack, seen: hit_pb2.Hit) -> None:
    stack.answer_with(seen)
    stack.unknown_words = ("tweed", "crimson")
    asked = ["--text", "a crimson jacket", "--text", "a tweed jacket with crimson dots"]
    shown = run("search", *asked).stdout
    assert "Not known to the pack, and left out: crimson, tweed." in shown
    told = json.loads(run("search", *asked, "--json").stdout)
    assert told["text_readings"] == [
        {"part_index": 0, "unknown_words": ["crimson"]},
        {"part_index": 1, "unknown_words": ["tweed", "crimson"]},
    ]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("UNSUPPORTED_MODALITY", "modality text: pack demo searches by face, body, voice and has no text pair"),
        ("NO_KNOWN_WORDS", "says nothing about looks that can be searched for"),
    ],
)
def test_refusals_are_one_line_and_an_exit_code(run, stack: FakeStack, reason: str, said: str) -> None:
    stack.refusals["Search"] = Refusal(code_pb2.INVALID_ARGUMENT, reason, said, {"part_index": "0"})
    result = run("search", "--text", "grmpf")
    assert result.exit_code == 1
    assert result.stderr.strip() == f"error: {said}"
    told = json.loads(run("search", "--text", "grmpf", "--json").stderr)
    assert (told["error"]["reason"], told["error"]["metadata"]) == (reason, {"part_index": "0"})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--text", "  "], "nothing but spaces"),
        (["--text", "red", "--not-text", ""], "nothing but spaces"),
        (["--not-text", "red"], "--text DESCRIPTION"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_sent(run, stack: FakeStack, arguments: list[str], said: str) -> None:
    result = run("search", *arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert stack.requests == []
