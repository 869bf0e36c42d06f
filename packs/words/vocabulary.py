"""Vocabularies on the disk: our own as versioned JSON, BERT's as one piece a line. Neither is ever code."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from packs.errors import PackError
from packs.words.splitting import words_of

VOCABULARY_FORMAT: Final = "personsearch-vocabulary/1"
PAD: Final = "[PAD]"
UNKNOWN: Final = "[UNK]"
FIRST: Final = "[CLS]"
LAST: Final = "[SEP]"
SPECIAL: Final = (PAD, UNKNOWN, FIRST, LAST)


class VocabularyError(PackError):
    """A vocabulary that cannot be used; the message says what is wrong in it."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words and their numbers.

    Attributes:
        words: Each word once, by its number; the four of `SPECIAL` are among them.
        numbers: The number of each word.
    """

    words: tuple[str, ...]
    numbers: Mapping[str, int]

    @classmethod
    def of(cls, words: Iterable[str]) -> Vocabulary:
        """Number words in their order.

        Raises:
            VocabularyError: If a word is empty or there twice, or a special one is absent.
        """
        listed = tuple(words)
        numbers = {word: number for number, word in enumerate(listed)}
        absent = [word for word in SPECIAL if word not in numbers]
        if absent:
            raise VocabularyError(f"a vocabulary needs {', '.join(SPECIAL)}; {', '.join(absent)} is absent")
        if len(numbers) != len(listed) or "" in numbers:
            twice = [word for word, count in Counter(listed).items() if count > 1 or not word]
            raise VocabularyError(f"a vocabulary has each word once and no empty one, got {twice[:5]} more often")
        return cls(listed, MappingProxyType(numbers))

    def __len__(self) -> int:
        return len(self.words)

    def number(self, word: str) -> int:
        """The number of a word, or that of the unknown word."""
        return self.numbers.get(word, self.numbers[UNKNOWN])


def build_vocabulary(sentences: Iterable[str], *, most: int) -> Vocabulary:
    """Collect the words of sentences: the special ones, then the most frequent first, equals in order of the alphabet.

    Args:
        sentences: Those that teach; a word that only tests use must stay unknown.
        most: Largest number of words, the special ones among them.

    Raises:
        VocabularyError: If there is no room for a word besides the special ones.
    """
    if most <= len(SPECIAL):
        raise VocabularyError(f"a vocabulary of at most {most} words has no room besides {', '.join(SPECIAL)}")
    counts = Counter(word for sentence in sentences for word in words_of(sentence))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return Vocabulary.of([*SPECIAL, *ranked[: most - len(SPECIAL)]])


def write_vocabulary(path: Path, vocabulary: Vocabulary) -> None:
    """Write a vocabulary as JSON, `{"format": "personsearch-vocabulary/1", "words": [...]}`, whole or not at all."""
    content = {"format": VOCABULARY_FORMAT, "words": list(vocabulary.words)}
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=0, ensure_ascii=True) + "\n", encoding="ascii")
    partial.replace(path)


def read_vocabulary(path: Path) -> Vocabulary:
    """Read a vocabulary that `write_vocabulary` wrote.

    Raises:
        VocabularyError: If the file is absent, is no JSON, or is of another format.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise VocabularyError(f"no vocabulary at {path}: it lies beside the weights that training wrote") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise VocabularyError(f"{path} is not a vocabulary: {error}") from error
    found = content.get("format") if isinstance(content, dict) else type(content).__name__
    if found != VOCABULARY_FORMAT:
        raise VocabularyError(f"{path} has format {found!r}, expected {VOCABULARY_FORMAT!r}")
    words = content.get("words")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise VocabularyError(f"{path}: `words` must be a list of strings")
    return Vocabulary.of(words)


def read_wordpieces(path: Path) -> Vocabulary:
    """Read a `vocab.txt` of BERT: one piece a line, numbered from 0, those inside a word beginning with `##`.

    Raises:
        VocabularyError: If the file is absent, is no UTF-8, or lacks a special piece.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise VocabularyError(f"no vocabulary at {path}: give the `vocab.txt` that came with the weights") from None
    except UnicodeDecodeError as error:
        raise VocabularyError(f"{path} is not a vocabulary: {error}") from error
    # `str.splitlines` would also break at characters that are pieces themselves.
    pieces = [line.rstrip("\r") for line in lines]
    return Vocabulary.of(pieces[:-1] if pieces and not pieces[-1] else pieces)
