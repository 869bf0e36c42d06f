import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluation.datasets.errors import DataError
from evaluation.datasets.tracklets import CastSearch, ModalityRows, Tracklets
from evaluation.fusers.fuser import Fuser
from evaluation.metrics.cast_search import Pool, across, within
from evaluation.protocols.csm.affinities import page_of_affinities, report_of_affinities, run_affinities
from evaluation.protocols.csm.bench import FusedSearch, steps_of
from evaluation.protocols.csm.besides import Asked, faceless_figures, kind_figures
from evaluation.protocols.csm.figures import dealt, figures_of, gain_over, sheets_of
from evaluation.protocols.csm.report import page_of_csm, plots_of_csm, report_of_csm
from evaluation.protocols.csm.table import CsmResult, run_csm
from evaluation.protocols.ways import WAYS
from packs.spec import Modality

MadeSearch = Callable[..., CastSearch]


@pytest.fixture(scope="module")
def result(made_search: MadeSearch, fusers: list[Fuser]) -> CsmResult:
    return run_csm(made_search(), fusers, fusers[0], lambda line: None)


def test_portraits_are_dealt_into_casts(made_search: MadeSearch) -> None:
    shared = made_search(one_cast=True).portraits
    own, everybody = sheets_of(shared, "f2"), sheets_of(shared)
    assert [len(sheet) for sheet in own] == [4, 4]
    assert {shared.movies[row] for row in own[0]} == {"f2"}
    # Across films each person is asked for by the portraits of the first film that has any.
    assert [len(sheet) for sheet in everybody] == [4, 4]
    assert {shared.movies[row] for sheet in everybody for row in sheet} == {"f1"}
    every = dealt(shared)
    assert sorted(np.concatenate(every).tolist()) == list(range(16))
    for sheet in every:
        assert len({shared.identities[row] for row in sheet}) == len(sheet)


def test_whoever_has_fewer_portraits_is_asked_for_again() -> None:
    rows = {Modality.FACE: ModalityRows.of(np.ones((3, 2)))}
    portraits = Tracklets.of(["1", "2", "3"], ["f"] * 3, ["a", "a", "b"], rows)
    assert [sheet.tolist() for sheet in sheets_of(portraits)] == [[0, 2], [1, 2]]


def test_figures_are_those_of_the_protocol_over_sheets() -> None:
    random = np.random.default_rng(0)
    labels = ["a", "b", None, "a", "b", "c"]
    pools = {name: [Pool(random.random((3, 6)), ["a", "b", "c"], labels) for _ in range(2)] for name in ("f1", "f2")}
    found = figures_of(pools)
    single = [within({name: sheets[place] for name, sheets in pools.items()}) for place in (0, 1)]
    assert found.mean_average_precision.value == pytest.approx(np.mean([one["map"] for one in single]))
    for k in (1, 3, 5):
        assert found.top[k].value == pytest.approx(np.mean([one[f"top_{k}"] for one in single]))
    one = figures_of({"": pools["f1"][:1]})
    assert one.mean_average_precision.value == pytest.approx(across(pools["f1"][0])["map"])


def test_a_gain_is_that_of_the_same_queries() -> None:
    labels = ["a", "b", "c"]
    low = figures_of({"": [Pool(np.array([[0.1, 0.9, 0.5]]), ["a"], labels)]})
    high = figures_of({"": [Pool(np.eye(3)[:2], ["a", "b"], labels)]})
    assert gain_over(high, low).value == pytest.approx(1.0 - 1.0 / 3.0)


def test_the_table_is_the_ablation(result: CsmResult) -> None:
    assert list(steps_of(result.search.tracklets)) == ["face", "+ voice", "+ body"]
    told = [(row.step, row.fuser, row.way) for row in result.rows]
    assert told[0] == ("random", "-", "-")
    for step in ("face", "+ voice", "+ body"):
        for fuser in ("late fusion", "average"):
            kept = [way for way in WAYS if way != "diffusion" or step == "+ body"]
            assert [way for s, f, way in told if (s, f) == (step, fuser)] == kept
    assert result.full.step == "+ body"
    assert result.face_only.way == "none"


def test_associations_find_what_a_portrait_cannot(result: CsmResult) -> None:
    assert result.gain.value > 0.2
    assert result.gain.interval[0] > 0.0
    assert result.full.across.mean_average_precision.value > 0.9
    assert result.besides.faceless is not None
    assert result.besides.faceless.r_precision.value > 0.8
    assert result.rows[0].across.mean_average_precision.value < 0.4


def test_without_propagation_more_modalities_change_nothing_for_a_portrait(result: CsmResult) -> None:
    maps = {
        row.step: row.across.mean_average_precision.value
        for row in result.rows
        if (row.fuser, row.way) == ("late fusion", "none")
    }
    assert len(set(maps.values())) == 1


