import json
from pathlib import Path

import numpy as np
import pytest

from packs.words import (
    Vocabulary,
    VocabularyError,
    WordPieceTokenizer,
    WordTokenizer,
    build_vocabulary,
    read_vocabulary,
    read_wordpieces,
    words_of,
    write_vocabulary,
)

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A woman in a RED t-shirt, please!", ["a", "woman", "in", "a", "red", "t", "-", "shirt", ",", "please", "!"]),
        ("Café  ÅNGSTRÖM naïve", ["cafe", "angstrom", "naive"]),
        ("e\u0301te\u0301", ["ete"]),
        ("tab\tand\nline\u00a0break", ["tab", "and", "line", "break"]),
        ("zero\u200bwidth\x00\ufffd gone", ["zerowidth", "gone"]),
        ("cost: $5^2+1", ["cost", ":", "$", "5", "^", "2", "+", "1"]),
        ("“quoted” – dash…", ["“", "quoted", "”", "–", "dash", "…"]),
        ("红色 shirt", ["红", "色", "shirt"]),
        ("", []),
    ],
    ids=[
        "marks",
        "accents",
        "combining",
        "blanks",
        "invisible",
        "ascii-symbols",
        "unicode-marks",
        "ideographs",
        "none",
    ],
)
def test_text_is_split_as_bert_splits_it(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_the_commonest_words_come_first_and_equals_by_the_alphabet() -> None:
    vocabulary = build_vocabulary(["red red blue", "a blue red", "a zebra"], most=8)
    assert list(vocabulary.words) == [*SPECIAL, "red", "a", "blue", "zebra"]
    assert list(build_vocabulary(["red red blue"], most=5).words) == [*SPECIAL, "red"]
    with pytest.raises(VocabularyError, match="no room"):
        build_vocabulary(["red"], most=4)


def test_rows_have_one_length_and_unknown_words_a_number() -> None:
    tokenizer = WordTokenizer(build_vocabulary(["a red shirt"], most=20), length=6)
    rows = tokenizer(["Red shirt", "a red velvet shirt, a red shirt", ""])
    assert rows.dtype == np.int32
    a, red, shirt = (tokenizer.vocabulary.numbers[word] for word in ("a", "red", "shirt"))
    assert rows.tolist() == [[2, red, shirt, 3, 0, 0], [2, a, red, 1, shirt, 3], [2, 3, 0, 0, 0, 0]]
    assert tokenizer([]).shape == (0, 6)
    with pytest.raises(ValueError, match="at least 3"):
        WordTokenizer(tokenizer.vocabulary, length=2)


def test_a_vocabulary_comes_back_as_it_was(tmp_path: Path) -> None:
    vocabulary = build_vocabulary(["ein grünes Kleid 红"], most=20)
    write_vocabulary(tmp_path / "vocabulary.json", vocabulary)
    again = read_vocabulary(tmp_path / "vocabulary.json")
    assert again.words == vocabulary.words
    assert again.number("grunes") == vocabulary.numbers["grunes"]
    assert again.number("rot") == 1


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("{", "not a vocabulary"),
        ("[]", "format 'list'"),
        (json.dumps({"format": "other/1", "words": SPECIAL}), "format 'other/1'"),
        (json.dumps({"format": "personsearch-vocabulary/1", "words": "abc"}), "list of strings"),
        (json.dumps({"format": "personsearch-vocabulary/1", "words": SPECIAL[1:]}), r"\[PAD\] is absent"),
        (json.dumps({"format": "personsearch-vocabulary/1", "words": [*SPECIAL, "a", "a"]}), "each word once"),
    ],
)
def test_a_damaged_vocabulary_is_refused(content: str, match: str, tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.json"
    path.write_text(content)
    with pytest.raises(VocabularyError, match=match):
        read_vocabulary(path)
    with pytest.raises(VocabularyError, match="no vocabulary at"):
        read_vocabulary(tmp_path / "absent.json")


def pieces(tmp_path: Path, *more: str, end: str = "\n") -> WordPieceTokenizer:
    path = tmp_path / "vocab.txt"
    path.write_bytes(("\n".join(["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", *more]) + end).encode())
    return WordPieceTokenizer(read_wordpieces(path), length=8)


def test_the_longest_piece_wins_from_the_left(tmp_path: Path) -> None:
    tokenizer = pieces(tmp_path, "un", "##aff", "##able", "##a", "##ff", "una", "##ble", "affable")
    # "una" is longer than "un"; after it "##ff" and "##able" fit.
    assert tokenizer.tokens("unaffable") == ["una", "##ff", "##able"]
    assert tokenizer.tokens("affable UNAFFABLE") == ["affable", "una", "##ff", "##able"]


def test_a_word_without_pieces_is_one_unknown_word(tmp_path: Path) -> None:
    tokenizer = pieces(tmp_path, "red", "##s", ",")
    assert tokenizer.tokens("reds, redx") == ["red", "##s", ",", "[UNK]"]
    assert tokenizer.tokens("r" * 101) == ["[UNK]"]
    # The pieces of a word's inside stand for nothing at its beginning.
    assert tokenizer.tokens("s") == ["[UNK]"]


def test_accents_and_marks_are_as_in_the_uncased_vocabulary(tmp_path: Path) -> None:
    tokenizer = pieces(tmp_path, "cafe", "'", "s", "!", "[", "]", "sep")
    assert tokenizer.tokens("CAFÉ's!") == ["cafe", "'", "s", "!"]
    # A mark in the text is text.
    assert tokenizer.tokens("[SEP]") == ["[", "sep", "]"]


def test_pieces_are_numbered_by_their_lines_and_cut_to_length(tmp_path: Path) -> None:
    tokenizer = pieces(tmp_path, "red", "shirt")
    rows = tokenizer(["red shirt", "red " * 20])
    assert rows.tolist() == [[3, 5, 6, 4, 0, 0, 0, 0], [3, 5, 5, 5, 5, 5, 5, 4]]
    assert len(pieces(tmp_path, "red", "shirt", end="").vocabulary) == 7
    with pytest.raises(VocabularyError, match="no vocabulary at"):
        read_wordpieces(tmp_path / "absent.txt")


def test_a_piece_that_breaks_lines_elsewhere_stays_one_line(tmp_path: Path) -> None:
    tokenizer = pieces(tmp_path, "a", "\u2028", "b")
    assert tokenizer.vocabulary.numbers["b"] == 7
    assert isinstance(tokenizer.vocabulary, Vocabulary)
