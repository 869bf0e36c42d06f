"""A perfect reader: what is true of whom, what is found of it, and how it stands in the report."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from evaluation.ceiling.figures import ALLOWED, figures_by_kind, figures_of, in_hindsight
from evaluation.ceiling.hindsight import found_in_hindsight
from evaluation.ceiling.reading import CeilingError, Reading, dressed_of, population_of, read_descriptions
from evaluation.ceiling.report import measure_ceiling, page_of_ceiling, share_of
from evaluation.cli import app
from evaluation.index.claims import claims_of
from evaluation.metrics.open_set import Searches
from evaluation.truth import Film, load_film
from evaluation.truth_words import Description
from synthetic.describe import describe
from synthetic.identity import make_identity
from synthetic.outfit import make_outfit, make_uniform
from synthetic.types import generator

PEOPLE = 6
COLUMNS = {
    "index": [0], "person": [[0, 0, 9, 9]], "head": [None], "face": [None],
    "visibility": [1.0], "face_visibility": [0.0], "yaw_deg": [0.0],
}  # fmt: skip


def truth_of(cast: int, people: int = PEOPLE) -> dict[str, Any]:
    """A film of some people in clothes of their own, and in one uniform that all wear."""
    tracklets, queries, identities = [], [], []
    for person in (make_identity(cast, number) for number in range(people)):
        named = {"identity_id": person.identity_id}
        identities.append(named | {"attributes": person.attributes()})
        for outfit in (make_outfit(person, 9, 0), make_uniform(person, 9, 1)):
            key = f"{person.identity_id}-{outfit.outfit_id}"
            worn = named | {"outfit_id": outfit.outfit_id}
            tracklets.append(worn | {"tracklet_id": key, "face_visible": False, "frames": COLUMNS})
            for said in describe(generator(1, person.index), person, outfit):
                told = {"description_kind" if key == "kind" else key: one for key, one in said.to_json().items()}
                queries.append(told | worn | {"kind": "text", "path": None})
    facts = {"cast_seed": cast, "fps": 25, "width": 20, "height": 20, "duration_s": 1.0}
    return {
        "schema": "synthcast/2", "film": facts, "tracklets": tracklets, "queries": queries, "identities": identities,
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, truth: dict[str, Any]) -> Path:
        (tmp_path / name).mkdir()
        (tmp_path / name / "truth.json").write_text(json.dumps(truth))
        return tmp_path / name

    return write


@pytest.fixture
def films(folder: Callable[..., Path]) -> list[Film]:
    return [load_film(folder(f"film{cast}", truth_of(cast))) for cast in (41, 42)]


def reading(identity: str, *others: str, uniform: tuple[str, ...] = (), expected: float = 0.0, kind: str = "full"):
    asked = Description(identity, f"{identity}/o1-0", "", kind, "in-and", False)
    return Reading(asked, frozenset({identity, *others}), frozenset(uniform), expected)


def test_every_description_is_true_of_its_own_person_and_few_others(films: list[Film]) -> None:
    readings = read_descriptions(films, population_of(50))
    assert len(readings) == 2 * PEOPLE * 2 * 4
    assert all(one.asked.identity in one.people for one in readings)
    assert all(one.expected > 0 for one in readings)
    uniformed = [one for one in readings if "/u" in one.asked.dress]
    assert all(one.asked.identity in one.uniformed for one in uniformed)
    # Who wears a uniform can be taken for another only of the same description; clothes alone fit all who wear it.
    the_one = [one for one in uniformed if one.asked.template in ("the-one", "somebody-in")]
    assert the_one
    assert all(len(one.people) >= PEOPLE for one in the_one)
    assert len(dressed_of(films)) == 2 * PEOPLE * 2


def test_what_is_true_of_nobody_on_screen_is_not_asked(films: list[Film]) -> None:
    own = films[0].descriptions[0]
    gone = replace(films[0], tracklets=tuple(one for one in films[0].tracklets if one.dress != own.dress))
    assert own.dress not in {one.asked.dress for one in read_descriptions([gone], ())}
    with pytest.raises(CeilingError, match="without typed descriptions of anybody on screen"):
        read_descriptions([replace(films[0], descriptions=())], ())


def test_a_film_of_another_world_is_told(films: list[Film]) -> None:
    film = films[0]
    name = next(iter(film.attributes))
    other = replace(film, attributes={**film.attributes, name: {**film.attributes[name], "hair_style": "wig"}})
    with pytest.raises(CeilingError, match="who is not drawn so now, expected a film of this world version"):
        read_descriptions([other], ())
    false = replace(
        film, descriptions=(replace(film.descriptions[0], text="the one in a pink sari", template="the-one"),)
    )
    with pytest.raises(CeilingError, match="got 'the one in a pink sari', which is not true of"):
        read_descriptions([false], ())
    foreign = replace(film, descriptions=(replace(film.descriptions[0], template="sung"),))
    with pytest.raises(CeilingError, match="got a sentence of the template 'sung'"):
        read_descriptions([foreign], ())


def test_figures_come_out_as_counted_by_hand() -> None:
    readings = [
        reading("a", expected=0.1),
        reading("b", "c", expected=0.5),
        reading("c", "a", "b", expected=2.0),
        reading("d", expected=1.0),
    ]
    found = figures_of(readings, people=10)
    assert found.rank_1.value == pytest.approx((1 + 1 / 2 + 1 / 3 + 1) / 4)
    assert (found.true_of_one.value, found.answered.value, found.answered_by_one.value) == (0.5, 0.5, 0.25)
    one = found.open_set["attributes"][0.01]
    # No impostor may pass: the strongest is c for b, 1 / 1.5; of the others only a's 1 / 1.1 is above it.
    assert one.threshold == pytest.approx(1 / 1.5)
    assert one.found.value == pytest.approx(1 / 4)
    assert one.share == pytest.approx(1 / (1 + 1 / 2 + 1 / 3 + 1))
    assert one.chance == pytest.approx(0.1)


def test_who_is_told_of_uniforms_answers_others_first() -> None:
    # The strongest impostor wears a uniform; d does not, and is found when that is known.
    readings = [reading("b", "c", uniform=("b", "c"), expected=0.1), reading("d", expected=0.2)]
    found = figures_of(readings, people=4).open_set
    assert found["attributes"][0.01].found.value == 0.0
    assert found["and_uniforms"][0.01].found.value == 0.5


def test_figures_are_those_of_the_kinds_there_are() -> None:
    readings = [reading("a"), reading("b", "a", kind="partial")]
    found = figures_by_kind(readings, people=3)
    assert {kind: one.descriptions for kind, one in found.items()} == {"all": 2, "full": 1, "partial": 1}


def test_hindsight_is_the_best_of_all_ways_to_spend() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        kinds = [
            Searches(random.random(8), random.random(8), 0.9 * random.random(8), ("a",) * 8, 0.1) for _ in range(2)
        ]
        best = 0.0
        first, second = ([*np.nextafter(one.strange, np.inf), 0.0] for one in kinds)
        for one in first:
            for other in second:
                wrong = sum(int((k.strange >= t).sum()) for k, t in zip(kinds, (one, other), strict=True))
                if wrong <= 3:
                    right = sum(float(k.first[k.own >= t].sum()) for k, t in zip(kinds, (one, other), strict=True))
                    best = max(best, right / 16)
        assert found_in_hindsight(kinds, 3 / 16) == pytest.approx(best)


def test_hindsight_is_no_worse_than_one_threshold(films: list[Film]) -> None:
    readings = read_descriptions(films, population_of(50))
    found, bound = figures_of(readings, 12).open_set, in_hindsight(readings, 12)
    for name in found:
        assert all(bound[name][allowed] >= found[name][allowed].found.value - 1e-9 for allowed in ALLOWED)


def test_the_report_holds_sums_alone_and_the_page_tells_them(films: list[Film]) -> None:
    report = json.loads(json.dumps(measure_ceiling(films, 50)))
    assert (report["people"], report["people_in_clothes"], report["population"]) == (12, 24, 50)
    assert not any(one.text in json.dumps(report) for one in films[0].descriptions)
    page = page_of_ceiling(report)
    assert page.startswith("# What a perfect reader of descriptions would find\n\n2 films, 12 people in 24 sets of")
    assert "| all | and is told who wears a uniform | 1% |" in page
    share = share_of(report, "attributes", "0.01")
    assert share == report["kinds"]["all"]["open_set"]["attributes"]["0.01"]["share"]
    assert share_of(None, "attributes", "0.01") is share_of({}, "attributes", "0.01") is None


def test_it_stands_beside_what_is_asked_and_asks_nothing(films: list[Film]) -> None:
    served = {"figures": {"open_set_share.portrait": {"value": 0.9}, "open_set_share.text": {"value": 0.07}}}
    gallery = {"films": 2, "sharing": 1}
    claims = claims_of({"served": served, "ceiling": measure_ceiling(films, 50)}, gallery)
    told = [claim for claim in claims if claim.line == "open set"]
    assert [claim.name for claim in told] == [
        "open_set_share, portrait, as served",
        "open_set_share, text, as served",
        "text, a perfect reader, FPIR 1%",
        "text, a perfect reader, FPIR 5%",
        "text, a perfect reader told of uniforms, FPIR 1%",
        "text, a perfect reader told of uniforms, FPIR 5%",
    ]
    assert [claim.holds for claim in told] == [True, False, None, None, None, None]
    assert [claim for claim in claims_of({"served": served, "ceiling": {}}, gallery) if "reader" in claim.name] == []


def test_the_command_writes_figures_and_page(folder: Callable[..., Path], tmp_path: Path) -> None:
    film, out = folder("film41", truth_of(41)), tmp_path / "out" / "ceiling.json"
    command = ["ceiling", "--films", str(film), "--json", str(out), "--population", "100"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert json.loads(out.read_text())["films"] == ["film41"]
    assert done.output.strip() == out.with_suffix(".md").read_text().strip()
    twice = CliRunner().invoke(app, [*command, str(film)])
    assert (twice.exit_code, "expected them to differ" in twice.output) == (2, True)
    empty = folder("empty", {**truth_of(41), "queries": []})
    none = CliRunner().invoke(app, ["ceiling", "--films", str(empty), "--json", str(out)])
    assert (none.exit_code, "error: got 1 films without typed descriptions" in none.output) == (1, True)
    (tmp_path / "nothing").mkdir()
    absent = CliRunner().invoke(app, ["ceiling", "--films", str(tmp_path / "nothing"), "--json", str(out)])
    assert (absent.exit_code, "truth.json" in absent.output) == (1, True)
