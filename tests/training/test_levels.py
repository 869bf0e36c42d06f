import numpy as np
import pytest

from training.data.levels import clause_level, phrase_level, phrases, sentence_level, word_level
from training.masking import kept_places, most_deleted

CAPTION = "A tall man in a red shirt, blue jeans, and a hat. He carries a bag, small."


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def many(draw, count: int = 200) -> set[str]:
    return {draw(rng(seed)) for seed in range(count)}


def test_a_sentence_is_the_caption_in_lower_case() -> None:
    assert sentence_level(" A Red Hat ") == "a red hat"


def test_phrases_are_the_longest_clause_and_the_rest() -> None:
    assert phrases(CAPTION) == ["a tall man in a red shirt", "blue jeans, and a hat", "he carries a bag"]
    # "small" has five characters.
    assert many(lambda chance: phrase_level(CAPTION, chance)) == set(phrases(CAPTION))


def test_clauses_are_those_between_commas() -> None:
    expected = {"a tall man in a red shirt", "blue jeans", "and a hat", "he carries a bag"}
    assert many(lambda chance: clause_level(CAPTION, chance)) == expected


def test_words_are_some_of_the_attributes() -> None:
    attributes = {"top": "a Red shirt", "bottom": "blue jeans", "bag": " "}
    expected = {"a red shirt", "blue jeans", "a red shirt, blue jeans", "blue jeans, a red shirt"}
    assert many(lambda chance: word_level(attributes, CAPTION, chance)) == expected


def test_without_attributes_a_phrase_stands_in() -> None:
    assert many(lambda chance: word_level({}, CAPTION, chance)) == set(phrases(CAPTION))


@pytest.mark.parametrize("caption", ["a cap", "Red.", "", "a, b, c."])
def test_what_has_no_part_stands_in_for_itself(caption: str) -> None:
    for level in (phrase_level, clause_level, lambda text, chance: word_level({}, text, chance)):
        assert level(caption, rng()) == sentence_level(caption)


@pytest.mark.parametrize(("tokens", "most"), [(311, 62), (193, 38), (3, 0), (1, 0)])
def test_at_most_a_fifth_of_the_tokens_goes(tokens: int, most: int) -> None:
    assert most_deleted(tokens, 0.2) == most
    kept = [kept_places(tokens, 0.2, rng(seed)) for seed in range(600)]
    assert {tokens - len(places) for places in kept} == set(range(most + 1))
    for places in kept:
        assert places[0] == 0
        assert (np.diff(places) > 0).all()
        assert places[-1] < tokens


def test_every_place_but_the_first_goes_about_equally_often() -> None:
    gone = np.zeros(50)
    for seed in range(3000):
        gone[np.setdiff1d(np.arange(50), kept_places(50, 0.2, rng(seed)))] += 1
    assert gone[0] == 0
    # On average a tenth: 0..10 of 49.
    np.testing.assert_allclose(gone[1:] / 3000, 5 / 49, atol=0.03)


def test_nothing_is_deleted_where_nothing_may() -> None:
    assert kept_places(9, 0.0, rng()).tolist() == list(range(9))
    with pytest.raises(ValueError, match="class token"):
        kept_places(0, 0.2, rng())
