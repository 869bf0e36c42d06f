"""What scores mean: a map for each kind of question, of the pack that they were fitted for."""

import numpy as np
import pytest

from packs.log_odds import KNOTS, LogOddsMap
from packs.manifest import Pack
from packs.spec import Modality
from services.runtime.settings import default_pack_dir
from services.search.answering import kind_of, settled
from services.search.parts import ReadPart
from services.search.query import Portrait, Query, QueryPart, Task
from services.search.retrieved import QueryVector
from services.search.settings import DEFAULT_ANSWERS, SearchSettings

LOWER = LogOddsMap(values=tuple(knot - 1.0 for knot in KNOTS))


def part(*modalities: Modality, hit: str | None = None) -> ReadPart:
    vectors = tuple(QueryVector(0, modality, 1.0, np.ones(1, np.float32)) for modality in modalities)
    return ReadPart(0, 1.0, vectors, appearance_id=hit)


@pytest.mark.parametrize(
    ("task", "parts", "kind"),
    [
        (Task.SEEN, [part(Modality.FACE)], "seen.portrait"),
        (Task.PRESENT, [part(Modality.FACE)], "seen.portrait"),
        (Task.HEARD, [part(Modality.VOICE)], "heard.voice"),
        (Task.SEEN_AND_HEARD, [part(Modality.VOICE), part(Modality.FACE)], "seen_and_heard.portrait"),
        (Task.SEEN, [part(Modality.FACE), part(Modality.BODY, hit="a")], "seen.hit"),
        (Task.SEEN, [part(Modality.TEXT)], "seen.text"),
        (Task.SEEN, [part(Modality.BODY)], "seen.looks"),
    ],
)
def test_the_strongest_thing_that_is_known_names_the_kind(task: Task, parts: list[ReadPart], kind: str) -> None:
    assert kind_of(task, parts) == kind


def test_scores_keep_their_order_and_what_is_certain_stays() -> None:
    scores = {"a": 1.0, "b": 0.7, "c": 0.2, "d": 0.0}
    found = settled(scores, LOWER)
    assert list(found) == list(scores)
    assert (found["a"], found["d"]) == (1.0, 0.0)
    assert 0.7 > found["b"] > found["c"] > 0.0
    assert settled(scores, None) == scores


def test_the_maps_that_are_built_in_are_of_the_demo_pack() -> None:
    digest = Pack.load(default_pack_dir()).digest
    assert SearchSettings().for_pack(digest).answers == DEFAULT_ANSWERS
    assert SearchSettings().for_pack("0" * 64).answers == {}
    own = SearchSettings(answers={"seen.portrait": LOWER})
    assert own.for_pack("0" * 64).answers == {"seen.portrait": LOWER}


async def test_an_answer_is_settled(world, executor) -> None:
    await world.put("own", face=world.face(1))
    query = Query((QueryPart(Portrait(world.portrait(1))),), "town")
    (plain,) = (await world.handlers(executor).search(query, 10)).hits
    (mapped,) = (await world.handlers(executor, answers={"seen.portrait": LOWER}).search(query, 10)).hits
    assert mapped.score == pytest.approx(float(LOWER.of(plain.score)), abs=1e-6)
