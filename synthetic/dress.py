"""Who wears what in a scene: ordinary clothes, or a uniform that several of its people share."""

from collections.abc import Sequence
from typing import Final

from synthetic.identity import Identity
from synthetic.outfit import Outfit, make_outfit, make_uniform
from synthetic.types import generator

UNIFORM_SHARE: Final = 0.3
"""Share of scenes in which people wear a uniform."""

_STREAM: Final = 15
_FEWEST: Final = 3


def uniformed(cast_seed: int, wardrobe: int, scene: int, people: Sequence[Identity]) -> frozenset[int]:
    """Return the indices of those who wear the scene's uniform: nobody in most scenes, else three to all of them."""
    rng = generator(cast_seed, _STREAM, wardrobe, scene)
    if rng.random() >= UNIFORM_SHARE or len(people) < _FEWEST:
        return frozenset()
    indices = sorted(person.index for person in people)
    count = int(rng.integers(_FEWEST, len(indices) + 1))
    return frozenset(int(k) for k in rng.choice(indices, count, replace=False))


def dress_scene(wardrobe: int, scene: int, people: Sequence[Identity]) -> dict[int, Outfit]:
    """Dress the people of one scene of a film; returns what each wears by their index in the cast.

    Args:
        wardrobe: number of the film's wardrobe; another film is another wardrobe.
        scene: number of the scene, which is also the number of each person's outfit.
        people: all of one cast.
    """
    if not people:
        return {}
    shared = uniformed(people[0].cast_seed, wardrobe, scene, people)
    return {
        person.index: (make_uniform if person.index in shared else make_outfit)(person, wardrobe, scene)
        for person in people
    }
