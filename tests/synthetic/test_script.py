"""The plan of a film keeps its promises, whatever the seed."""

import pytest

from synthetic.film.blocking import block_shot
from synthetic.film.script import FACE_KINDS, FPS, FilmSpec, write_script


@pytest.mark.parametrize(("identities", "minutes"), [(2, 0.1), (6, 0.8), (16, 3.0), (40, 6.0)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_everyone_plays_twice_and_once_with_the_face_shown(identities: int, minutes: float, seed: int) -> None:
    script = write_script(FilmSpec(seed, seed, identities, minutes))
    for person in range(identities):
        mine = [shot for shot in script.shots if person in shot.people]
        assert len(mine) >= 2
        assert any(shot.kind in FACE_KINDS for shot in mine)


def test_shots_and_scenes_fill_the_film_without_gaps() -> None:
    script = write_script(FilmSpec(5, 5, 8, 2.0))
    assert script.shots[0].start == 0
    assert script.shots[-1].end == script.spec.frames == script.scenes[-1].end
    assert all(a.end == b.start for a, b in zip(script.shots, script.shots[1:], strict=False))
    assert all(4 * FPS <= shot.end - shot.start <= 9 * FPS for shot in script.shots)
    for shot in script.shots:
        scene = script.scenes[shot.scene]
        assert scene.start <= shot.start < shot.end <= scene.end
        assert set(shot.people) <= set(scene.outfits)
        assert len(set(shot.people)) == len(shot.people)


def test_clothes_change_between_scenes() -> None:
    script = write_script(FilmSpec(5, 5, 6, 3.0))
    outfits = [scene.outfits[k].outfit_id for scene in script.scenes for k in scene.outfits if k == 0]
    assert len(outfits) >= 2
    assert len(set(outfits)) == len(outfits)


def test_two_films_share_a_cast_but_not_the_plan() -> None:
    one, two = write_script(FilmSpec(1, 9, 6, 1.0)), write_script(FilmSpec(2, 9, 6, 1.0))
    assert one.cast == two.cast
    assert one.shots != two.shots


def test_a_film_too_short_for_its_cast_is_refused_with_the_length_needed() -> None:
    with pytest.raises(ValueError, match=r"need about .* raise --minutes"):
        write_script(FilmSpec(1, 1, 80, 0.5))


def test_every_role_starts_inside_the_room() -> None:
    script = write_script(FilmSpec(5, 5, 8, 2.0))
    for shot in script.shots:
        take = block_shot(script, shot)
        assert [role.person for role in take.roles] == list(shot.people)
        assert abs(take.camera.eye[0]) < take.room.half_width
        assert abs(take.camera.eye[2]) < take.room.half_depth
