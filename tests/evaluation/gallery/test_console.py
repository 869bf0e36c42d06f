"""What commands that work for long share."""

from dataclasses import replace
from pathlib import Path

import pytest
import typer

from evaluation.gallery import console
from evaluation.gallery.console import alone, bars, rendered_films
from evaluation.gallery.plan import FilmPlan, GalleryPlan
from evaluation.truth import Film


def test_a_folder_is_worked_in_by_one_run_at_a_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with alone(tmp_path), pytest.raises(typer.Exit), alone(tmp_path):
        pass
    assert "another run works in" in capsys.readouterr().err
    with alone(tmp_path):
        pass


def test_what_is_said_and_shown_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with bars() as (bar, say):
        bar("films", 1, 2)
        bar("films", 2, 2)
        say("done with films")
    captured = capsys.readouterr()
    assert "done with films" in captured.err
    assert captured.out == ""


def test_films_that_are_missing_are_rendered_and_all_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = GalleryPlan(2, 0.5, 2, 7, tmp_path).film_plans()
    plans[0].folder.mkdir(parents=True)
    (plans[0].folder / "truth.json").touch()
    rendered: list[int] = []
    shown: list[tuple[float, float]] = []

    def load(folder: Path) -> Film:
        seed = int(folder.name[1:])
        people = {f"cast{seed}/c{seed}-i{k}": {} for k in range(2)}
        return Film(folder.name, folder / "film.mp4", 200, 100, 25.0, 30.0, (), (), people)

    def render(film: FilmPlan, workers: int) -> None:
        assert workers == 3
        rendered.append(film.seed)

    monkeypatch.setattr(console, "render_film", render)
    monkeypatch.setattr(console, "load_film", load)

    def bar(step: str, done: float, total: float) -> None:
        shown.append((done, total))

    found = rendered_films(plans, 3, bar, lambda line: None)
    assert rendered == [8]
    assert [film.name for film in found] == ["s7", "s8"]
    assert shown == [(0, 2), (1, 2), (2, 2)]
    other = [replace(plan, identities=5) for plan in plans]
    with pytest.raises(ValueError, match="choose another --out"):
        rendered_films(other, 3, bar, lambda line: None)
