"""People are drawn from their numbers alone and differ from each other."""

import dataclasses

import numpy as np
import pytest

from synthetic.identity import make_identity
from synthetic.outfit import make_outfit


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
    assert gaps.min() > 2.0


def test_the_cast_is_mixed() -> None:
    people = [make_identity(9, k) for k in range(300)]
    assert 0.4 < np.mean([p.sex == "female" for p in people]) < 0.6
    assert np.std([p.age for p in people]) > 10
    assert np.std([p.skin_level for p in people]) > 0.25
    assert len({p.hair.style for p in people}) >= 10


def test_outfits_of_a_person_differ() -> None:
    person = make_identity(9, 4)
    assert len({make_outfit(person, 0, k).top.color for k in range(4)}) == 4


def test_attributes_are_plain() -> None:
    told = make_identity(9, 4).attributes()
    assert told["sex"] in ("female", "male")
    assert 18 <= told["apparent_age"] <= 80
    assert 0 <= told["skin"] <= 1
