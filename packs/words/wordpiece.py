"""WordPiece as bert-base-uncased uses it: the longest piece that fits, from the left.

Source: Devlin et al., arXiv:1810.04805v2, section 3, and Wu et al., "Google's Neural Machine Translation System",
arXiv:1609.08144v2, section 4.1. Marks such as `[SEP]` inside a text are text, so that nobody can end a sentence early.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from packs.arrays import I32
from packs.words.splitting import words_of
from packs.words.tokenizer import framed
from packs.words.vocabulary import UNKNOWN, Vocabulary

INSIDE: Final = "##"
# Longer words are not taken apart; the published tokenizer has the same limit.
LONGEST_WORD: Final = 100


class WordPieceTokenizer:
    """Numbers for pieces of words.

    Args:
        vocabulary: The pieces, read from a `vocab.txt`.
        length: Numbers in a row, the first and the last mark among them.
    """

    def __init__(self, vocabulary: Vocabulary, *, length: int) -> None:
        if length < 3:
            raise ValueError(f"a row of {length} holds no piece between its two marks: give at least 3")
        self.vocabulary = vocabulary
        self.length = length

    def tokens(self, text: str) -> list[str]:
        """The pieces of a text; a word that no pieces make up is one `[UNK]`."""
        return [piece for word in words_of(text) for piece in self._pieces(word)]

    def __call__(self, texts: Sequence[str]) -> I32:
        """Number texts.

        Args:
            texts: Of any length; pieces beyond `length - 2` are dropped.

        Returns:
            int32[N, length]: `[CLS]`, the pieces, `[SEP]`, then `[PAD]` to the end.
        """
        return framed([self.tokens(text) for text in texts], self.vocabulary, self.length)

    def _pieces(self, word: str) -> list[str]:
        if len(word) > LONGEST_WORD:
            return [UNKNOWN]
        pieces: list[str] = []
        start = 0
        while start < len(word):
            piece = self._longest(word, start)
            if piece is None:
                return [UNKNOWN]
            pieces.append(piece)
            start += len(piece) - (len(INSIDE) if start else 0)
        return pieces

    def _longest(self, word: str, start: int) -> str | None:
        prefix = INSIDE if start else ""
        for end in range(len(word), start, -1):
            piece = prefix + word[start:end]
            if piece in self.vocabulary.numbers:
                return piece
        return None
