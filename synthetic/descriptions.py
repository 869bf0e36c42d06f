"""Descriptions of the people of training frames, beside the shards: what is drawn does not depend on them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from synthetic.describe import Sentence, describe
from synthetic.frames import UNIFORM_FROM
from synthetic.identity import Identity, make_identity
from synthetic.outfit import Cloth, Outfit, make_outfit, make_uniform
from synthetic.shards import SCHEMA as FRAMES_SCHEMA
from synthetic.types import WORLD_VERSION, generator
from synthetic.words import Terms, bottom_terms, cloth_terms, color_terms, hair_terms, subject_terms, top_terms

SCHEMA: Final = "synthcast-descriptions/1"
FILE: Final = "descriptions.json"
# Templates that training must not see, by the names that sentences carry; tests compare them with the sentences' marks.
HELD_OUT_TEMPLATES: Final = frozenset({"looking-for", "the-one", "nobody-with", "dressed"})
# Words for hats and beards that training must not see; those for all else stand in `words.py`.
_HELD_OUT_EXTRAS: Final = ("peaked cap", "fedora", "whiskers")
_STREAM: Final = 121
_IDENTITY_ID: Final = re.compile(r"c(\d+)-i(\d+)")
_OUTFIT_ID: Final = re.compile(r"([ou])(\d+)-(\d+)")


class DescriptionsError(Exception):
    """Frames that cannot be described."""


def write_descriptions(folder: Path, rounds: int) -> tuple[int, int]:
    """Describe everybody of a finished set in each of their outfits; returns how many people and sentences.

    Args:
        folder: a set of frames with its `index.json`.
        rounds: how many times each is described, four sentences at a time; the same text is kept once.

    Raises:
        DescriptionsError: if the set is not finished, is of another kind or another world.
    """
    index = _read_index(folder)
    people = [_described(index["seed"], *worn, rounds) for worn in _worn(folder, index["shards"])]
    content = {
        "schema": SCHEMA,
        "world_version": WORLD_VERSION,
        "seed": index["seed"],
        "rounds": rounds,
        "people": people,
    }
    part = folder / f"{FILE}.part"
    part.write_text(json.dumps(content, indent=0, sort_keys=True) + "\n")
    part.replace(folder / FILE)
    return len(people), sum(len(person["sentences"]) for person in people)


def dressed(seed: int, identity: int, outfit: int) -> tuple[Identity, Outfit]:
    """Return a person of a set and what they wear under the number that the shards give it."""
    person = make_identity(seed, identity)
    if outfit >= UNIFORM_FROM:
        return person, make_uniform(person, 0, outfit - UNIFORM_FROM)
    return person, make_outfit(person, 0, outfit)


def dressed_in_film(identity_id: str, outfit_id: str) -> tuple[Identity, Outfit]:
    """Return a person of a film and what they wear, by the ids of its truth file.

    Raises:
        ValueError: ids that the world does not give.
    """
    who, what = _IDENTITY_ID.fullmatch(identity_id), _OUTFIT_ID.fullmatch(outfit_id)
    if who is None or what is None:
        raise ValueError(f"got {identity_id!r} in {outfit_id!r}, expected ids like 'c12-i3' and 'o34-0' or 'u34-0'")
    person = make_identity(int(who[1]), int(who[2]))
    make = make_uniform if what[1] == "u" else make_outfit
    return person, make(person, int(what[2]), int(what[3]))


def attributes(person: Identity, outfit: Outfit) -> dict[str, str]:
    """Name what is seen of a person in plain words, by what it is about."""
    style, color = hair_terms(person, outfit)
    out = {
        "person": subject_terms(person).plain,
        "hair": style.plain.format(color.plain) if color is not None else style.plain,
        "top": _garment(outfit.top, top_terms(outfit)),
    }
    lower = bottom_terms(outfit)
    if lower is not None:
        out["bottom"] = _garment(outfit.bottom, lower)
    if outfit.hat != "none":
        hat = outfit.hat if outfit.hat in ("beanie", "cap") else "hat"
        out["hat"] = f"{color_terms(outfit.hat_color).plain} {hat}"
    if outfit.glasses != "none":
        out["glasses"] = "sunglasses" if outfit.glasses == "sun" else "glasses"
    return out


def has_held_out_words(text: str, person: Identity, outfit: Outfit) -> bool:
    """Whether a sentence about a person uses a word that training must not see."""
    return any(re.search(pattern, text) for pattern in _held_out_patterns(person, outfit))


def _held_out_patterns(person: Identity, outfit: Outfit) -> Iterator[str]:
    top, bottom = cloth_terms(outfit.top), cloth_terms(outfit.bottom)
    said: list[Terms | None] = [subject_terms(person), top_terms(outfit), bottom_terms(outfit)]
    said += [*top, *bottom, *hair_terms(person, outfit), color_terms(outfit.hat_color)]
    words = [*_HELD_OUT_EXTRAS, *(word for terms in said if terms is not None for word in terms.held_out)]
    for word in words:
        # The colour of hair stands in the middle of its style.
        yield rf"(?<![\w-]){'.+'.join(re.escape(part) for part in word.split('{}'))}(?![\w-])"


def _described(seed: int, identity: int, outfit: int, rounds: int) -> dict[str, Any]:
    person, clothes = dressed(seed, identity, outfit)
    sentences: dict[str, Sentence] = {}
    for number in range(rounds):
        for sentence in describe(generator(seed, _STREAM, identity, outfit, number), person, clothes):
            sentences.setdefault(sentence.text, sentence)
    return {
        "identity": identity,
        "outfit": outfit,
        "attributes": attributes(person, clothes),
        "sentences": [_told(sentence, person, clothes) for sentence in sentences.values()],
    }


def _told(sentence: Sentence, person: Identity, outfit: Outfit) -> dict[str, object]:
    return {
        **sentence.to_json(),
        "held_out_template": sentence.template in HELD_OUT_TEMPLATES,
        "held_out_words": has_held_out_words(sentence.text, person, outfit),
    }


def _garment(cloth: Cloth, terms: Terms) -> str:
    color, design = cloth_terms(cloth)
    return " ".join([*([design.plain] if design is not None else []), color.plain, terms.plain])


def _read_index(folder: Path) -> dict[str, Any]:
    path = folder / "index.json"
    if not path.exists():
        raise DescriptionsError(f"{path} is absent: finish the frames first, with `python -m synthetic frames`")
    index: dict[str, Any] = json.loads(path.read_text())
    found = index.get("schema"), index.get("world_version")
    if found != (FRAMES_SCHEMA, WORLD_VERSION):
        expected = f"{FRAMES_SCHEMA!r} of world {WORLD_VERSION}"
        raise DescriptionsError(f"{path} is {found[0]!r} of world {found[1]}, expected {expected}: render it anew")
    return index


def _worn(folder: Path, shards: list[str]) -> list[tuple[int, int]]:
    """List who wears what, identity and outfit, each pair once and in order."""
    pairs: set[tuple[int, int]] = set()
    for name in shards:
        with np.load(folder / name) as content:
            pairs |= set(zip(content["identity"].tolist(), content["outfit"].tolist(), strict=True))
    return sorted(pairs)
