"""Descriptions of a person in their clothes: full, partial, negated, in other words; some held out of training."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from synthetic.identity import Identity
from synthetic.outfit import Outfit
from synthetic.words import (
    Terms,
    bottom_terms,
    cloth_terms,
    color_terms,
    hair_terms,
    subject_terms,
    top_terms,
)

# Templates by kind: (name, text); a name that ends in "*" is held out of training.
_FULL: Final = (
    ("in-and", "{subject} in {top}{and_bottom}"),
    ("wearing", "{subject} wearing {top}{and_bottom}, {extra}"),
    ("with-hair", "{subject} with {hair}, dressed in {top}{and_bottom}"),
    ("looking-for*", "I am looking for {subject} with {hair} who has {top} on{and_bottom}"),
)
_PARTIAL: Final = (
    ("somebody-in", "somebody in {top}"),
    ("hair-only", "{subject} with {hair}"),
    ("lower-only", "someone in {lower}"),
    ("extra-only", "{subject}, {extra}"),
    ("the-one*", "the one in {top}"),
)
_NEGATED: Final = (
    ("without", "{subject} in {top}, {lacks}"),
    ("not-color", "{subject} in {top}, not in {other}"),
    ("nobody-with*", "anyone in {top}, but {lacks}"),
)
_SYNONYM: Final = (*_FULL[:3], ("dressed*", "can you find {subject} clad in {top}{and_bottom}?"))
_ODD_COLORS: Final = ("red", "yellow", "green", "white", "black", "blue", "orange", "purple")
_OTHER_WORD: Final = 0.35
_RARE_WORD: Final = 0.3


@dataclass(frozen=True, slots=True)
class Sentence:
    """A description: its kind ("full", "partial", "negated", "synonym"), its template, whether it is held out."""

    text: str
    kind: str
    template: str
    held_out: bool

    def to_json(self) -> dict[str, object]:
        """Return the sentence as it stands in the truth file."""
        return {"text": self.text, "kind": self.kind, "template": self.template, "held_out": self.held_out}


class _Speaker:
    """Chooses words; `rare` also takes held-out ones, and `used_rare` tells whether it did."""

    def __init__(self, rng: np.random.Generator, *, other: float, rare: float) -> None:
        self._rng, self._other, self._rare, self.used_rare = rng, other, rare, False

    def word(self, terms: Terms) -> str:
        chance, pick = float(self._rng.random()), float(self._rng.random())
        if terms.held_out and chance < self._rare:
            self.used_rare = True
            return terms.held_out[int(pick * len(terms.held_out))]
        if terms.others and chance < self._rare + self._other:
            return terms.others[int(pick * len(terms.others))]
        return terms.plain

    def choose(self, items: list[str]) -> str:
        return items[int(self._rng.integers(len(items)))]


def describe(rng: np.random.Generator, person: Identity, outfit: Outfit) -> list[Sentence]:
    """Describe a person in an outfit: one full, one partial, one negated sentence and one in other words.

    Everything said is true of the person; a held-out sentence uses a template or a word that training must not see.
    """
    plans = (("full", _FULL, 0.15, 0.0), ("partial", _PARTIAL, 0.25, 0.0), ("negated", _NEGATED, 0.15, 0.0))
    out = [_say(rng, person, outfit, kind, list(forms), other, rare) for kind, forms, other, rare in plans]
    out.append(_say(rng, person, outfit, "synonym", list(_SYNONYM), 1.0 - _OTHER_WORD * _RARE_WORD, _RARE_WORD * 0.5))
    return out


def _say(
    rng: np.random.Generator,
    person: Identity,
    outfit: Outfit,
    kind: str,
    forms: list[tuple[str, str]],
    other: float,
    rare: float,
) -> Sentence:
    speaker = _Speaker(rng, other=other, rare=rare)
    name, form = forms[int(rng.integers(len(forms)))]
    text = form.format(**_parts(speaker, person, outfit)).strip().rstrip(",")
    return Sentence(text, kind, name.rstrip("*"), name.endswith("*") or (speaker.used_rare))


def _parts(speaker: _Speaker, person: Identity, outfit: Outfit) -> dict[str, str]:
    top, lower = _top(speaker, outfit), _lower(speaker, outfit)
    subject = speaker.word(subject_terms(person))
    return {
        "subject": _a(f"{_stature(person)}{subject}"),
        "top": top,
        "lower": lower or top,
        "and_bottom": f" and {lower}" if lower else "",
        "hair": _hair(speaker, person, outfit),
        "extra": speaker.choose(_extras(speaker, person, outfit)),
        "lacks": speaker.choose(_lacks(person, outfit)),
        "other": speaker.choose(_absent_colors(outfit)),
    }


def _top(speaker: _Speaker, outfit: Outfit) -> str:
    return _a(_cloth(speaker, outfit.top.pattern, cloth_terms(outfit.top), speaker.word(top_terms(outfit))))


def _lower(speaker: _Speaker, outfit: Outfit) -> str:
    terms = bottom_terms(outfit)
    if terms is None:
        return ""
    garment = speaker.word(terms)
    text = _cloth(speaker, outfit.bottom.pattern, cloth_terms(outfit.bottom), garment)
    return text if garment.endswith("s") else _a(text)


def _cloth(speaker: _Speaker, pattern: str, terms: tuple[Terms, Terms | None], garment: str) -> str:
    color, design = speaker.word(terms[0]), terms[1]
    return f"{color} {garment}" if design is None or pattern == "plain" else f"{speaker.word(design)} {color} {garment}"


def _hair(speaker: _Speaker, person: Identity, outfit: Outfit) -> str:
    style, color = hair_terms(person, outfit)
    text = speaker.word(style)
    return text.format(speaker.word(color)) if color is not None else text


def _stature(person: Identity) -> str:
    tall, small = (1.76, 1.56) if person.sex == "female" else (1.88, 1.67)
    if person.build.height_m > tall:
        return "tall "
    if person.build.height_m < small:
        return "small "
    return "heavy " if person.build.belly > 1.15 else "slim " if person.build.limb_width < 0.88 else ""


def _extras(speaker: _Speaker, person: Identity, outfit: Outfit) -> list[str]:
    out = []
    if outfit.hat != "none":
        hat = {"beanie": Terms("beanie", ("woolly hat",), ()), "cap": Terms("cap", ("baseball cap",), ("peaked cap",))}
        word = speaker.word(hat.get(outfit.hat, Terms("hat", ("brimmed hat",), ("fedora",))))
        out.append(f"with {_a(speaker.word(color_terms(outfit.hat_color)) + ' ' + word)}")
    if outfit.glasses != "none":
        sun = Terms("sunglasses", ("shades",))
        clear = Terms("glasses", ("spectacles",))
        out.append(f"with {speaker.word(sun if outfit.glasses == 'sun' else clear)}")
    if max(person.facial_hair.beard, person.facial_hair.goatee) > 0.5:
        out.append(f"with {speaker.word(Terms('a beard', ('facial hair',), ('whiskers',)))}")
    return out or [f"with {_hair(speaker, person, outfit)}"]


def _lacks(person: Identity, outfit: Outfit) -> list[str]:
    """Things that the person does not have, as ends of a sentence."""
    out = []
    if outfit.hat == "none":
        out += ["without a hat", "no hat"]
    if outfit.glasses == "none":
        out += ["without glasses", "no glasses"]
    if person.sex == "male" and max(person.facial_hair.beard, person.facial_hair.goatee) == 0.0:
        out.append("without a beard")
    if outfit.top.pattern != "jacket":
        out.append("without a jacket")
    return out or ["without a bag"]


def _absent_colors(outfit: Outfit) -> list[str]:
    worn = " ".join(
        color_terms(color).plain for cloth in (outfit.top, outfit.bottom) for color in (cloth.color, cloth.second)
    )
    return [name for name in _ODD_COLORS if name not in worn] or ["gold"]


def _a(text: str) -> str:
    return f"{'an' if text[:1] in 'aeio' else 'a'} {text}"