def test_across_films_are_one_pool(made_search: MadeSearch, fusers: list[Fuser]) -> None:
    search = made_search()
    one = FusedSearch(search, fusers[0], (Modality.FACE,))
    sheet = sheets_of(search.portraits)[0]
    cast = [str(search.portraits.identities[row]) for row in sheet]
    expected = Pool(one.graph.direct[sheet], cast, search.tracklets.identities)
    pools = one._pools("none", None)
    assert pools[0].scores.shape == (8, 64)
    assert pools[0].average_precisions() == pytest.approx(expected.average_precisions())


def test_strangers_are_asked_for_in_a_gallery_without_them(made_search: MadeSearch, fusers: list[Fuser]) -> None:
    search = made_search()
    one = FusedSearch(search, fusers[0], (Modality.FACE, Modality.BODY))
    found = one.strangers("none", search.portraits, fusers[0], search.tracklets.on_screen)
    own = np.array([[who == name for who in search.tracklets.identities] for name in search.portraits.identities])
    # Without propagation it is the best of everybody else; those taken out with the person can only lower it.
    best_other = np.where(own, -1.0, one.graph.direct).max(axis=1)
    assert (found <= best_other + 1e-12).all()
    assert found.max() > 0.0
    chained = one.strangers("chains", search.portraits, fusers[0], search.tracklets.on_screen)
    assert (chained >= found - 1e-12).all()


def test_the_whole_system_must_be_among_the_rows(made_search: MadeSearch, fusers: list[Fuser]) -> None:
    with pytest.raises(ValueError, match="for the whole system, expected one of"):
        run_csm(made_search(people=2, each=4), fusers[:1], fusers[0], lambda line: None, ("associative", "chains"))


def test_faceless_figures_ignore_the_persons_other_tracklets() -> None:
    tracklets = Tracklets.of(
        list("abcde"), ["f"] * 5, ["p", "p", "p", "q", None], {}, face_visible=[True, False, False, True, False]
    )
    portrait = Tracklets.of(["q"], ["f"], ["p"], {})
    search = CastSearch("s", tracklets, portrait)
    found = faceless_figures(search, np.array([[0.9, 0.8, 0.1, 0.5, 0.2]]))
    assert found is not None
    # Ranked without the face that is seen: b, d, e, c. R is 2.
    assert found.r_precision.value == pytest.approx(0.5)
    assert found.recall_at_50.value == 1.0
    assert found.mean_average_precision.value == pytest.approx((1.0 + 2.0 / 4.0) / 2.0)
    assert found.chance[0] == pytest.approx(0.5)
    assert found.tracklets == 2
    seen = Tracklets.of(["a"], ["f"], ["p"], {}, face_visible=[True])
    assert faceless_figures(CastSearch("s", seen, portrait), np.ones((1, 1))) is None


def test_a_kind_of_query_ignores_what_is_not_asked_for() -> None:
    tracklets = Tracklets.of(list("abcd"), ["f"] * 4, ["p", "p", "q", "q"], {}, speaks=[True, False, True, True])
    queries = Tracklets.of(["1", "2"], ["f", "f"], ["p", "q"], {})
    scores = np.array([[0.3, 0.9, 0.5, 0.1], [0.1, 0.1, 0.9, 0.8]])
    everything = np.ones(4, dtype=bool)
    strangers = np.array([0.4, 0.2])
    found = kind_figures(queries, tracklets, Asked(scores, strangers), everything, tracklets.speaks)
    # p: b is ignored, c is wrong, a is right at rank 2.
    assert dict(found.per_identity) == {"p": pytest.approx(0.5), "q": pytest.approx(1.0)}
    assert found.calibration_error is not None
    # Strangers score 0.4 at most; only q is found first, and above that.
    assert found.open_set.threshold == pytest.approx(0.4)
    assert found.open_set.found.value == 0.5
    over = kind_figures(queries, tracklets, Asked(3.0 * scores, strangers), everything, tracklets.speaks)
    assert over.calibration_error is None


