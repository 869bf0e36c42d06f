import json
from pathlib import Path

import pytest

from evaluation.asking import Answer, IngestedFilm
from evaluation.following import Followed
from evaluation.metrics.ranking import RankedHit
from evaluation.portraits import portrait_figures
from evaluation.protocols.spine import SpineResult
from evaluation.report import markdown_from_report, report_of_spine
from evaluation.stack import Stack
from evaluation.truth import Film, Portrait
from packs.testing import write_tiny_pack
from services.runtime.settings import StackSettings
from services.supervisor.api import Endpoints

BOX = (0.0, 0.0, 50.0, 100.0)


@pytest.fixture
def result(truth, tmp_path: Path) -> SpineResult:
    tracklets = (truth("a1", 0, 50, BOX), truth("b1", 60, 110, BOX, identity="b"))
    portraits = tuple(Portrait(identity, tmp_path / f"{identity}.jpg") for identity in "ab")
    attributes = {"a": {"sex": "female", "apparent_age": 40, "skin": 0.5}, "b": {"sex": "male"}}
    film = Film("film", tmp_path / "film.mp4", 200, 100, 25.0, 4.4, tracklets, portraits, attributes)
    answers = (
        Answer(portraits[0], (RankedHit("1", 0.9), RankedHit("2", 0.2)), 0.010),
        Answer(portraits[1], (), 0.030, refusal="NO_FACE"),
    )
    shown = {"1": tracklets[0], "2": tracklets[1]}
    figures = portrait_figures(answers, tracklets, shown, 2, lambda tracklet: tracklet.counts)
    return SpineResult(
        films=(IngestedFilm(film, "v", 1.1),),
        followed=(Followed(2, 2, 0, 2, 1),),
        assigned_count=2,
        face_visible=figures,
        everything=figures,
        face_only=figures,
        calibration_error=0.15,
        calibration_error_likely=0.1,
        answers=answers,
    )


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    endpoints = Endpoints("a:1", "a:2", None, "http://a:3", "redis://a:4", "file:///media", "local")
    return Stack(endpoints, StackSettings(state_dir=tmp_path), own=True)


def test_the_file_holds_figures_counts_and_what_made_them(result: SpineResult, stack: Stack, tmp_path: Path) -> None:
    pack = write_tiny_pack(tmp_path).pack
    report = json.loads(json.dumps(report_of_spine(result, stack, pack)))
    assert report["portrait_map_face_visible"] == 0.5
    assert report["tracklet_recall"] == 1.0
    assert report["tracklet_precision"] == 0.5
    assert report["requirements"]["portrait_map_face_visible >= 0.75"] is False
    assert report["queries"]["refused"] == {"b.jpg": "NO_FACE"}
    assert report["queries"]["p50_ms"] == pytest.approx(20.0)
    assert report["films"][0]["real_time_factor"] == pytest.approx(4.0)
    assert report["counts"]["truth_tracklets_counting"] == 2
    assert report["by_group"]["sex"]["male"] == {"mean": 0.0, "identities": 1}
    assert report["setting"]["pack"]["digest"] == pack.digest
    assert report["details"]["all"]["chance"] == pytest.approx(0.75)


def test_the_page_has_a_line_for_each_figure(result: SpineResult, stack: Stack, tmp_path: Path) -> None:
    page = markdown_from_report(report_of_spine(result, stack, write_tiny_pack(tmp_path).pack))
    assert "| tracklet_recall | 1.0 | >= 0.85 |" in page
    assert "| film | 4.4 | 1.1 | 4.0 | 2 | 2 | 0 |" in page
    assert "sex: female" in page
