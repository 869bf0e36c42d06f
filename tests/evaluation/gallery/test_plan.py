from dataclasses import replace
from pathlib import Path

import pytest

from evaluation.gallery.plan import GalleryPlan
from evaluation.truth import Film


def test_seeds_follow_and_casts_are_shared_in_groups(tmp_path: Path) -> None:
    plans = GalleryPlan(5, 5.0, 12, 700, tmp_path, cast_seed_share=2).film_plans()
    assert [(plan.seed, plan.cast_seed) for plan in plans] == [
        (700, 700),
        (701, 700),
        (702, 702),
        (703, 702),
        (704, 704),
    ]
    assert len({plan.folder for plan in plans}) == 5


def test_each_film_has_its_own_cast_unless_told_and_is_done_when_its_truth_is_there(tmp_path: Path) -> None:
    first, second = GalleryPlan(2, 0.5, 4, 7, tmp_path).film_plans()
    assert (first.cast_seed, second.cast_seed) == (7, 8)
    assert not first.is_rendered
    first.folder.mkdir(parents=True)
    (first.folder / "truth.json").touch()
    assert first.is_rendered


def test_a_folder_with_another_film_is_refused(tmp_path: Path) -> None:
    (plan,) = GalleryPlan(1, 0.5, 2, 7, tmp_path).film_plans()
    people = {f"cast7/c7-i{k}": {} for k in range(2)}
    film = Film("s7", tmp_path / "film.mp4", 200, 100, 25.0, 30.0, (), (), people)
    plan.check(film)
    for other in (replace(film, duration_s=60.0), replace(film, attributes={"cast8/c8-i0": {}, "cast8/c8-i1": {}})):
        with pytest.raises(ValueError, match="choose another --out"):
            plan.check(other)
