"""What can be said of somebody: all that `describe` says and nothing else, and no longer when a thing changes."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from synthetic.describe import Sentence, describe
from synthetic.descriptions import HELD_OUT_TEMPLATES, dressed_in_film
from synthetic.identity import Identity, make_identity
from synthetic.outfit import Outfit, make_outfit, make_uniform
from synthetic.sayable import PLACES, TEMPLATES, is_true_of, parts_of, phrases_of
from synthetic.types import generator

Dressed = tuple[Identity, Outfit]
RED, TEAL, COPPER = (0.75, 0.14, 0.14), (0.10, 0.55, 0.55), (0.50, 0.24, 0.12)


def everybody(count: int) -> list[Dressed]:
    people = [make_identity(17, number) for number in range(count)]
    return [(one, (make_uniform if one.index % 3 == 0 else make_outfit)(one, 5, one.index % 4)) for one in people]


def said_of(person: Identity, outfit: Outfit, times: int = 1) -> list[Sentence]:
    return [one for n in range(times) for one in describe(generator(3, person.index, n), person, outfit)]


def words(phrases: Iterable[str]) -> set[str]:
    return {word for phrase in phrases for word in phrase.split()}


def holds(sentence: Sentence, person: Identity, outfit: Outfit) -> bool:
    return is_true_of(parts_of(sentence.template, sentence.text), phrases_of(person, outfit))


def test_whatever_is_said_of_somebody_is_true_of_them() -> None:
    for person, outfit in everybody(600):
        phrases = phrases_of(person, outfit)
        assert set(phrases) == set(PLACES)
        for sentence in said_of(person, outfit, times=3):
            assert is_true_of(parts_of(sentence.template, sentence.text), phrases), sentence


def test_nothing_can_be_said_that_is_never_said() -> None:
    for person, outfit in everybody(6):
        heard: dict[str, set[str]] = defaultdict(set)
        for sentence in said_of(person, outfit, times=1200):
            for place, phrase in parts_of(sentence.template, sentence.text).items():
                heard[place].add(phrase)
        phrases = phrases_of(person, outfit)
        for place in ("subject", "lacks", "other"):
            assert heard[place] == phrases[place]
        # Too many of the others to hear each, but every word of them is heard.
        for place in ("top", "bottom", "hair", "extra"):
            assert words(heard[place]) == words(phrases[place])


def test_the_templates_are_those_of_the_sentences() -> None:
    sentences = [one for person, outfit in everybody(100) for one in said_of(person, outfit)]
    assert {one.template for one in sentences} == set(TEMPLATES)
    assert set(TEMPLATES) >= HELD_OUT_TEMPLATES
    for one in sentences:
        parts = parts_of(one.template, one.text)
        below = f" and {parts['bottom']}" if parts.get("bottom") else ""
        # There is no other way to cut it.
        assert TEMPLATES[one.template].format(**parts, and_bottom=below) == one.text


def recolored(person: Identity, outfit: Outfit) -> Dressed:
    top = outfit.top
    return person, replace(outfit, top=replace(top, color=TEAL if top.color[0] > top.color[1] else RED))


def of_other_hair(person: Identity, outfit: Outfit) -> Dressed:
    return person, replace(outfit, hair_style="curly" if outfit.hair_style == "bald" else "bald")


def of_other_sex(person: Identity, outfit: Outfit) -> Dressed:
    return replace(person, sex="male" if person.sex == "female" else "female"), outfit


def with_all(person: Identity, outfit: Outfit) -> Dressed:
    """Hat, glasses, beard and jacket: nothing is lacking any more."""
    bearded = replace(person, facial_hair=replace(person.facial_hair, beard=1.0))
    return bearded, replace(outfit, hat="cap", glasses="sun", top=replace(outfit.top, pattern="jacket"))


def of_other_bottom(person: Identity, outfit: Outfit) -> Dressed:
    changed = replace(outfit.bottom, color=RED if outfit.bottom.color[0] < 0.6 else TEAL, pattern="plain")
    return person, replace(outfit, bottom=changed)


@pytest.mark.parametrize(
    ("place", "change"),
    [
        ("subject", of_other_sex),
        ("top", recolored),
        ("hair", of_other_hair),
        ("bottom", of_other_bottom),
        ("lacks", with_all),
    ],
)
def test_a_sentence_is_no_longer_true_when_what_it_names_changes(
    place: str, change: Callable[[Identity, Outfit], Dressed]
) -> None:
    checked = 0
    for person, outfit in everybody(150):
        for sentence in said_of(person, outfit):
            # Nobody of this world has a bag.
            if parts_of(sentence.template, sentence.text).get(place) not in (None, "", "without a bag"):
                assert not holds(sentence, *change(person, outfit)), sentence
                checked += 1
    assert checked > 40


def test_what_a_sentence_does_not_name_may_change() -> None:
    for person, outfit in everybody(50):
        for sentence in said_of(person, outfit):
            if sentence.template in ("somebody-in", "the-one"):
                assert holds(sentence, *of_other_hair(*of_other_sex(person, outfit)))


def test_hats_and_glasses_and_beards_are_told_before_hair() -> None:
    person, outfit = make_identity(17, 1), make_outfit(make_identity(17, 1), 5, 1)
    shaved = replace(person, facial_hair=replace(person.facial_hair, beard=0.0, goatee=0.0))
    bare = replace(outfit, hat="none", glasses="none")
    assert phrases_of(shaved, bare)["extra"] == {f"with {hair}" for hair in phrases_of(shaved, bare)["hair"]}
    told = phrases_of(shaved, replace(bare, hat="beanie", hat_color=COPPER, glasses="round"))["extra"]
    assert {"with glasses", "with a brown beanie", "with a chestnut woolly hat"} <= told
    assert not any("hair" in one for one in told)


def test_a_sentence_that_cannot_be_read_is_told() -> None:
    with pytest.raises(ValueError, match="got a sentence of the template 'sung', expected dressed, "):
        parts_of("sung", "la la")
    with pytest.raises(ValueError, match=r"got 'la la', expected a sentence like 'the one in \{top\}'"):
        parts_of("the-one", "la la")


def test_people_of_films_come_back_by_their_ids() -> None:
    person = make_identity(12, 3)
    assert dressed_in_film("c12-i3", "o34-2") == (person, make_outfit(person, 34, 2))
    assert dressed_in_film("c12-i3", "u34-2") == (person, make_uniform(person, 34, 2))
    with pytest.raises(ValueError, match="got 'c12-i3' in 'x34-2', expected ids like"):
        dressed_in_film("c12-i3", "x34-2")
