import json
from pathlib import Path

import pytest
from google.rpc import code_pb2

from personsearch.testing import FakeStack, Refusal
from personsearch.v1 import (
    appearance_pb2,
    geometry_pb2,
    hit_pb2,
    modality_pb2,
    person_search_service_pb2,
    query_pb2,
    video_pb2,
)

SEED, FOUND, VIDEO = "a" * 32, "b" * 32, "c" * 32
TWO_FACES = Refusal(
    code_pb2.FAILED_PRECONDITION,
    "SEVERAL_FACES",
    "the portrait shows 2 faces",
    {"part_index": "0", "faces": "0.1,0.1,0.3,0.3;0.7,0.7,0.8,0.8"},
)


@pytest.fixture
def hit() -> hit_pb2.Hit:
    return hit_pb2.Hit(
        appearance=appearance_pb2.Appearance(
            appearance_id=FOUND,
            video_id=VIDEO,
            kind=appearance_pb2.APPEARANCE_KIND_TRACKLET,
            span=geometry_pb2.Span(start_s=62.5, end_s=69.0),
            key_frame_uri="file:///media/x.jpg",
            key_frame_s=64.0,
            speech=[appearance_pb2.SpeechSpan(span=geometry_pb2.Span(start_s=63.0, end_s=64.25), confidence=0.875)],
        ),
        score=0.871,
        shares=[
            hit_pb2.ModalityShare(modality=modality_pb2.MODALITY_FACE, share=0.75),
            hit_pb2.ModalityShare(modality=modality_pb2.MODALITY_BODY, share=0.25),
        ],
        evidence=[
            hit_pb2.EvidenceStep(
                part_index=0,
                target_appearance_id=SEED,
                modality=modality_pb2.MODALITY_FACE,
                cosine=0.8,
                probability=0.97,
            ),
            hit_pb2.EvidenceStep(
                source_appearance_id=SEED,
                target_appearance_id=FOUND,
                modality=modality_pb2.MODALITY_BODY,
                probability=0.9,
            ),
        ],
    )


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "face.jpg"
    path.write_bytes(b"jpeg")
    return path


def test_a_name_and_a_confirmed_step_are_shown(run, stack: FakeStack, hit: hit_pb2.Hit, picture: Path) -> None:
    hit.identity.identity_id, hit.identity.name = "e" * 32, "Anna [Müller]"
    hit.evidence[1].confirmed = True
    stack.answer_with(hit)
    shown = run("search", "--portrait", picture).stdout
    assert "Anna [Müller]" in shown
    assert "-confirmed-> here" in shown
    (viewed,) = json.loads(run("search", "--portrait", picture, "--json").stdout)["hits"]
    assert viewed["identity"] == {"identity_id": "e" * 32, "name": "Anna [Müller]"}
    assert [step["confirmed"] for step in viewed["evidence"]] == [False, True]


def test_json_is_exactly_what_is_promised(run, stack: FakeStack, hit: hit_pb2.Hit, picture: Path) -> None:
    stack.answer_with(hit)
    stack.degraded = [person_search_service_pb2.DEGRADATION_ASSOCIATIONS]
    result = run("search", "--portrait", picture, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "task": "seen",
        "voice_speech_s": [],
        "text_readings": [],
        "hits": [
            {
                "appearance_id": FOUND,
                "kind": "tracklet",
                "video_id": VIDEO,
                "start_s": 62.5,
                "end_s": 69.0,
                "score": 0.871,
                "modalities": {"face": 0.75, "body": 0.25},
                "speech": [{"start_s": 63.0, "end_s": 64.25, "confidence": 0.875}],
                "identity": None,
                "evidence": [
                    {
                        "part_index": 0,
                        "source_appearance_id": None,
                        "target_appearance_id": SEED,
                        "modality": "face",
                        "cosine": 0.8,
                        "probability": 0.97,
                        "confirmed": False,
                    },
                    {
                        "part_index": None,
                        "source_appearance_id": SEED,
                        "target_appearance_id": FOUND,
                        "modality": "body",
                        "cosine": None,
                        "probability": 0.9,
                        "confirmed": False,
                    },
                ],
                "media": {"key_frame_uri": "file:///media/x.jpg", "key_frame_s": 64.0},
            }
        ],
        "degraded": ["associations"],
    }


def test_people_read_a_table_with_times_shares_and_the_chain(
    run, stack: FakeStack, hit: hit_pb2.Hit, picture: Path
) -> None:
    stack.answer_with(hit)
    stack.degraded = [person_search_service_pb2.DEGRADATION_INDEX_LOADING]
    stack.galleries["default"] = {VIDEO: video_pb2.Video(video_id=VIDEO, source_uri="file:///films/a%20b.mp4")}
    result = run("search", "--portrait", picture)
    assert result.exit_code == 0
    for words in ("1:02-1:09", "a b.mp4", "87 %", "face 75 %, body 25 %", "part 1 -face 97 %-> aaaaaaaa", FOUND):
        assert words in result.stdout
    assert "still loading" in result.stdout


