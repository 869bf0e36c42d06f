"""People are drawn from their numbers alone and differ from each other."""

import dataclasses

import numpy as np
import pytest

from synthetic.dress import UNIFORM_SHARE, dress_scene, uniformed
from synthetic.identity import make_identity
from synthetic.outfit import make_outfit, make_uniform


def flat(seed: int, index: int) -> np.ndarray:
    person = make_identity(seed, index)
    return np.array(
        [*dataclasses.astuple(person.shape), *person.skin.color, person.age / 20, person.build.height_m * 5]
    )


def test_the_same_numbers_give_the_same_person() -> None:
    assert make_identity(5, 11) == make_identity(5, 11)
    assert make_outfit(make_identity(5, 11), 0, 2) == make_outfit(make_identity(5, 11), 0, 2)


@pytest.mark.parametrize(("seed", "index"), [(5, 12), (6, 11)])
def test_another_number_gives_another_person(seed: int, index: int) -> None:
    assert make_identity(5, 11).shape != make_identity(seed, index).shape


def test_no_two_people_of_a_cast_are_near_twins() -> None:
    people = np.stack([flat(9, k) for k in range(300)])
    gaps = np.linalg.norm(people[:, None] - people[None], axis=-1) + 99 * np.eye(300)
    assert gaps.min() > 1.6


def test_the_cast_is_mixed() -> None:
    people = [make_identity(9, k) for k in range(300)]
    assert 0.4 < np.mean([p.sex == "female" for p in people]) < 0.6
    assert np.std([p.age for p in people]) > 10
    assert np.std([p.skin_level for p in people]) > 0.25
    assert len({p.hair.style for p in people}) >= 10


def test_relatives_are_near_and_some_fifteen_in_a_hundred() -> None:
    people = [make_identity(9, k) for k in range(300)]
    flats = np.stack([flat(9, k) for k in range(300)])
    related = [p for p in people if p.relative is not None]
    assert 0.10 < len(related) / 300 < 0.20
    assert all(p.relative == p.index - 1 and p.sex == people[p.relative].sex for p in related)
    assert max(abs(p.age - people[p.index - 1].age) for p in related) < 10
    near = np.mean([np.linalg.norm(flats[p.index] - flats[p.index - 1]) for p in related])
    far = np.mean(np.linalg.norm(flats[1:] - flats[:-1], axis=1))
    assert near < 0.5 * far
    assert related[0].attributes()["relative_of"] == f"c9-i{related[0].index - 1}"


def test_outfits_of_a_person_differ() -> None:
    person = make_identity(9, 4)
    assert len({make_outfit(person, 0, k).top.color for k in range(4)}) == 4


def test_a_uniform_is_the_same_on_everyone_but_personal_things_are_not() -> None:
    worn = [make_uniform(make_identity(9, k), 5, 2) for k in range(30)]
    assert len({(o.outfit_id, o.top, o.bottom, o.sleeve) for o in worn}) == 1
    assert len({o.shoes for o in worn}) > 20
    assert len({o.hat for o in worn}) > 1
    assert make_uniform(make_identity(9, 0), 5, 3).top != worn[0].top


def test_uniforms_are_worn_in_some_scenes_by_three_or_more() -> None:
    people = [make_identity(9, k) for k in range(6)]
    shared = [uniformed(9, 5, scene, people) for scene in range(400)]
    with_uniform = [who for who in shared if who]
    # Four standard deviations of 400 draws.
    assert abs(len(with_uniform) / 400 - UNIFORM_SHARE) < 0.092
    assert {len(who) for who in with_uniform} == {3, 4, 5, 6}
    scene = next(k for k, who in enumerate(shared) if 3 <= len(who) < 6)
    dressed = dress_scene(5, scene, people)
    assert {k for k, o in dressed.items() if o.outfit_id == f"u5-{scene}"} == shared[scene]
    assert uniformed(9, 5, scene, people[:2]) == frozenset()


def test_attributes_are_plain() -> None:
    told = make_identity(9, 4).attributes()
    assert told["sex"] in ("female", "male")
    assert 18 <= told["apparent_age"] <= 80
    assert 0 <= told["skin"] <= 1
