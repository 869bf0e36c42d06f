from pathlib import Path

import pytest

from personsearch.errors import box_from_text
from personsearch.query import embedding, portrait, query, text, unlike, voice
from personsearch.v1 import modality_pb2, query_pb2


def test_a_portrait_is_read_from_bytes_or_a_path(tmp_path: Path) -> None:
    path = tmp_path / "face.jpg"
    path.write_bytes(b"picture")
    assert portrait(path) == portrait(str(path)) == portrait(b"picture")
    with pytest.raises(OSError, match="no-such"):
        portrait(tmp_path / "no-such.jpg")


def test_a_negative_part_needs_a_negative_weight() -> None:
    assert unlike("a" * 32, weight=-0.5).weight == -0.5
    with pytest.raises(ValueError, match="negative part"):
        unlike("a" * 32, weight=0.5)


def test_an_embedding_keeps_its_pack() -> None:
    part = embedding(modality_pb2.MODALITY_FACE, [0.0, 1.0], "d" * 64)
    assert part.embedding.pack_digest == "d" * 64
    assert list(part.embedding.vector) == [0.0, 1.0]


def test_a_query_expands_unless_told_otherwise() -> None:
    assert query([], gallery="g").expansion == query_pb2.EXPANSION_ASSOCIATIONS
    assert query([], gallery="g", expand=False).expansion == query_pb2.EXPANSION_NONE


def test_a_box_is_read_or_explained() -> None:
    assert box_from_text("0,0.25,0.5,1").y_min == 0.25
    with pytest.raises(ValueError, match="x_min,y_min"):
        box_from_text("0,1")


def test_a_voice_is_read_from_bytes_or_a_path_and_may_be_cut(tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    path.write_bytes(b"sound")
    assert voice(path) == voice(str(path)) == voice(b"sound")
    assert not voice(path).voice.HasField("span")
    cut = voice(b"sound", span_s=(1.5, 4.0), weight=-0.5)
    assert (cut.voice.span.start_s, cut.voice.span.end_s, cut.weight) == (1.5, 4.0, -0.5)
    with pytest.raises(OSError, match="no-such"):
        voice(tmp_path / "no-such.wav")


def test_a_task_is_left_to_the_service_unless_told() -> None:
    assert query([], gallery="g").task == query_pb2.TASK_UNSPECIFIED
    assert query([], gallery="g", task=query_pb2.TASK_SEEN_AND_HEARD).task == query_pb2.TASK_SEEN_AND_HEARD


def test_a_description_is_a_part() -> None:
    part = text("a woman in a red jacket", weight=-0.5)
    assert (part.WhichOneof("content"), part.text, part.weight) == ("text", "a woman in a red jacket", -0.5)
    assert not text("red").HasField("weight")
    for nothing in ("", " \t\n"):
        with pytest.raises(ValueError, match="nothing but spaces"):
            text(nothing)
