"""Which embeddings are compared with which, and what of them is written down."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluation.pairs import Pairs, described_pairs, link_pairs, write_pairs
from evaluation.truth_words import Description
from packs.spec import Modality
from personsearch.client import PersonSearchClient
from personsearch.testing import FakeStack
from personsearch.v1 import appearance_pb2, hit_pb2, modality_pb2, query_pb2
from services.backends.schemas import EmbeddingRow


def row(name: str, video: str, start_s: float, end_s: float, vector: tuple[float, float]) -> EmbeddingRow:
    return EmbeddingRow(name, "g", video, start_s, end_s, 1, 1.0, np.array(vector, np.float32))


ROWS = [
    row("a", "v", 0.0, 2.0, (1.0, 0.0)),
    row("b", "v", 1.0, 3.0, (0.0, 1.0)),
    row("c", "v", 70.0, 72.0, (1.0, 0.0)),
    row("d", "w", 0.0, 2.0, (0.6, 0.8)),
    row("stranger", "w", 5.0, 6.0, (1.0, 0.0)),
]
WHO = {"a": "x", "b": "y", "c": "x", "d": "x"}


def as_set(pairs: Pairs) -> list[tuple[float, bool]]:
    return sorted((round(float(c), 3), bool(s)) for c, s in zip(pairs.cosines, pairs.same, strict=True))


def test_faces_are_compared_everywhere_but_not_with_who_is_on_screen_at_the_same_time() -> None:
    # a-c, a-d, b-c, b-d, c-d; a and b overlap, nobody knows the stranger.
    assert as_set(link_pairs(ROWS, WHO, Modality.FACE)) == [
        (0.0, False),
        (0.6, True),
        (0.6, True),
        (0.8, False),
        (1.0, True),
    ]


def test_bodies_are_compared_only_within_a_video_and_the_window() -> None:
    near = [*ROWS, row("e", "v", 20.0, 21.0, (1.0, 0.0))]
    assert as_set(link_pairs(near, {**WHO, "e": "x"}, Modality.BODY)) == [(0.0, False), (1.0, True), (1.0, True)]


def test_nobody_known_gives_no_pairs() -> None:
    assert len(link_pairs(ROWS, {}, Modality.FACE).cosines) == 0


def test_a_file_holds_three_columns_of_each_kind(tmp_path: Path) -> None:
    path = tmp_path / "new" / "pairs.npz"
    write_pairs({(Modality.VOICE, "query"): link_pairs(ROWS, WHO, Modality.VOICE)}, path)
    with np.load(path) as content:
        assert set(content) == {"voice_query_cosine", "voice_query_same", "voice_query_quality"}
        assert content["voice_query_same"].sum() == pytest.approx(3)


async def test_descriptions_are_compared_with_who_is_dressed_so_and_with_others(truth) -> None:
    shown = {
        name: replace(truth(name, 0, 9, (0.0, 0.0, 9.0, 9.0), identity=name[0]), dress=f"{name[0]}/{dress}")
        for name, dress in (("a1", "red"), ("a2", "blue"), ("b1", "red"))
    }

    def hit(name: str, cosine: float) -> hit_pb2.Hit:
        step = hit_pb2.EvidenceStep(part_index=0, modality=modality_pb2.MODALITY_TEXT, cosine=cosine)
        return hit_pb2.Hit(appearance=appearance_pb2.Appearance(appearance_id=name), score=0.5, evidence=[step])

    said = [Description("a", "a/red", "a woman in red", "full", "in-and", False)]
    with FakeStack() as stack:
        stack.answer_with(hit("a1", 0.75), hit("a2", 0.5), hit("b1", 0.25), hit("nobody", 0.0))
        async with PersonSearchClient(stack.address, stack.address) as client:
            pairs = await described_pairs(client, "town", said, shown)
        sent = stack.requests[0].query
    assert [part.text for part in sent.parts] == ["a woman in red"]
    assert sent.expansion == query_pb2.EXPANSION_NONE
    assert as_set(pairs) == [(0.25, False), (0.75, True)]
    assert pairs.qualities.tolist() == [1.0, 1.0]
