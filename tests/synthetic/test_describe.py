"""Descriptions say what is so, in several ways, and own up to what training must not see."""

import numpy as np
import pytest

from synthetic.describe import Sentence, describe
from synthetic.identity import make_identity
from synthetic.outfit import make_outfit
from synthetic.types import generator
from synthetic.words import bottom_terms, color_terms, hair_terms, subject_terms, top_terms


def _all(count: int) -> list[tuple[int, Sentence]]:
    out = []
    for k in range(count):
        person = make_identity(11, k)
        out += [(k, s) for s in describe(generator(1, k), person, make_outfit(person, 3, 0))]
    return out


def test_everyone_gets_one_sentence_of_each_kind() -> None:
    for k in range(20):
        person = make_identity(11, k)
        outfit = make_outfit(person, 3, 0)
        sentences = describe(generator(1, k), person, outfit)
        assert [s.kind for s in sentences] == ["full", "partial", "negated", "synonym"]
        assert describe(generator(1, k), person, outfit) == sentences
        assert all("{" not in s.text and "  " not in s.text and s.text == s.text.strip() for s in sentences)


def test_negations_are_true() -> None:
    checked = 0
    for k, sentence in _all(150):
        if sentence.kind != "negated":
            continue
        person = make_identity(11, k)
        outfit = make_outfit(person, 3, 0)
        if "hat" in sentence.text.split(",")[-1]:
            assert outfit.hat == "none"
            checked += 1
        if sentence.text.endswith("glasses"):
            assert outfit.glasses == "none"
            checked += 1
        if ", not in " in sentence.text:
            other = sentence.text.rsplit(" ", 1)[1]
            assert other != color_terms(outfit.top.color).plain
            assert other != color_terms(outfit.bottom.color).plain
            checked += 1
    assert checked > 50


def test_held_out_words_only_stand_in_held_out_sentences() -> None:
    sentences = _all(150)
    held = [s.held_out for _, s in sentences]
    assert 0.1 < np.mean(held) < 0.5
    for k, sentence in sentences:
        person = make_identity(11, k)
        outfit = make_outfit(person, 3, 0)
        terms = [subject_terms(person), top_terms(outfit), hair_terms(person, outfit)[0]]
        terms += [color_terms(outfit.top.color), color_terms(outfit.bottom.color)]
        lower = bottom_terms(outfit)
        rare = {word for t in [*terms, *([lower] if lower else [])] for word in t.held_out if "{" not in word}
        said = f" {sentence.text.replace(',', ' ').replace('?', ' ')} "
        if not sentence.held_out:
            assert not any(f" {word} " in said for word in rare)


@pytest.mark.parametrize(
    ("color", "name"),
    [
        ((0.07, 0.07, 0.08), "black"),
        ((0.92, 0.92, 0.9), "white"),
        ((0.8, 0.12, 0.12), "red"),
        ((0.1, 0.12, 0.28), "navy"),
        ((0.15, 0.3, 0.85), "blue"),
        ((0.2, 0.6, 0.2), "green"),
        ((0.9, 0.8, 0.2), "yellow"),
        ((0.5, 0.5, 0.5), "grey"),
    ],
)
def test_colours_are_called_by_their_names(color: tuple[float, float, float], name: str) -> None:
    assert color_terms(color).plain == name
