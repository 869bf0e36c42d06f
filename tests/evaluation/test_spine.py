from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation.groups import group_means
from evaluation.protocols.spine import run_spine
from evaluation.truth import Film, Portrait, TruthTracklet
from personsearch.client import PersonSearchClient
from personsearch.testing import FakeStack
from personsearch.v1 import appearance_pb2, hit_pb2
from services.backends.schemas import Appearance, AppearanceKind, Box, KeyBox

LEFT, RIGHT = (0.0, 0.0, 50.0, 100.0), (100.0, 0.0, 150.0, 100.0)
WIDTH, HEIGHT = 200, 100


def appearance(name: str, video_id: str, start: int, end: int, box: tuple[float, ...]) -> Appearance:
    person = Box(box[0] / WIDTH, box[1] / HEIGHT, box[2] / WIDTH, box[3] / HEIGHT)
    return Appearance(
        name, "g", video_id, AppearanceKind.TRACKLET, start / 25, end / 25, 0, boxes=(KeyBox(start / 25, person),)
    )


def hit(name: str, score: float) -> hit_pb2.Hit:
    return hit_pb2.Hit(appearance=appearance_pb2.Appearance(appearance_id=name), score=score)


@pytest.fixture
def film(tmp_path: Path, truth: Callable[..., TruthTracklet]) -> Film:
    """Two people: a, seen twice (once without a face), and b."""
    portraits = []
    for identity in "ab":
        path = tmp_path / f"{identity}.jpg"
        path.write_bytes(b"jpeg")
        portraits.append(Portrait(identity, path))
    tracklets = (
        truth("a1", 0, 50, LEFT, identity="a"),
        truth("a2", 60, 90, LEFT, identity="a", face_visible=False),
        truth("b1", 0, 50, RIGHT, identity="b"),
    )
    attributes = {"a": {"sex": "female", "apparent_age": 30, "skin": 0.1}, "b": {"sex": "male"}}
    return Film("film", tmp_path / "film.mp4", WIDTH, HEIGHT, 25.0, 4.0, tracklets, tuple(portraits), attributes)


async def test_figures_come_out_as_counted_by_hand(film: Film) -> None:
    with FakeStack() as stack:
        # Every portrait gets the same answer: a1, b1, a2.
        stack.answer_with(hit("p1", 0.9), hit("p2", 0.6), hit("p3", 0.2))

        async def read(gallery: str) -> list[Appearance]:
            (video_id,) = stack.galleries[gallery]
            spans = [("p1", 0, 50, LEFT), ("p2", 0, 50, RIGHT), ("p3", 60, 90, LEFT)]
            return [appearance(name, video_id, start, end, box) for name, start, end, box in spans]

        async with PersonSearchClient(stack.address, stack.address) as client:
            result = await run_spine([film], client, read, lambda line: None)
        assert stack.galleries == {}
    headline = result.headline()
    assert headline["tracklet_recall"] == 1.0
    assert headline["identity_switch_rate"] == 0.0
    # a: a1 at rank 1 (a2 is not face-visible and ignored) = 1; b: b1 at rank 2 = 1/2.
    assert headline["portrait_map_face_visible"] == pytest.approx(0.75)
    # a: a1 at 1, a2 at 3 = (1 + 2/3) / 2; b: 1/2.
    assert headline["portrait_map_all"] == pytest.approx((5 / 6 + 1 / 2) / 2)
    assert result.everything.rank_1 == 0.5
    assert result.everything.precision_when_sure == 0.5
    assert result.everything.recall_when_sure == pytest.approx((1 / 2 + 1) / 2)
    assert result.verdicts()["portrait_map_all > portrait_map_all_face_only"] is False
    assert result.verdicts()["tracklet_recall >= 0.85"] is True


def test_groups_leave_out_what_is_not_known(film: Film) -> None:
    groups = group_means({"a": 1.0, "b": 0.5, "c": 0.0}, film.attributes)
    assert groups["sex"] == {"female": {"mean": 1.0, "identities": 1}, "male": {"mean": 0.5, "identities": 1}}
    assert groups["skin"] == {"light": {"mean": 1.0, "identities": 1}}
    assert groups["apparent_age"] == {"under 35": {"mean": 1.0, "identities": 1}}
