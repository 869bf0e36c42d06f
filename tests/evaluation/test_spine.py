from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation.groups import group_cells, group_means
from evaluation.headline import headline, verdicts
from evaluation.protocols.spine import run_spine
from evaluation.truth import Film, QueryFile, TruthTracklet
from personsearch.client import PersonSearchClient
from personsearch.testing import FakeStack
from personsearch.v1 import appearance_pb2, hit_pb2, query_pb2

LEFT, RIGHT = (0.0, 0.0, 50.0, 100.0), (100.0, 0.0, 150.0, 100.0)
FACE_LEFT, FACE_RIGHT = (0.0, 0.0, 40.0, 40.0), (100.0, 0.0, 130.0, 30.0)


class EveryVideo(dict[str, list[appearance_pb2.Appearance]]):
    """The same appearances for whatever video is asked for."""

    def __init__(self, appearances: list[appearance_pb2.Appearance]) -> None:
        super().__init__()
        self._appearances = appearances

    def __contains__(self, video_id: object) -> bool:
        return True

    def __getitem__(self, video_id: str) -> list[appearance_pb2.Appearance]:
        return self._appearances


def hit(name: str, score: float) -> hit_pb2.Hit:
    return hit_pb2.Hit(appearance=appearance_pb2.Appearance(appearance_id=name), score=score)


def files(folder: Path, ending: str) -> tuple[QueryFile, ...]:
    for identity in "ab":
        (folder / f"{identity}.{ending}").write_bytes(ending.encode())
    return tuple(QueryFile(identity, folder / f"{identity}.{ending}") for identity in "ab")


@pytest.fixture
def film(tmp_path: Path, truth: Callable[..., TruthTracklet], line) -> Film:
    """Two people: a, seen twice (once without a face), speaks off screen; b, seen once, speaks on screen."""
    tracklets = (
        truth("a1", 0, 50, LEFT, identity="a", face=FACE_LEFT),
        truth("a2", 60, 90, LEFT, identity="a", face_visible=False),
        truth("b1", 0, 50, RIGHT, identity="b", face=FACE_RIGHT),
    )
    lines = (line("la", 2.5, 3.5, identity="a"), line("lb", 0.5, 1.7, identity="b", tracklet="b1"))
    attributes = {"a": {"sex": "female", "apparent_age": 30, "skin": 0.1}, "b": {"sex": "male"}}
    path, portraits, voices = tmp_path / "film.mp4", files(tmp_path, "jpg"), files(tmp_path, "wav")
    return Film("film", path, 200, 100, 25.0, 4.0, tracklets, portraits, attributes, lines, voices)


async def test_figures_come_out_as_counted_by_hand(film: Film, appearance) -> None:
    with FakeStack() as stack:
        # Every question gets the same answer.
        stack.answer_with(hit("p1", 0.9), hit("p2", 0.6), hit("p3", 0.2), hit("s1", 0.1))
        stack.appearances = EveryVideo(
            [
                appearance("p1", 0.0, 2.0, LEFT),
                appearance("p2", 0.0, 2.0, RIGHT, (0.5, 1.5)),
                appearance("p3", 2.4, 3.6, LEFT),
                appearance("s1", 2.5, 3.5),
            ]
        )
        async with PersonSearchClient(stack.address, stack.address) as client:
            result = await run_spine([film], client, lambda said: None)
        assert stack.galleries == {}
        asked = [request.query for request in stack.requests if hasattr(request, "query")]
    assert [(query.task, query.expansion) for query in asked] == [
        *[(query_pb2.TASK_SEEN, query_pb2.EXPANSION_ASSOCIATIONS), (query_pb2.TASK_SEEN, query_pb2.EXPANSION_NONE)] * 2,
        *[(query_pb2.TASK_HEARD, query_pb2.EXPANSION_ASSOCIATIONS), (query_pb2.TASK_HEARD, query_pb2.EXPANSION_NONE)]
        * 2,
    ]
    figures = headline(result)
    values = {name: figure.value for name, figure in figures.items() if figure is not None}
    assert values["tracklet_recall"] == 1.0
    assert values["identity_switch_rate"] == 0.0
    # a: a1 at rank 1 (a2 is not face-visible and ignored) = 1; b: b1 at rank 2 = 1/2.
    assert values["portrait_map_face_visible"] == pytest.approx(0.75)
    # a: a1 at 1, a2 at 3 = (1 + 2/3) / 2; b: 1/2.
    assert values["portrait_map_all"] == pytest.approx((5 / 6 + 1 / 2) / 2)
    assert values["portrait_map_gain"] == 0.0
    # a: la at rank 2, behind p2 (p1 and p3 are a's own); b: b1 at rank 2.
    assert values["voice_map"] == pytest.approx((1 / 2 + 1 / 2) / 2)
    # The one line with two faces is linked to b, whose face is the smaller.
    assert values["speech_link_accuracy"] == 1.0
    assert values["speech_link_accuracy_largest_face"] == 0.0
    # One appearance of a speaks, and la is second.
    assert values["off_screen_speech_recall"] == 0.0
    assert result.everything.rank_1 == 0.5
    assert result.everything.precision_when_sure == 0.5
    assert result.everything.recall_when_sure == pytest.approx((1 / 2 + 1) / 2)
    everything = result.everything
    for name, value in (("rank_1", 0.5), ("precision_at_0_5", 0.5), ("recall_at_0_5", everything.recall_when_sure)):
        figure = everything.side[name]
        assert figure.value == pytest.approx(value)
        assert (figure.count, figure.unit) == (2, "identities")
        assert figure.interval[0] <= figure.value <= figure.interval[1]
    assert 0.0 < everything.rank_1_chance < 1.0
    error = result.verdicts.estimate()
    assert error is not None
    assert error.value == pytest.approx(result.verdicts.error())
    assert result.verdicts.estimate(1.1) is None
    assert result.speech_count == 1
    held = verdicts(figures)
    assert held["tracklet_recall >= 0.9"] is True
    assert held["portrait_map_gain >= 0.05"] is False
    assert held["encoder.face <= 0.97"] is False, "what was not measured does not hold"


def alone(value: float) -> dict[str, float | int | None]:
    return {"mean": value, "low": value, "high": value, "identities": 1, "chance": None}


def test_groups_have_intervals_over_people_and_chance_beside_them() -> None:
    people = {name: {"sex": "female"} for name in "abcd"}
    facts = group_means({"a": 0.0, "b": 1.0, "c": 1.0, "d": 0.0}, people, {"a": 0.1, "b": 0.3})["sex"]["female"]
    assert facts["mean"] == 0.5
    assert 0.0 <= facts["low"] < 0.5 < facts["high"] <= 1.0
    assert facts["chance"] == pytest.approx(0.2)
    assert group_cells(facts) == (f"0.500 ({facts['low']:.3f} to {facts['high']:.3f})", "0.200", 4)


def test_groups_leave_out_what_is_not_known(film: Film) -> None:
    groups = group_means({"a": 1.0, "b": 0.5, "c": 0.0}, film.attributes)
    assert groups["sex"] == {"female": alone(1.0), "male": alone(0.5)}
    assert groups["skin"] == {"light": alone(1.0)}
    assert groups["apparent_age"] == {"under 35": alone(1.0)}
