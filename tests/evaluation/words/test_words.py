"""Descriptions asked of films: what is right, by which group, beside colours and chance."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from google.rpc import code_pb2
from typer.testing import CliRunner

from evaluation.cli import app
from evaluation.metrics.ranking import RankedHit
from evaluation.naive import BagOfWords, colour_histogram, fit_bag_of_words, write_bag
from evaluation.predictions import PredictedTracklet
from evaluation.truth import Film, TruthTracklet
from evaluation.truth_words import Description, descriptions_from_truth, dress_of
from evaluation.words.baseline import colours_of, rank_by_colours
from evaluation.words.figures import Ranking, chance_figures, figures_of, group_of, groups_of
from evaluation.words.protocol import report_of_words, run_words, table_of
from packs.testing import write_tiny_pack
from packs.words import build_vocabulary, words_of
from personsearch.client import PersonSearchClient
from personsearch.errors import PersonSearchError
from personsearch.testing import FakeStack, Refusal
from personsearch.v1 import appearance_pb2, hit_pb2

LEFT, RIGHT = (10.0, 10.0, 60.0, 90.0), (120.0, 10.0, 170.0, 90.0)
RED, BLUE = (220, 30, 30), (40, 40, 230)
KNOWN = frozenset({"a", "woman", "in", "red", "blue"})


def said(text: str, identity: str = "a", dress: str = "", **changes: object) -> Description:
    made = Description(identity, dress or f"{identity}/o1", text, "full", "in-and", False)
    return replace(made, **changes)


def test_descriptions_of_a_film_are_typed_ones_alone() -> None:
    raw = {
        "kind": "text", "identity_id": "c1-i0", "outfit_id": "o5", "scene_id": "scene00", "path": None,
        "text": "a man in red", "description_kind": "partial", "template": "the-one", "held_out": True,
    }  # fmt: skip
    portrait = {"kind": "portrait", "identity_id": "c1-i0", "path": "queries/x.jpg"}
    of_no_clothes = {"kind": "text", "identity_id": "c1-i0", "path": None, "text": "a woman"}
    (one,) = descriptions_from_truth("cast1", [portrait, {**raw, "kind": "spoken"}, of_no_clothes, raw])
    assert one == Description("cast1/c1-i0", "cast1/c1-i0/o5", "a man in red", "partial", "the-one", True)
    assert one.dress == dress_of("cast1", raw)


@pytest.mark.parametrize(
    ("text", "template", "held_out", "group"),
    [
        ("a woman in red", "in-and", False, "seen"),
        ("a woman in crimson", "in-and", False, "seen"),
        ("a woman in red", "looking-for", True, "held_out_template"),
        ("a woman, in crimson", "in-and", True, "held_out_words"),
        ("a woman in crimson", "looking-for", True, "held_out_both"),
        ("a woman, in red", "in-and", True, "held_out_other"),
    ],
)
def test_descriptions_are_grouped_by_what_is_held_out(text: str, template: str, held_out: bool, group: str) -> None:
    one = said(text, template=template, held_out=held_out)
    assert group_of(one, KNOWN, words_of) == group
    found = groups_of([one], KNOWN, words_of)
    assert set(found) == {"all", group, *(["seen_full"] if group == "seen" else [])}


@pytest.fixture
def shown(truth: Callable[..., TruthTracklet]) -> dict[str, TruthTracklet]:
    """a in o1 twice, in o2 once; b in o1 once."""
    one = {name: truth(name, 0, 50, LEFT, identity=name[0]) for name in ("a1", "a2", "a3", "b1")}
    dress = {"a1": "a/o1", "a2": "a/o1", "a3": "a/o2", "b1": "b/o1"}
    return {f"p{name}": replace(tracklet, dress=dress[name]) for name, tracklet in one.items()}


WANTED = {"a/o1": {"a1", "a2"}, "a/o2": {"a3"}, "b/o1": {"b1"}, "a": {"a1", "a2", "a3"}, "b": {"b1"}}


def ranking(asked: Description, *names: str) -> Ranking:
    return Ranking(asked, tuple(RankedHit(name, 1.0 - place / 100) for place, name in enumerate(names)))


def test_figures_come_out_as_counted_by_hand(shown) -> None:
    rankings = [
        # Other clothes of the same person count neither way, a stranger is wrong: right, wrong, right.
        ranking(said("x", "a"), "pa3", "pa1", "nobody", "pa2"),
        # Refused: nothing found.
        ranking(said("y", "a")),
        # Wrong ten times, then right.
        ranking(said("z", "b"), *(f"nobody{n}" for n in range(10)), "pb1"),
    ]
    found = figures_of(rankings, WANTED, shown, lambda one: one.dress)
    assert found is not None
    assert found.queries == 3
    assert found.rank_1.value == pytest.approx(np.mean([0.5, 0.0]))
    assert found.rank_10.value == pytest.approx(np.mean([0.5, 0.0]))
    precision = (1.0 + 2.0 / 3.0) / 2.0
    assert found.mean_average_precision.value == pytest.approx(np.mean([precision / 2.0, 1.0 / 11.0]))
    assert (found.rank_1.count, found.rank_1.unit) == (2, "identities")
    told = found.as_json()
    assert (told["queries"], told["identities"], told["rank1"]["value"]) == (3, 2, found.rank_1.value)
    low, high = told["map"]["interval"]
    assert low <= found.mean_average_precision.value <= high
    # In any clothes, the first hit is right.
    anyhow = figures_of(rankings[:1], WANTED, shown, lambda one: one.identity)
    assert anyhow is not None
    assert anyhow.mean_average_precision.value == pytest.approx((1.0 + 1.0 + 3.0 / 4.0) / 3.0)


def test_who_is_nowhere_seen_is_not_asked_for(shown) -> None:
    assert figures_of([ranking(said("x", "c"), "pa1")], WANTED, shown, lambda one: one.dress) is None
    assert chance_figures([said("x", "c")], WANTED, 9, lambda one: one.dress) is None


def test_chance_is_the_mean_over_all_orders() -> None:
    right = [1, 1, 0, 0, 0]
    orders = list(itertools.permutations(right))
    found = chance_figures([said("x")], {"a/o1": {"k1", "k2"}}, 5, lambda one: one.dress)
    assert found is not None
    assert found["rank1"] == pytest.approx(np.mean([order[0] for order in orders]))
    assert found["rank10"] == 1.0
    precisions = [
        np.mean([sum(order[: place + 1]) / (place + 1) for place in range(5) if order[place]]) for order in orders
    ]
    assert found["map"] == pytest.approx(np.mean(precisions))
    many = chance_figures([said("x")], {"a/o1": {"k1", "k2"}}, 12, lambda one: one.dress)
    assert many is not None
    assert many["rank10"] == pytest.approx(1.0 - 1.0 / 66.0)


@pytest.fixture(scope="module")
def film_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two coloured people who stand still for two seconds."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    picture = np.full((100, 200, 3), 90, np.uint8)
    for (x0, y0, x1, y1), colour in ((LEFT, RED), (RIGHT, BLUE)):
        picture[int(y0) : int(y1), int(x0) : int(x1)] = colour
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 200, 100, "yuv420p"
        for _ in range(50):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def bag() -> BagOfWords:
    """Taught on plain bodies of both colours."""
    crops = np.stack([np.full((128, 64, 3), colour, np.uint8) for colour in (RED, BLUE) for _ in range(3)])
    texts = [["a woman in red", "the red one"]] * 3 + [["a woman in blue", "the blue one"]] * 3
    return fit_bag_of_words(
        colour_histogram(crops), texts, build_vocabulary((t for row in texts for t in row), most=50), ridge=0.1
    )


@pytest.fixture
def film(film_file: Path, truth: Callable[..., TruthTracklet]) -> Film:
    people = [("a", LEFT, "a/o1"), ("b", RIGHT, "b/o1")]
    tracklets = tuple(replace(truth(f"{who}1", 0, 50, box, identity=who), dress=dress) for who, box, dress in people)
    asked = (
        said("a woman in red", "a"),
        said("the blue one", "b", kind="partial"),
        said("a woman in crimson", "a", held_out=True),
    )
    return Film("film", film_file, 200, 100, 25.0, 2.0, tracklets, (), {}, descriptions=asked)


def test_colours_rank_the_same_appearances(film: Film, bag: BagOfWords, predicted) -> None:
    tracklets = [
        predicted("p-red", 0, 50, LEFT),
        predicted("p-blue", 0, 50, RIGHT),
        # Outside of the picture there is nothing to look at.
        PredictedTracklet("p-out", predicted("x", 0, 50, (300.0, 10.0, 350.0, 90.0)).tube),
    ]
    colours = colours_of(film, tracklets)
    assert set(colours) == {"p-red", "p-blue"}
    assert np.linalg.norm(colours["p-red"]) == pytest.approx(1.0, abs=1e-5)
    red, blue, _ = rank_by_colours(bag, colours, film.descriptions)
    assert [hit.appearance_id for hit in red.hits] == ["p-red", "p-blue"]
    assert [hit.appearance_id for hit in blue.hits] == ["p-blue", "p-red"]
    assert rank_by_colours(bag, {}, film.descriptions)[0].hits == ()


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


async def test_the_protocol_asks_and_compares(film: Film, bag: BagOfWords, appearance) -> None:
    with FakeStack() as stack:
        # Every description gets the same answer.
        stack.answer_with(hit("p1", 0.9), hit("p2", 0.2))
        stack.unknown_words = ("crimson",)
        stack.appearances = EveryVideo([appearance("p1", 0.0, 2.0, LEFT), appearance("p2", 0.0, 2.0, RIGHT)])
        async with PersonSearchClient(stack.address, stack.address) as client:
            gallery, asked = await run_words([film], client, bag, lambda line: None)
        sent = [request.query for request in stack.requests if hasattr(request, "query")]
        assert [part.text for query in sent[:2] for part in query.parts] == ["a woman in red"] * 2
        assert len({query.expansion for query in sent[:2]}) == 2
        assert stack.galleries == {}
    report = json.loads(json.dumps(report_of_words(gallery, asked, bag)))
    assert (report["appearances"], report["descriptions"], report["with_unknown_words"]) == (2, 3, 1)
    assert set(report["groups"]) == {"all", "seen", "seen_full", "seen_partial", "held_out_words"}
    seen = report["groups"]["seen"]
    # The first hit is always a: right for a, and second for b.
    assert seen["text"]["rank1"]["value"] == 0.5
    assert seen["text"]["rank10"]["value"] == 1.0
    assert seen["text"]["map"]["value"] == pytest.approx(0.75)
    assert seen["bag_of_words"]["map"]["value"] == 1.0
    assert seen["chance"] == {"rank1": 0.5, "rank10": 1.0, "map": pytest.approx(0.75)}
    page = table_of(report)
    assert "| seen | text | 0.500 | 1.000 | 0.750 |" in page
    assert "| held out words | bag of words |" in page


async def test_refusals_of_a_sentence_are_counted_and_others_raised(film: Film, bag: BagOfWords, appearance) -> None:
    with FakeStack() as stack:
        stack.appearances = EveryVideo([appearance("p1", 0.0, 2.0, LEFT)])
        stack.refusals["Search"] = Refusal(code_pb2.INVALID_ARGUMENT, "NO_KNOWN_WORDS", "nothing known")
        async with PersonSearchClient(stack.address, stack.address) as client:
            gallery, asked = await run_words([film], client, bag, lambda line: None)
            report = report_of_words(gallery, asked, bag)
            assert report["refused"] == {"NO_KNOWN_WORDS": 3}
            assert report["groups"]["all"]["text"]["map"]["value"] == 0.0
            stack.refusals["Search"] = Refusal(code_pb2.INVALID_ARGUMENT, "UNSUPPORTED_MODALITY", "no text pair")
            with pytest.raises(PersonSearchError, match="no text pair"):
                await run_words([film], client, bag, lambda line: None)
        assert stack.galleries == {}


def test_the_command_wants_a_bag_and_a_pack_that_reads(tmp_path: Path, bag: BagOfWords) -> None:
    films, path = tmp_path / "film", tmp_path / "bag.npz"
    films.mkdir()
    truth = {"schema": "synthcast/2", "film": {"cast_seed": 1, "fps": 25, "width": 2, "height": 2, "duration_s": 1.0}}
    (films / "truth.json").write_text(json.dumps({**truth, "tracklets": [], "queries": [], "identities": []}))
    pack = tmp_path / "pack"
    pack.mkdir()
    write_tiny_pack(pack)
    common = ["words", "--films", str(films), "--json", str(tmp_path / "out.json"), "--pack", str(pack)]
    absent = CliRunner().invoke(app, [*common, "--bag", str(path)])
    assert (absent.exit_code, "no bag of words at" in absent.output) == (2, True)
    write_bag(path, bag)
    mute = CliRunner().invoke(app, [*common, "--bag", str(path)])
    assert (mute.exit_code, "has no calibrated text pair: give one that has with --pack" in mute.output) == (2, True)
    assert not (tmp_path / "out.json").exists()