def test_the_report_has_the_figures_that_are_asked_for(result: CsmResult, tmp_path: Path) -> None:
    report = report_of_csm(result, {"pack": "none"})
    assert json.loads(json.dumps(report)) == report
    assert set(report["map_all"]) == {"face_only", "full", "gain", "chance"}
    assert report["map_all"]["full"] > report["map_all"]["face_only"]
    assert set(report["films"]) == {"f1", "f2"}
    for film in report["films"].values():
        assert film["map_all"]["full"] >= film["map_all"]["face_only"]
        assert not film["falls_short"]
        assert film["map_all"]["chance"] < film["map_all"]["face_only"]
        told = film["intervals"]["map_all.full"]
        assert told["low"] <= film["map_all"]["full"] <= told["high"]
    assert set(report["kinds"]) == set(report["kinds_as_served"]) == {"portrait", "voice"}
    assert report["kinds"]["portrait"]["calibration_error"] is None
    assert 0.0 <= report["kinds_as_served"]["portrait"]["calibration_error"] <= 1.0
    low, high = report["kinds"]["portrait"]["open_set"]["share_interval"]
    assert low <= report["kinds"]["portrait"]["open_set"]["share"] <= high
    told = report["kinds_as_served"]["portrait"]
    assert told["intervals"]["calibration_error"]["low"] <= told["intervals"]["calibration_error"]["high"]
    ways = [row["way"] for row in report["table"] if row["step"] == "+ body" and row["fuser"] == "late fusion"]
    assert [(one["fuser"], one["way"]) for one in report["over_average"]] == [("late fusion", way) for way in ways]
    maps = {(row["step"], row["fuser"], row["way"]): row["across"]["map"] for row in report["table"]}
    for one in report["over_average"]:
        difference = maps["+ body", "late fusion", one["way"]] - maps["+ body", "average", one["way"]]
        assert one["value"] == pytest.approx(difference, abs=2e-4)
        assert one["low"] <= one["value"] <= one["high"]
    for row in report["table"]:
        assert all(one["low"] <= row["across"][name] <= one["high"] for name, one in row["across"]["intervals"].items())
    assert report["counts"]["tracklets"] == 64
    assert report["counts"]["tracklets_of_somebody"] == 56
    assert set(report["by_group"]["portrait"]) == {"apparent_age", "skin", "sex"}
    plots = plots_of_csm(report, tmp_path)
    page = page_of_csm(report, plots)
    assert "| + body | late fusion | consensus |" in page
    assert all((tmp_path / name).read_text().startswith("<svg") for name in plots.values())


@pytest.fixture
def ppcc(tmp_path: Path) -> Path:
    """The reference matrices of the notes, as both a movie and the pool across."""
    direct = np.array([[0.80, 0.10, 0.05, 0.10], [0.05, 0.20, 0.70, 0.15]])
    links = np.array([[1, 0.9, 0.2, 0.1], [0.9, 1, 0.3, 0.2], [0.2, 0.3, 1, 0.85], [0.1, 0.2, 0.85, 1]])
    labels = ["a", "a", "b", "b"]
    info = {"m": {"num_tracklet": 4, "pids": ["a", "b"], "labels": labels}}
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta/test.json").write_text(json.dumps({"movie": ["m"], "info": info}))
    records = [{"pid": label, "plabel": "ab".index(label)} for label in labels]
    (tmp_path / "meta/across_test.json").write_text(json.dumps(records))
    for folder in ("in/m", "across"):
        place = tmp_path / "affinity/test" / folder
        place.mkdir(parents=True)
        for region in ("face", "body"):
            for link in ("mean", "max"):
                np.save(place / f"{region}_{link}_ct_affmat.npy", direct)
                np.save(place / f"{region}_{link}_tt_affmat.npy", links)
    return tmp_path


def test_the_rows_of_ppcc_on_the_reference_matrices(ppcc: Path) -> None:
    report = report_of_affinities(run_affinities(ppcc, lambda line: None), ppcc)
    rows = {row["name"]: row for row in report["table"]}
    assert rows["random"]["across"]["top_1"] == 0.5
    # The published way freezes the second tracklet with the wrong person, the clamped one does not.
    assert rows["PPCC-vt"]["across"]["top_1"] == 0.75
    assert rows["clamped consensus, vt"]["across"]["top_1"] == 1.0
    assert rows["clamped consensus, vt"]["within"]["map"] == 1.0
    assert rows["FACE"]["within"]["map_published"] == rows["FACE"]["within"]["map"]
    assert "PPCC-vt" in page_of_affinities(report)


def test_rows_whose_matrices_are_missing_are_left_out_and_broken_ones_told(ppcc: Path) -> None:
    for path in ppcc.rglob("body_*"):
        path.unlink()
    said: list[str] = []
    rows = run_affinities(ppcc, said.append)
    assert [row.name for row in rows] == ["random", "FACE"]
    assert any("PPCC-v: left out" in line for line in said)
    np.save(ppcc / "affinity/test/in/m/face_mean_ct_affmat.npy", np.zeros((1, 1)))
    with pytest.raises(DataError, match="expected numbers of shape"):
        run_affinities(ppcc, said.append)
    for path in ppcc.rglob("face_*"):
        path.unlink()
    with pytest.raises(DataError, match="is not there"):
        run_affinities(ppcc, said.append)
