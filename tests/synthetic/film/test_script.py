"""The plan of a film keeps its promises, whatever the seed."""

from collections import Counter

import numpy as np
import pytest

from synthetic.film.casting import FACE_KINDS, KINDS
from synthetic.film.script import FPS, FilmSpec, Script, write_script
from synthetic.sound.scene import schedule_speech
from synthetic.sound.voice import speaks


@pytest.fixture(scope="module")
def scripts() -> list[Script]:
    return [write_script(FilmSpec(seed, seed, 12, 5.0)) for seed in range(100, 120)]


@pytest.mark.parametrize(("identities", "minutes"), [(2, 0.1), (6, 0.8), (16, 3.0), (40, 6.0)])
@pytest.mark.parametrize("seed", [1, 2])
def test_everyone_plays_twice_and_once_with_the_face_shown(identities: int, minutes: float, seed: int) -> None:
    script = write_script(FilmSpec(seed, seed, identities, minutes))
    for person in range(identities):
        assert sum(person in shot.people for shot in script.shots) >= 2
        shown = [shot for shot in script.shots if person in shot.shown]
        assert shown
        assert all(shot.kind in FACE_KINDS for shot in shown)


def test_everyone_is_in_two_scenes_in_other_clothes(scripts: list[Script]) -> None:
    for script in scripts:
        for person in range(12):
            scenes = {shot.scene for shot in script.shots if person in shot.people}
            assert len(scenes) >= 2
            assert len({script.scenes[k].outfits[person].outfit_id for k in scenes}) == len(scenes)


def test_shots_and_scenes_fill_the_film_without_gaps(scripts: list[Script]) -> None:
    for script in scripts:
        assert script.shots[0].start == 0
        assert script.shots[-1].end == script.spec.frames == script.scenes[-1].end
        assert all(a.end == b.start for a, b in zip(script.shots, script.shots[1:], strict=False))
        for shot in script.shots:
            scene = script.scenes[shot.scene]
            assert scene.start <= shot.start < shot.end <= scene.end
            assert set(shot.shown) <= set(shot.people) <= set(scene.outfits)
            assert len(set(shot.people)) == len(shot.people)


def test_shots_last_two_to_six_seconds_and_hold_four_to_five_people(scripts: list[Script]) -> None:
    lengths = np.array([shot.end - shot.start for script in scripts for shot in script.shots]) / FPS
    assert lengths.min() >= 2
    assert lengths.max() <= 6
    assert 3.3 < lengths.mean() < 3.9
    counts = [sum(len(shot.people) for shot in script.shots) for script in scripts]
    assert 340 < np.mean(counts) < 410
    assert min(counts) > 300
    assert max(counts) < 440


def test_all_kinds_of_shots_come_and_crowds_are_crowded(scripts: list[Script]) -> None:
    kinds = Counter(shot.kind for script in scripts for shot in script.shots)
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) / kinds.total() > 0.05
    crowds = [len(shot.people) for script in scripts for shot in script.shots if shot.kind == "crowd"]
    assert set(crowds) == {8, 9, 10}


def test_screen_time_has_a_long_tail(scripts: list[Script]) -> None:
    shares = []
    for script in scripts:
        seen = [sum(shot.end - shot.start for shot in script.shots if k in shot.people) for k in range(12)]
        shares.append(np.sort(seen)[::-1] / sum(seen))
    mean = np.mean(shares, 0)
    assert mean[:3].sum() > 0.38
    assert mean[-6:].sum() < 0.33


def test_a_twelfth_of_the_transitions_are_dissolves_that_fit_their_shots(scripts: list[Script]) -> None:
    into = [(a, b) for script in scripts for a, b in zip(script.shots, script.shots[1:], strict=False)]
    dissolves = [(a, b) for a, b in into if b.transition == "dissolve"]
    assert 0.05 < len(dissolves) / len(into) < 0.11
    for a, b in dissolves:
        assert b.transition_frames in range(8, 17, 2)
        assert min(a.end - a.start, b.end - b.start) >= 2 * b.transition_frames
    assert all(b.transition_frames == 0 for _, b in into if b.transition == "cut")


def test_some_scenes_are_dark_some_in_uniform_and_relatives_meet(scripts: list[Script]) -> None:
    scenes = [scene for script in scripts for scene in script.scenes]
    assert 0.06 < np.mean([scene.dark for scene in scenes]) < 0.20
    uniforms = [Counter(o.outfit_id for o in scene.outfits.values()).most_common(1)[0] for scene in scenes]
    shared = [count for name, count in uniforms if name.startswith("u")]
    assert 0.1 < len(shared) / len(scenes) < 0.35
    assert min(shared) >= 3
    together = [
        person.relative in scene.outfits
        for script in scripts
        for scene in script.scenes
        for person in script.cast
        if person.index in scene.outfits and person.relative is not None
    ]
    apart = np.mean([len(scene.outfits) - 1 for scene in scenes]) / 11
    assert np.mean(together) > apart


def test_a_quarter_never_speak(scripts: list[Script]) -> None:
    silent = [not speaks(person) for script in scripts for person in script.cast]
    assert 0.16 < np.mean(silent) < 0.34


def test_who_speaks_on_screen_is_in_the_shot() -> None:
    script = write_script(FilmSpec(100, 100, 4, 0.25))
    lines = schedule_speech(script)
    assert lines
    for speech in lines:
        assert speaks(script.cast[speech.person])
        assert speech.mover is None or speech.mover in script.shots[speech.shot].people
        assert speech.dubbed == (speech.mover is not None and speech.mover != speech.person)


def test_two_films_share_a_cast_but_not_the_plan_nor_the_clothes() -> None:
    one, two = write_script(FilmSpec(1, 9, 6, 1.0)), write_script(FilmSpec(2, 9, 6, 1.0))
    assert one.cast == two.cast
    assert one.shots != two.shots
    worn = [{o.outfit_id for scene in s.scenes for o in scene.outfits.values()} for s in (one, two)]
    assert not worn[0] & worn[1]
    assert write_script(FilmSpec(1, 9, 6, 1.0)) == one


def test_a_film_too_short_for_its_cast_is_refused_with_the_length_needed() -> None:
    with pytest.raises(ValueError, match=r"need about .* raise --minutes"):
        write_script(FilmSpec(1, 1, 80, 0.5))