def test_unlikely_hits_do_not_drown_the_likely_ones(run, stack: FakeStack, hit: hit_pb2.Hit) -> None:
    unlikely = [hit_pb2.Hit() for _ in range(9)]
    for copy in unlikely:
        copy.CopyFrom(hit)
        copy.score = 0.2
    stack.answer_with(hit, *unlikely)
    told = run("search", "--like", SEED).stdout
    assert told.count("20 %") == 5
    assert "and 4 less likely ones" in told


def test_options_reach_the_service(run, stack: FakeStack, picture: Path) -> None:
    arguments = ["--portrait", picture, "--like", SEED, "--not-like", FOUND, "--gallery", "town", "--video", VIDEO]
    arguments += ["--from", "1:00", "--min-score", "0.25", "--top-k", "7", "--no-expand", "--face", "0,0,0.5,0.5"]
    assert run("search", *arguments).exit_code == 0
    request = next(
        request for request in stack.requests if isinstance(request, person_search_service_pb2.SearchRequest)
    )
    assert request.top_k == 7
    assert list(request.query.filter.video_ids) == [VIDEO]
    assert request.query.filter.gallery == "town"
    assert request.query.filter.time_range.start_s == 60.0
    assert request.query.filter.min_score == 0.25
    assert request.query.expansion == query_pb2.EXPANSION_NONE
    assert [part.WhichOneof("content") for part in request.query.parts] == [
        "portrait",
        "appearance_id",
        "appearance_id",
    ]
    assert request.query.parts[2].weight == -1
    assert request.query.parts[0].portrait.face.x_max == 0.5


def test_nobody_found_is_not_an_error(run, picture: Path) -> None:
    result = run("search", "--portrait", picture)
    assert result.exit_code == 0
    assert "Nobody" in result.stdout


def test_several_faces_are_listed_with_how_to_pick_one(run, stack: FakeStack, picture: Path) -> None:
    stack.refusals["Search"] = TWO_FACES
    result = run("search", "--portrait", picture)
    assert result.exit_code == 4
    assert "--face 1" in result.stderr
    assert "upper left" in result.stderr
    assert "lower right" in result.stderr


def test_several_faces_as_json(run, stack: FakeStack, picture: Path) -> None:
    stack.refusals["Search"] = TWO_FACES
    result = run("search", "--portrait", picture, "--json")
    assert result.exit_code == 4
    assert result.stdout == ""
    error = json.loads(result.stderr)["error"]
    assert error["reason"] == "SEVERAL_FACES"
    assert error["faces"] == [[0.1, 0.1, 0.3, 0.3], [0.7, 0.7, 0.8, 0.8]]


def test_a_face_by_its_number_is_asked_for_again_by_its_box(run, stack: FakeStack, picture: Path) -> None:
    stack.refusals["Search"] = TWO_FACES
    run("search", "--portrait", picture, "--face", "2")
    first, second = (request.query.parts[0].portrait for request in stack.requests)
    assert not first.HasField("face")
    assert round(second.face.x_min, 3) == 0.7
    result = run("search", "--portrait", picture, "--face", "3")
    assert result.exit_code == 4
    assert "shows 2" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--not-like", FOUND],
        ["--like", SEED, "--face", "1"],
        ["--like", SEED, "--from", "x"],
        ["--like", SEED, "--from", "9", "--to", "3"],
        ["--portrait", "/no/such/file.jpg"],
        ["--like", SEED, "--top-k", "0"],
    ],
)
def test_wrong_usage_exits_with_2_and_asks_nothing(run, stack: FakeStack, arguments: list[str]) -> None:
    assert run("search", *arguments).exit_code == 2
    assert stack.requests == []


@pytest.mark.parametrize("face", ["0", "a", "1,2,3"])
def test_a_face_that_cannot_be_read_is_wrong_usage(run, picture: Path, face: str) -> None:
    assert run("search", "--portrait", picture, "--face", face).exit_code == 2


def test_a_refusal_is_one_line_with_the_field(run, stack: FakeStack) -> None:
    stack.refusals["Search"] = Refusal(
        code_pb2.INVALID_ARGUMENT, "INVALID_FIELD", "1 field is wrong", violations={"query.parts": "too many"}
    )
    result = run("search", "--like", SEED)
    assert result.exit_code == 1
    assert result.stderr == "error: 1 field is wrong (query.parts: too many)\n"


def test_without_a_stack_it_says_how_to_start_one(run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PERSONSEARCH_SEARCH__ADDRESS")
    monkeypatch.setenv("PERSONSEARCH_STATE_DIR", str(tmp_path))
    result = run("search", "--like", SEED)
    assert result.exit_code == 3
    assert "personsearch up" in result.stderr


def test_a_silent_address_exits_with_3(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSONSEARCH_SEARCH__ADDRESS", "127.0.0.1:1")
    assert run("search", "--like", SEED).exit_code == 3


def test_a_track_is_listed_in_order(run, stack: FakeStack, hit: hit_pb2.Hit) -> None:
    stack.answer_with(hit)
    result = run("track", FOUND)
    assert result.exit_code == 0
    assert "1:02-1:09" in result.stdout
    view = json.loads(run("track", FOUND, "--json").stdout)
    assert view["spans"][0]["hits"][0]["appearance_id"] == FOUND
    assert view["degraded"] == []
