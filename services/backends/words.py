"""The half of a pack's text pair that reads: sentences to embeddings in the space of bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from packs.errors import PackError
from packs.manifest import Pack
from packs.spec import ModelSpec
from packs.words import Tokenizer, tokenizer_of, words_of
from packs.words.vocabulary import SPECIAL, UNKNOWN
from packs.words.wordpiece import INSIDE
from services.backends.inference.protocol import InferenceBackend
from services.backends.vision import Embedded, normalised

__all__ = ["Word", "WordModels"]

# The first and the last mark of a row.
MARKS = 2


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text as the tokenizer cuts it.

    Attributes:
        text: In lower case; a mark of punctuation is a word too.
        tokens: Numbers that it takes in a row.
        known: Whether the vocabulary has it.
    """

    text: str
    tokens: int
    known: bool


class WordModels:
    """Reads with one pack.

    Args:
        backend: Where its networks run.
        pack: Their specs and its vocabulary, which is read here.

    Raises:
        PackError: If the pack has a text pair whose vocabulary is absent or damaged.
    """

    def __init__(self, backend: InferenceBackend, pack: Pack) -> None:
        self._backend = backend
        self._pack = pack
        self._spec = pack.text_model
        # A pack without a text pair is fine until somebody asks it to read.
        self._tokenizer: Tokenizer | None = None if self._spec is None else tokenizer_of(pack)

    @property
    def can_read(self) -> bool:
        """Whether the pack has a text pair; without one only this may be asked."""
        return self._tokenizer is not None

    @property
    def most_tokens(self) -> int:
        """Numbers of words that fit into one row.

        Raises:
            PackError: If the pack has no text pair.
        """
        return self._reader()[1].length - MARKS

    def words(self, text: str) -> list[Word]:
        """The words of a text, in order."""
        tokenizer = self._reader()[1]
        cut = ((word, tokenizer.tokens(word)) for word in words_of(text))
        return [Word(word, len(tokens), UNKNOWN not in tokens) for word, tokens in cut]

    def known_words(self) -> list[str]:
        """Whole words of the vocabulary, in its order; our own vocabularies have the most frequent first."""
        listed = self._reader()[1].vocabulary.words
        return [word for word in listed if word not in SPECIAL and not word.startswith(INSIDE) and word.isalpha()]

    async def embed(self, texts: Sequence[str], *, deadline_s: float | None = None) -> Embedded:
        """Embed N texts; words beyond `most_tokens` are dropped.

        Returns:
            float32[N, D] of length 1, comparable with body crops that `VisionModels` embedded as `text`.

        Raises:
            PackError: If the pack has no text pair.
        """
        spec, tokenizer = self._reader()
        if not texts:
            return Embedded(np.zeros((0, spec.embedding_dim or 0), np.float32), np.zeros(0, np.float32))
        outputs = await self._backend.infer(spec.name, {spec.inputs[0].name: tokenizer(texts)}, deadline_s=deadline_s)
        return normalised(spec, np.asarray(outputs[spec.outputs[0].name], dtype=np.float32))

    def _reader(self) -> tuple[ModelSpec, Tokenizer]:
        if self._spec is None or self._tokenizer is None:
            raise PackError(f"pack {self._pack.name} reads no sentences; choose one that has `text` in its manifest")
        return self._spec, self._tokenizer
