import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluation.datasets.tracklets import CastSearch, Tracklets
from evaluation.fusers.fuser import Fuser
from evaluation.metrics.video_search import mean_over_videos, video_figures
from evaluation.protocols.apes.report import page_of_apes, plots_of_apes, report_of_apes
from evaluation.protocols.apes.samplings import Sampling
from evaluation.protocols.apes.table import ApesResult, run_apes
from packs.spec import Modality

MadeSearch = Callable[..., CastSearch]


@pytest.fixture
def tracklets(made_search: MadeSearch) -> Tracklets:
    return made_search().tracklets


@pytest.fixture
def result(tracklets: Tracklets, fusers: list[Fuser]) -> ApesResult:
    return run_apes("made", {"Within": Sampling(tracklets), "Across": Sampling(tracklets)}, fusers, lambda line: None)


def test_both_tables_have_their_rows(result: ApesResult) -> None:
    told = [(row.task, row.model, row.sampling) for row in result.rows]
    cross = ["cross-modal, late fusion", "cross-modal, average"]
    heard = [("seen and heard", "random", "-")]
    heard += [("seen and heard", model, way) for way in ("Within", "Across") for model in ("face", "voice", *cross)]
    seen = [("seen", "random", "-")]
    seen += [("seen", model, way) for way in ("Within", "Across") for model in ("face", *cross)]
    assert told == [*heard, *seen]
    # People with a face; of those, tracklets 0 and 4 of each person are heard too.
    assert result.counts["seen"] == {"videos": 2, "tracklets": 32, "people": 8}
    assert result.counts["seen and heard"] == {"videos": 2, "tracklets": 16, "people": 8}


def test_a_row_is_the_metric_on_its_cosines(tracklets: Tracklets, result: ApesResult) -> None:
    known = np.array([name is not None for name in tracklets.identities])
    some = tracklets.take(known & tracklets.present(Modality.FACE))
    videos = []
    for film in ("f1", "f2"):
        part = some.take(some.of_movie(film))
        vectors = part.rows[Modality.FACE].vectors
        videos.append(video_figures(vectors @ vectors.T, [str(name) for name in part.identities]))
    expected = mean_over_videos(videos)
    row = next(row for row in result.rows if (row.task, row.model, row.sampling) == ("seen", "face", "Across"))
    assert {name: figure.value for name, figure in row.figures.items()} == pytest.approx(expected)
    assert row.figures["map"].unit == "videos"


def test_what_has_no_embedding_finds_nobody_and_is_found_last(tracklets: Tracklets, fusers: list[Fuser]) -> None:
    faceless = Tracklets.of(
        tracklets.ids,
        tracklets.movies,
        tracklets.identities,
        {Modality.VOICE: tracklets.rows[Modality.VOICE]},
        face_visible=np.ones(len(tracklets), bool),
    )
    result = run_apes("made", {"Across": Sampling(faceless)}, fusers, lambda line: None)
    models = {row.model for row in result.rows if row.task == "seen and heard"}
    assert "face" not in models
    assert "voice" in models


def test_nothing_to_measure_is_told(tracklets: Tracklets, fusers: list[Fuser]) -> None:
    nobody = Tracklets.of(tracklets.ids, tracklets.movies, [None] * len(tracklets), tracklets.rows)
    with pytest.raises(ValueError, match="no video shows anybody twice"):
        run_apes("made", {"Across": Sampling(nobody)}, fusers, lambda line: None)


def test_the_report(result: ApesResult, tmp_path: Path) -> None:
    report = report_of_apes(result, {})
    assert json.loads(json.dumps(report)) == report
    random = next(row for row in report["table"] if row["model"] == "random")
    face = next(row for row in report["table"] if row["model"] == "face")
    assert face["map"] > random["map"]
    page = page_of_apes(report, plots_of_apes(report, tmp_path))
    assert "## Seen and heard: 16 tracklets of 8 people in 2 videos" in page
    assert (tmp_path / "apes.svg").exists()
