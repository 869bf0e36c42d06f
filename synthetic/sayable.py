"""What can be said of a person in their clothes: every phrase that `describe` can put in each place of a sentence.

A sentence is true of somebody when each of its places holds a phrase that can be said of them. Templates, and the words
for hats, glasses and beards, stand here a second time: `describe.py` is frozen with the world (`world.json`), and this
only reads what it wrote. The tests hold both together, in both directions.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import product
from typing import Final

from synthetic.identity import Identity
from synthetic.outfit import Cloth, Outfit
from synthetic.words import Terms, bottom_terms, cloth_terms, color_terms, hair_terms, subject_terms, top_terms

__all__ = ["PLACES", "TEMPLATES", "Phrases", "is_true_of", "parts_of", "phrases_of"]

Phrases = Mapping[str, frozenset[str]]
"""By place, what can be said of one person there; the empty phrase where a place is left out."""

PLACES: Final = ("subject", "top", "bottom", "lower", "hair", "extra", "lacks", "other")
# By the names that sentences carry. `{and_bottom}` is " and " with what is worn below, or nothing under a dress.
TEMPLATES: Final[Mapping[str, str]] = {
    "in-and": "{subject} in {top}{and_bottom}",
    "wearing": "{subject} wearing {top}{and_bottom}, {extra}",
    "with-hair": "{subject} with {hair}, dressed in {top}{and_bottom}",
    "looking-for": "I am looking for {subject} with {hair} who has {top} on{and_bottom}",
    "somebody-in": "somebody in {top}",
    "hair-only": "{subject} with {hair}",
    "lower-only": "someone in {lower}",
    "extra-only": "{subject}, {extra}",
    "the-one": "the one in {top}",
    "without": "{subject} in {top}, {lacks}",
    "not-color": "{subject} in {top}, not in {other}",
    "nobody-with": "anyone in {top}, but {lacks}",
    "dressed": "can you find {subject} clad in {top}{and_bottom}?",
}
_HATS: Final[Mapping[str, Terms]] = {
    "beanie": Terms("beanie", ("woolly hat",)),
    "cap": Terms("cap", ("baseball cap",), ("peaked cap",)),
    "brim": Terms("hat", ("brimmed hat",), ("fedora",)),
}
_SUNGLASSES: Final = Terms("sunglasses", ("shades",))
_GLASSES: Final = Terms("glasses", ("spectacles",))
_BEARD: Final = Terms("a beard", ("facial hair",), ("whiskers",))
_NAMED_AS_ABSENT: Final = frozenset({"red", "yellow", "green", "white", "black", "blue", "orange", "purple"})


def parts_of(template: str, text: str) -> dict[str, str]:
    """Cut a sentence into the phrases of its places.

    Args:
        template: by its name.
        text: the sentence.

    Raises:
        ValueError: the template is not known, or the sentence is not of it.
    """
    if template not in TEMPLATES:
        raise ValueError(f"got a sentence of the template {template!r}, expected {', '.join(sorted(TEMPLATES))}")
    found = _pattern(template).fullmatch(text)
    if found is None:
        raise ValueError(f"got {text!r}, expected a sentence like {TEMPLATES[template]!r}")
    return {place: phrase or "" for place, phrase in found.groupdict().items()}


def phrases_of(person: Identity, outfit: Outfit) -> Phrases:
    """List what can be said of a person in an outfit, by place."""
    top, bottom = frozenset(_tops(outfit)), frozenset(_bottoms(outfit))
    return {
        "subject": frozenset(_with_article(_stature(person) + word) for word in _words(subject_terms(person))),
        "top": top,
        "bottom": bottom or frozenset({""}),
        "lower": bottom or top,
        "hair": frozenset(_hairs(person, outfit)),
        "extra": frozenset(_extras(person, outfit)),
        "lacks": frozenset(_lacks(person, outfit)),
        "other": _absent_colors(outfit),
    }


def is_true_of(parts: Mapping[str, str], phrases: Phrases) -> bool:
    """Whether a sentence, cut into its parts, can be said of a person."""
    return all(phrase in phrases[place] for place, phrase in parts.items())


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """No phrase holds what stands between places, so that there is one way to cut a sentence."""
    form = re.escape(TEMPLATES[template]).replace(r"\{and_bottom\}", "(?: and (?P<bottom>.+?))?")
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", form))


def _words(terms: Terms) -> tuple[str, ...]:
    return (terms.plain, *terms.others, *terms.held_out)


def _tops(outfit: Outfit) -> Iterator[str]:
    return (_with_article(text) for _, text in _cloths(outfit.top, _words(top_terms(outfit))))


def _bottoms(outfit: Outfit) -> Iterator[str]:
    terms = bottom_terms(outfit)
    for garment, text in _cloths(outfit.bottom, _words(terms) if terms is not None else ()):
        yield text if garment.endswith("s") else _with_article(text)


def _cloths(cloth: Cloth, garments: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each garment with every way to name its colour and pattern."""
    color, design = cloth_terms(cloth)
    designs = [""] if design is None else [f"{word} " for word in _words(design)]
    for garment, pattern, word in product(garments, designs, _words(color)):
        yield garment, f"{pattern}{word} {garment}"


def _hairs(person: Identity, outfit: Outfit) -> Iterator[str]:
    style, color = hair_terms(person, outfit)
    return (one.format(word) for one, word in product(_words(style), _words(color) if color is not None else ("",)))


def _stature(person: Identity) -> str:
    build, female = person.build, person.sex == "female"
    if build.height_m > (1.76 if female else 1.88):
        return "tall "
    if build.height_m < (1.56 if female else 1.67):
        return "small "
    return "heavy " if build.belly > 1.15 else "slim " if build.limb_width < 0.88 else ""


def _extras(person: Identity, outfit: Outfit) -> list[str]:
    """Hat, glasses and beard; of whom there is none of them, the hair."""
    worn: list[str] = []
    if outfit.hat != "none":
        named = product(_words(color_terms(outfit.hat_color)), _words(_HATS[outfit.hat]))
        worn += [_with_article(f"{color} {hat}") for color, hat in named]
    if outfit.glasses != "none":
        worn += _words(_SUNGLASSES if outfit.glasses == "sun" else _GLASSES)
    if _beard(person) > 0.5:
        worn += _words(_BEARD)
    return [f"with {one}" for one in worn or _hairs(person, outfit)]


def _lacks(person: Identity, outfit: Outfit) -> list[str]:
    lacking = {
        "without a hat": outfit.hat == "none",
        "no hat": outfit.hat == "none",
        "without glasses": outfit.glasses == "none",
        "no glasses": outfit.glasses == "none",
        "without a beard": person.sex == "male" and _beard(person) == 0.0,
        "without a jacket": outfit.top.pattern != "jacket",
    }
    return [text for text, so in lacking.items() if so] or ["without a bag"]


def _beard(person: Identity) -> float:
    return max(person.facial_hair.beard, person.facial_hair.goatee)


def _absent_colors(outfit: Outfit) -> frozenset[str]:
    """Colours that no part of a worn colour's plain name has: navy is not blue, light blue is."""
    colors = (color for cloth in (outfit.top, outfit.bottom) for color in (cloth.color, cloth.second))
    worn = " ".join(color_terms(color).plain for color in colors)
    return frozenset(name for name in _NAMED_AS_ABSENT if name not in worn) or frozenset({"gold"})


def _with_article(text: str) -> str:
    return f"{'an' if text[:1] in 'aeio' else 'a'} {text}"
