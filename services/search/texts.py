"""A description to its embedding: what the pack's vocabulary lacks is told, and what it has is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from packs.arrays import F32
from packs.words import words_of
from services.runtime.errors import FieldViolation, InvalidFieldError, NoKnownWordsError
from services.search.ports import Word, Words
from services.search.query import Description

# Of these alone nobody can be found: a text needs one word more.
_SMALL_WORDS = """
    a an the this that these those i you he she it we they am is are was were be been being have has had having do does
    did can could will would who whom whose which what where when there here and or but not no nor of on in at to from
    for with without by as his her their its my your our me him them looking look find somebody someone anyone anybody
    one nobody please
"""
_SAY_NOTHING = frozenset(words_of(_SMALL_WORDS))
_EXAMPLES = 12


@dataclass(frozen=True, slots=True, eq=False)
class ReadText:
    """A description as it was read.

    Attributes:
        vector: float32[D], L2-normalised.
        unknown: Words that the vocabulary lacks, in the order of the text, each once.
    """

    vector: F32
    unknown: tuple[str, ...]


class TextReader:
    """Reads descriptions."""

    def __init__(self, words: Words) -> None:
        self._words = words

    @property
    def can_read(self) -> bool:
        """Whether the pack has what it takes; without, nothing can be read."""
        return self._words.can_read

    async def read(self, part_index: int, description: Description) -> ReadText:
        """Embed what is known of a description.

        Words that the vocabulary lacks are left out instead of standing there as the unknown word: networks learn from
        sentences with words deleted, and never meet an unknown one.

        Raises:
            NoKnownWordsError: If no known word says what somebody looks like.
            InvalidFieldError: If the known words are more than the pack reads at once.
        """
        words = self._words.words(description.text)
        unknown = tuple(dict.fromkeys(word.text for word in words if not word.known))
        known = [word for word in words if word.known]
        if not any(_tells(word) for word in known):
            raise NoKnownWordsError(part_index, unknown=unknown, examples=self._examples())
        self._check_length(part_index, known)
        embedded = await self._words.embed([" ".join(word.text for word in known)])
        return ReadText(embedded.vectors[0], tuple(word for word in unknown if _is_word(word)))

    def _check_length(self, part_index: int, known: Sequence[Word]) -> None:
        got, most = sum(word.tokens for word in known), self._words.most_tokens
        if got > most:
            said = f"got {got} words and marks, expected at most {most}: say less, what is seen best first"
            raise InvalidFieldError([FieldViolation(f"query.parts[{part_index}].text", said)])

    def _examples(self) -> tuple[str, ...]:
        telling = (word for word in self._words.known_words() if len(word) > 2 and word not in _SAY_NOTHING)
        return tuple(word for word, _ in zip(telling, range(_EXAMPLES), strict=False))


def _tells(word: Word) -> bool:
    return _is_word(word.text) and word.text not in _SAY_NOTHING


def _is_word(text: str) -> bool:
    """Whether it is no mark of punctuation."""
    return any(char.isalnum() for char in text)
