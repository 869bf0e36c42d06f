"""Of which people of some films each typed description is true, by what the world was drawn from.

People and clothes are drawn anew from the ids in the truth, so nothing is seen, guessed or missed. True is what
`synthetic.describe` can say of somebody, in these words: a reader who goes by that knows the speaker's habits too, and
is left with no more people than by the plain meaning of the sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from evaluation.truth import Film
from evaluation.truth_words import Description
from synthetic.descriptions import dressed_in_film
from synthetic.identity import make_identity
from synthetic.outfit import make_outfit
from synthetic.sayable import Phrases, is_true_of, parts_of, phrases_of

__all__ = ["POPULATION", "CeilingError", "Dressed", "Reading", "dressed_of", "population_of", "read_descriptions"]

POPULATION: Final = 3000
# Of nobody in a film or a training set; everybody wears one of a few outfits of their own.
POPULATION_CAST: Final = 777_000
POPULATION_WARDROBE: Final = 777
POPULATION_OUTFITS: Final = 7
# What a description that fits nobody of the population counts for: a third of a person.
UNSEEN: Final = 0.3


class CeilingError(ValueError):
    """Films of which it cannot be told what is true."""


@dataclass(frozen=True, slots=True)
class Dressed:
    """Somebody on screen in some clothes.

    Attributes:
        identity: Unique over all casts of a run.
        uniform: Whether the clothes are a uniform, which others of the film wear too.
        phrases: What can be said of them.
    """

    identity: str
    uniform: bool
    phrases: Phrases


@dataclass(frozen=True, slots=True)
class Reading:
    """A description with everybody of the gallery it is true of.

    Attributes:
        asked: The description; its own person is one of `people`.
        people: Identities that are on screen in clothes that it is true of.
        uniformed: Those of them whom it describes in a uniform.
        expected: Of how many people in clothes it would be true, among as many of the population as the gallery has.
    """

    asked: Description
    people: frozenset[str]
    uniformed: frozenset[str]
    expected: float


def dressed_of(films: Sequence[Film]) -> dict[str, Dressed]:
    """Everybody who is on screen, once in each of their clothes, by `TruthTracklet.dress`.

    Raises:
        CeilingError: A person of a film is not whom the world draws by that id, as in films of another world version.
    """
    found: dict[str, Dressed] = {}
    for film in films:
        for dress in sorted({one.dress for one in film.tracklets if one.dress} - found.keys()):
            found[dress] = _dressed(film, dress)
    return found


def population_of(people: int = POPULATION) -> list[Phrases]:
    """What can be said of people of no film, each in an outfit of their own; the same ones every time."""
    cast = (make_identity(POPULATION_CAST, number) for number in range(people))
    return [phrases_of(one, make_outfit(one, POPULATION_WARDROBE, one.index % POPULATION_OUTFITS)) for one in cast]


def read_descriptions(
    films: Sequence[Film], population: Sequence[Phrases], dressed: Mapping[str, Dressed] | None = None
) -> list[Reading]:
    """Read every description whose person is on screen in the clothes that it describes.

    Args:
        films: One gallery.
        population: As `population_of` gives it; tells how rare what is said is.
        dressed: As `dressed_of` gives them, where they are drawn already.

    Raises:
        CeilingError: A description is not true of its own person, or there is none.
    """
    gallery = dressed_of(films) if dressed is None else dressed
    asked = [one for film in films for one in film.descriptions if one.dress in gallery]
    if not asked:
        raise CeilingError(f"got {len(films)} films without typed descriptions of anybody on screen: expected some")
    return list(_read(asked, gallery, population))


def _read(
    asked: Sequence[Description], gallery: Mapping[str, Dressed], population: Sequence[Phrases]
) -> Iterator[Reading]:
    for one in asked:
        parts = _parts(one)
        true = {dress: worn for dress, worn in gallery.items() if is_true_of(parts, worn.phrases)}
        if one.dress not in true:
            raise CeilingError(f"got {one.text!r}, which is not true of {one.dress}: expected a film of this world")
        rare = (sum(is_true_of(parts, phrases) for phrases in population) + UNSEEN) / max(len(population), 1)
        people = frozenset(worn.identity for worn in true.values())
        uniformed = frozenset(worn.identity for worn in true.values() if worn.uniform)
        yield Reading(one, people, uniformed, rare * len(gallery))


def _parts(asked: Description) -> dict[str, str]:
    try:
        return parts_of(asked.template, asked.text)
    except ValueError as error:
        raise CeilingError(str(error)) from error


def _dressed(film: Film, dress: str) -> Dressed:
    identity, _, outfit_id = dress.rpartition("/")
    try:
        person, outfit = dressed_in_film(identity.rpartition("/")[2], outfit_id)
    except ValueError as error:
        raise CeilingError(f"{film.name}: {error}") from error
    if film.attributes.get(identity) != person.attributes():
        raise CeilingError(
            f"{film.name}: got a {person.identity_id} who is not drawn so now, expected a film of this world version: "
            "render it anew"
        )
    return Dressed(identity, outfit_id.startswith("u"), phrases_of(person, outfit))
