import json
from pathlib import Path

import numpy as np
import pytest
import typer

from evaluation.asking import IngestedFilm
from evaluation.encoders.embedding import Embeddings
from evaluation.encoders.figures import encoder_figures
from evaluation.encoders.samples import Label
from evaluation.protocols.spine import SpineResult, evaluate_spine
from evaluation.report import Setting, report_of_spine, setting_of
from evaluation.truth import Film
from evaluation.writing import end_if_broken, write_results
from packs.arrays import F32
from packs.spec import Modality
from packs.testing import write_tiny_pack

LEFT, RIGHT = (0.0, 0.0, 50.0, 100.0), (100.0, 0.0, 150.0, 100.0)
FACE_LEFT, FACE_RIGHT = (0.0, 0.0, 40.0, 40.0), (100.0, 0.0, 130.0, 30.0)


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return setting_of(write_tiny_pack(tmp_path).pack, "local")


@pytest.fixture
def result(truth, line, answer, appearance, tmp_path: Path) -> SpineResult:
    """Two people who are found at rank 1 and never; b speaks on screen."""
    tracklets = (
        truth("a1", 0, 50, LEFT, face=FACE_LEFT),
        truth("b1", 0, 50, RIGHT, identity="b", face=FACE_RIGHT),
    )
    attributes = {"a": {"sex": "female", "apparent_age": 40, "skin": 0.5}, "b": {"sex": "male"}}
    spoken = (line("l", 0.5, 1.5, identity="b", tracklet="b1"),)
    film = Film("film", tmp_path / "film.mp4", 200, 100, 25.0, 4.4, tracklets, (), attributes, spoken)
    refused = answer("b")
    answers = [
        answer("a", ("1", 0.9), ("2", 0.2)),
        type(refused)(refused.question, (), 0.030, refusal="NO_FACE"),
        answer("a", ("1", 0.9), expand=False),
        answer("b", expand=False),
        answer("b", ("2", 0.7), kind="voice"),
        answer("b", ("1", 0.7), kind="voice", expand=False),
    ]
    appearances = {"v": [appearance("1", 0.0, 2.0, LEFT), appearance("2", 0.0, 2.0, RIGHT, (0.5, 1.5))]}
    labels = tuple(Label(name, f"{name}{number}") for name in "ab" for number in range(2))
    alike = encoder_figures([{Modality.FACE: Embeddings(labels, _vectors(1, 0), _vectors(0, 1))}])
    return evaluate_spine([IngestedFilm(film, "v", 1.1)], appearances, answers, alike)


def _vectors(person: int, sample: int) -> F32:
    rows = [
        [person * (row // 2) + sample * (row % 2), 1 - person * (row // 2) - sample * (row % 2)] for row in range(4)
    ]
    return np.array(rows, dtype=np.float32)


def test_the_file_holds_figures_counts_and_what_made_them(result: SpineResult, setting: Setting) -> None:
    report = json.loads(json.dumps(report_of_spine(result, setting)))
    assert report["portrait_map_face_visible"] == 0.5
    assert report["intervals"]["portrait_map_face_visible"] == {
        "low": 0.0,
        "high": 1.0,
        "drawn": "identities",
        "count": 2,
    }
    assert report["tracklet_recall"] == 1.0
    assert report["tracklet_precision"] == 1.0
    assert report["voice_map"] == 1.0
    assert report["voice_map_voice_only"] == 0.0
    assert report["speech_link_accuracy"] == 1.0
    assert report["off_screen_speech_recall"] is None
    # The baseline tells samples apart and not people: 1/2 for a, 1/3 for b by the order of equals.
    assert report["encoder.face_gain"] == pytest.approx((1 / 2 + 2 / 3) / 2, abs=1e-4)
    assert report["requirements"]["portrait_map_face_visible >= 0.85"] is False
    assert report["requirements"]["voice_map >= 0.6"] is True
    assert report["requirements"]["encoder.voice <= 0.97"] is False
    assert list(report["queries"]["portrait"]["refused"].values()) == ["NO_FACE"]
    assert report["queries"]["portrait"]["p50_ms"] == pytest.approx(20.0)
    assert report["queries"]["voice"]["asked"] == 1
    assert report["films"][0]["real_time_factor"] == pytest.approx(4.0)
    assert report["counts"]["truth_tracklets_counting"] == 2
    assert report["counts"]["lines_with_two_faces"] == 1
    male = report["by_group"]["portrait_map_all"]["sex"]["male"]
    assert (male["mean"], male["low"], male["high"], male["identities"]) == (0.0, 0.0, 0.0, 1)
    assert 0.0 < male["chance"] < 1.0
    assert report["side_intervals"]["rank_1"]["count"] == 2
    assert 0.0 < report["chance"]["rank_1"] < 1.0
    assert report["by_group"]["voice_map"]["sex"]["male"]["mean"] == 1.0
    assert report["setting"]["pack"]["digest"] == setting["pack"]["digest"]
    assert report["chance"]["portrait_map_all"] == pytest.approx(0.75)


def test_page_plots_and_file_are_written_beside_each_other(
    result: SpineResult, setting: Setting, tmp_path: Path
) -> None:
    folder = tmp_path / "report"
    report = report_of_spine(result, setting)
    page = write_results(result, report, folder / "report.json", folder / "report.md", folder / "plots")
    assert (folder / "report.md").read_text() == page
    assert json.loads((folder / "report.json").read_text()) == report
    for name in ("calibration", "precision_recall", "modalities", "groups"):
        assert f"(plots/{name}.svg)" in page
        assert (folder / "plots" / f"{name}.svg").read_text().startswith("<svg")
    assert "| `tracklet_recall` | 1.000 | 1.000 to 1.000 (1 films) | - | >= 0.9 |" in page
    assert "| `voice_map` | 1.000 |" in page
    assert "| `encoder.voice` | - |" in page
    assert "sex: female" in page
    assert "| film | 4.400 | 1.100 | 4.000 | 2 | 2 | 0 |" in page
    assert "NO_FACE" in page
    assert "| besides | value | 95 % interval (drawn) | chance |" in page
    assert "| `rank_1` | 0.500 | 0.000 to 1.000 (2 identities) |" in page


def test_a_requirement_that_does_not_hold_ends_the_command(
    result: SpineResult, setting: Setting, capsys: pytest.CaptureFixture[str]
) -> None:
    report = report_of_spine(result, setting)
    end_if_broken(report, require=False)
    assert "does not hold: portrait_map_face_visible >= 0.85" in capsys.readouterr().err
    with pytest.raises(typer.Exit):
        end_if_broken(report, require=True)
    end_if_broken({"requirements": {"any": True}}, require=True)
