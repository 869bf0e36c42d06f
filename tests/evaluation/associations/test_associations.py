"""What associations mean, fitted: pairs are the product's, fits find what made them, a film left out is not seen."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from evaluation.associations.edges import EdgeMap, edges_of, fit_edge_map
from evaluation.associations.fitting import Number, log_loss, refit
from evaluation.associations.reviewed import Answer, QueueLine, answers_of, fit_line, reviewed
from evaluation.associations.rows import Rows
from evaluation.cli import app
from evaluation.datasets.store import write_search
from evaluation.datasets.tracklets import CastSearch, Tracklets
from evaluation.served.product import GALLERY, associated
from packs.arrays import F64
from packs.beta import BetaCalibration
from packs.manifest import Pack
from services.association.context import LEAST_SIZE
from services.association.identities.likelihood import Evidence, Line
from services.association.identities.people import People

MADE = Line(0.8, 1.2, 0.7, 0.3, -0.6, clashing=-1.0, confirmed=0.4)


def edges(tracklets: Tracklets, pack: Pack) -> tuple[Rows, Rows, People]:
    async def main() -> tuple[Rows, Rows, People]:
        _, served = await associated(tracklets, pack)
        return *await edges_of(tracklets, served), await served.keeper.people(GALLERY)

    return asyncio.run(main())


def asked(tracklets: Tracklets, pack: Pack, count: int) -> tuple[list[Answer], People]:
    async def main() -> tuple[list[Answer], People]:
        _, served = await associated(tracklets, pack)
        return await answers_of(tracklets, served, count), await served.keeper.people(GALLERY)

    return asyncio.run(main())


def made(line: Line, count: int, seed: int = 0) -> Rows:
    """Questions of two films with answers that a line has drawn."""
    random = np.random.default_rng(seed)
    columns = np.array([_evidence(random).features for _ in range(count)])
    right = random.random(count) < QueueLine(line).of(columns)
    films = np.arange(2)[None, :] == random.integers(2, size=count)[:, None]
    return Rows(columns, right, films, np.ones(count))


def _evidence(random: np.random.Generator) -> Evidence:
    edges, missing, smaller = (float(one) for one in random.integers((1, 0, 1), (40, 80, 20)))
    told = int(random.integers(4))
    return Evidence(random.normal() * edges, edges, missing, int(smaller), float(random.random()), 0, told)


def test_edges_inside_of_identities_are_worth_more_than_between_two(siblings: Tracklets, pack: Pack) -> None:
    within, between, _ = edges(siblings, pack)
    assert within.share_right > 0.9 > 0.1 > between.share_right
    said = np.linspace(0.2, 0.99, 20)[:, None]
    inside, across = (fit_edge_map(rows) for rows in (within, between))
    assert (inside.of(said) > across.of(said) + 0.3).all()
    assert inside.of(within.columns).mean() == pytest.approx(within.share_right, abs=0.02)
    assert across.of(between.columns).mean() == pytest.approx(between.share_right, abs=0.02)


def test_edges_are_those_of_the_product_each_once(siblings: Tracklets, pack: Pack) -> None:
    within, between, people = edges(siblings, pack)
    sizes = Counter(people.state.homes.values())
    large = [size for size in sizes.values() if size >= LEAST_SIZE]
    assert 0 < len(within) <= sum(size * (size - 1) // 2 for size in sizes.values())
    assert 0 < len(between) <= sum(one * other for one, other in combinations(large, 2))
    assert set(within.films.sum(axis=1)) == {1}, "no identity of these is in both films"


def test_whom_the_truth_does_not_know_tells_nothing(siblings: Tracklets, pack: Pack) -> None:
    strange = replace(siblings, identities=(None,) * 20 + siblings.identities[20:])
    known, unknown = edges(siblings, pack), edges(strange, pack)
    assert 0 < len(unknown[0]) < len(known[0])
    answers, _ = asked(strange, pack, 3)
    assert not {end for one in answers for end in (one.question.first, one.question.second)} & set(strange.ids[:20])


def test_the_queue_is_answered_by_the_truth_and_a_question_counts_once(siblings: Tracklets, pack: Pack) -> None:
    answers, people = asked(siblings, pack, 6)
    assert len(people.operations) == 6
    who, where = (dict(zip(siblings.ids, of, strict=True)) for of in (siblings.identities, siblings.movies))
    for one in answers:
        first, second = one.question.first, one.question.second
        assert one.same == (who[first] == who[second])
        assert one.films == {where[first], where[second]}
        assert one.question.evidence.rejected == 0
    keys = {(one.question.first, one.question.second, one.question.evidence) for one in answers}
    assert len(keys) == len(answers) > len(asked(siblings, pack, 1)[0])
    assert any(one.question.evidence.confirmed for one in answers)


def test_films_alone_count_as_much_as_all_in_one_gallery(siblings: Tracklets, pack: Pack) -> None:
    answers, _ = asked(siblings, pack, 2)
    rows = reviewed([answers, answers[:3]], ["f0", "f1"], lambda question: True)
    assert rows.shares[: len(answers)].sum() == pytest.approx(0.5)
    assert rows.columns[0] == pytest.approx(answers[0].question.evidence.features)
    assert rows.films[0].tolist() == [film in answers[0].films for film in ("f0", "f1")]
    assert len(reviewed([answers], ["f0", "f1"], lambda question: False)) == 0


def test_a_fit_finds_the_line_that_made_the_answers() -> None:
    rows = made(MADE, 20_000)
    found = fit_line(rows)
    # What the squares cost draws the intercept to 0 most, and what it says of questions hardly.
    assert found.values == pytest.approx(QueueLine(MADE).values, abs=0.3)
    assert found.of(rows.columns) == pytest.approx(QueueLine(MADE).of(rows.columns), abs=0.05)
    assert fit_line(made(replace(MADE, mean_weight=-0.7), 5000)).line.mean_weight < -0.5


def test_what_no_question_has_weighs_nothing() -> None:
    rows = made(MADE, 2000)
    rows.columns[:, 5] = 0.0
    found = fit_line(rows)
    assert found.line.clashing == 0.0
    assert "clashing" not in found.source
    assert "confirmed" in found.source


def test_numbers_stand_as_in_the_source() -> None:
    assert eval(QueueLine(MADE).source, {"Line": Line}) == MADE
    edge = BetaCalibration(a=0.0, b=0.531, c=1.707)
    assert EdgeMap(edge).source == "BetaCalibration(a=0.0, b=0.531, c=1.707)"


@dataclass(frozen=True)
class Constant:
    """A `Reading` that says the same of all."""

    value: float
    source: str = "Constant()"

    def of(self, columns: F64) -> F64:
        return np.full(len(columns), self.value)

    @property
    def values(self) -> Mapping[str, float]:
        return {"value": self.value}


def test_a_film_that_is_left_out_is_not_fitted_on() -> None:
    rows, other = made(MADE, 3000), made(replace(MADE, intercept=-1.0), 3000, seed=1)
    # The second film is one of another world: what was fitted on either predicts the other worse than itself.
    films = np.zeros((6000, 2), dtype=np.bool_)
    films[:3000, 0] = films[3000:, 1] = True
    both = np.concatenate([rows.columns, other.columns]), np.concatenate([rows.right, ~other.right])
    seen: list[int] = []

    def fit(some: Rows) -> QueueLine:
        seen.append(len(some))
        return fit_line(some)

    number = Number("LINE", "x.py", Rows(*both, films, np.ones(6000)), Constant(0.5), fit)
    found = refit(number, ["one", "two"])
    assert sorted(seen) == [3000, 3000, 6000]
    assert found.by_film.keys() == {"one", "two"}
    assert found.left_out is not None
    assert found.left_out.committed == pytest.approx(np.log(2.0))
    assert found.left_out.fitted > found.left_out.mean


def test_a_fit_predicts_another_film_of_the_same_world() -> None:
    number = Number("LINE", "x.py", made(MADE, 4000), QueueLine(MADE), fit_line)
    found = refit(number, ["one", "two"])
    assert found.left_out is not None
    assert found.left_out.fitted == pytest.approx(found.left_out.committed, abs=0.01)
    assert found.left_out.fitted < found.left_out.mean - 0.1
    again = refit(number, ["one", "two"])
    assert (again.fitted, again.left_out) == (found.fitted, found.left_out)


def test_pairs_of_one_kind_and_a_single_film_are_said_so() -> None:
    rows = made(MADE, 50)
    alike = Rows(rows.columns, np.ones(50, dtype=np.bool_), rows.films, rows.weights)
    assert refit(Number("LINE", "x.py", alike, QueueLine(MADE), fit_line), ["one", "two"]).fitted is None
    single = Rows(rows.columns, rows.right, np.ones((50, 1), dtype=np.bool_), rows.weights)
    found = refit(Number("LINE", "x.py", single, QueueLine(MADE), fit_line), ["one"])
    assert found.fitted is not None
    assert found.left_out is None


def test_log_loss_is_that_of_the_textbook() -> None:
    rows = Rows(np.zeros((3, 1)), np.array([True, False, True]), np.ones((3, 1), dtype=np.bool_), np.array([1, 1, 2.0]))
    told = log_loss(np.array([0.8, 0.4, 0.0]), rows)
    assert told == pytest.approx((-np.log(0.8) - np.log(0.6) - 2 * np.log(1e-6)) / 4)


def test_the_command_says_the_numbers_and_writes_them(
    siblings: Tracklets, pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluation.associations.cli.Pack.load", lambda path: pack)
    arguments = ["associations", "--json", str(tmp_path / "made" / "out.json"), "--answers", "2"]
    for film in ("f0", "f1"):
        own = siblings.take(siblings.of_movie(film))
        write_search(tmp_path / f"{film}.npz", CastSearch(film, own, own.take(np.arange(1))), {})
        arguments += ["--appearances", str(tmp_path / f"{film}.npz")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    for told in ("WITHIN = BetaCalibration(", "BETWEEN = BetaCalibration(", "BETWEEN_LINE = Line(", "WITHIN_LINE"):
        assert told in done.output
    report = json.loads((tmp_path / "made" / "out.json").read_text())
    assert report["films"] == ["f0", "f1"]
    numbers = {one["name"]: one for one in report["numbers"]}
    assert numbers["WITHIN"]["fitted"].keys() == {"a", "b", "c"}
    # All edges inside of identities of f0 are right: with f1 left out nothing can be fitted.
    assert numbers["WITHIN"]["log_loss_by_film"].keys() == {"f0"}
    assert numbers["BETWEEN_LINE"]["log_loss_by_film"].keys() == {"f0", "f1"}
    assert numbers["WITHIN"]["log_loss_left_out"].keys() == {"fitted", "mean", "committed"}
