"""Sentences to rows of numbers of one length, by whole words: the tokenizer of the small presets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from packs.arrays import I32
from packs.words.splitting import words_of
from packs.words.vocabulary import FIRST, LAST, PAD, UNKNOWN, Vocabulary


class WordTokenizer:
    """Numbers for whole words.

    Args:
        vocabulary: The words; others become the unknown word.
        length: Numbers in a row, the first and the last mark among them.
    """

    def __init__(self, vocabulary: Vocabulary, *, length: int) -> None:
        if length < 3:
            raise ValueError(f"a row of {length} holds no word between its two marks: give at least 3")
        self.vocabulary = vocabulary
        self.length = length

    def tokens(self, text: str) -> list[str]:
        """The words of a sentence as the vocabulary has them, `[UNK]` for others."""
        return [word if word in self.vocabulary.numbers else UNKNOWN for word in words_of(text)]

    def __call__(self, texts: Sequence[str]) -> I32:
        """Number sentences.

        Args:
            texts: Of any length; words beyond `length - 2` are dropped.

        Returns:
            int32[N, length]: `[CLS]`, the words, `[SEP]`, then `[PAD]` (0 in all our vocabularies) to the end.
        """
        return framed((self.tokens(text) for text in texts), self.vocabulary, self.length)


def framed(rows: Iterable[Sequence[str]], vocabulary: Vocabulary, length: int) -> I32:
    """Put words between the marks, cut them to the length, and fill up: int32[N, length]."""
    filled = []
    for words in rows:
        numbers = [vocabulary.numbers[word] for word in (FIRST, *words[: length - 2], LAST)]
        filled.append(numbers + [vocabulary.numbers[PAD]] * (length - len(numbers)))
    return np.array(filled, dtype=np.int32).reshape(-1, length)
