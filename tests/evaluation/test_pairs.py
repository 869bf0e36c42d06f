"""Which embeddings are compared with which, and what of them is written down."""

from pathlib import Path

import numpy as np
import pytest

from evaluation.pairs import Pairs, link_pairs, write_pairs
from packs.spec import Modality
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
