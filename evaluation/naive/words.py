"""Search by words without a network: colours of a body tell which words are said of it. numpy alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.naive.vectors import F32, unit
from packs.words import Vocabulary, words_of

__all__ = ["BagError", "BagOfWords", "fit_bag_of_words", "read_bag", "write_bag"]

ARRAYS = ("words", "rarity", "weights")


class BagError(Exception):
    """A file that holds no bag of words."""


@dataclass(frozen=True, slots=True, eq=False)
class BagOfWords:
    """The baseline: colours of a body tell, linearly, which words are said of it; a sentence is the words that it has.

    Attributes:
        vocabulary: Words that count.
        rarity: float32[V], logarithm of how rarely each is said; 0 for what is never or always said.
        weights: float32[F, V], ridge regression: features of a body times these give its words.
    """

    vocabulary: Vocabulary
    rarity: F32
    weights: F32

    def of_texts(self, texts: Sequence[str]) -> F32:
        """Words of sentences, float32[Q, V], rows of length one (or zero, where no word is known)."""
        return unit(_said(texts, self.vocabulary) * self.rarity)

    def of_bodies(self, colours: F32) -> F32:
        """Words that bodies suggest beyond the usual, float32[G, V], rows of length one.

        Args:
            colours: float32[G, F], features of bodies, rows of length one.
        """
        return unit(colours @ self.weights)


def fit_bag_of_words(
    colours: F32, sentences: Sequence[Sequence[str]], vocabulary: Vocabulary, *, ridge: float = 1.0
) -> BagOfWords:
    """Fit the baseline on bodies that are described.

    Args:
        colours: float32[N, F], features of the bodies, rows of length one.
        sentences: What is said of each of the N bodies.
        vocabulary: Words that count.
        ridge: Weight of the ridge term.

    Raises:
        ValueError: If there is no body, or not as many lists of sentences as bodies.
    """
    if not len(colours) or len(colours) != len(sentences):
        raise ValueError(f"got {len(colours)} bodies and {len(sentences)} lists of sentences: give one for each")
    told = np.stack([_said(texts, vocabulary).mean(axis=0) for texts in sentences])
    share = (told > 0.0).mean(axis=0)
    rarity = np.where(share > 0.0, -np.log(np.maximum(share, 1e-12)), 0.0).astype(np.float32)
    wanted = told * rarity
    # The words that everybody suggests tell nobody from anybody.
    beyond = wanted - wanted.mean(axis=0)
    # The dual form: there are more features than bodies.
    gram = colours.astype(np.float64) @ colours.astype(np.float64).T + ridge * np.eye(len(colours))
    weights = colours.T.astype(np.float64) @ np.linalg.solve(gram, beyond.astype(np.float64))
    return BagOfWords(vocabulary, rarity, weights.astype(np.float32))


def write_bag(path: Path, bag: BagOfWords) -> None:
    """Write a bag of words to an npz file, whole or not at all."""
    part = path.with_suffix(".part.npz")
    np.savez(part, allow_pickle=False, words=np.array(bag.vocabulary.words), rarity=bag.rarity, weights=bag.weights)
    part.replace(path)


def read_bag(path: Path) -> BagOfWords:
    """Read what `write_bag` wrote.

    Raises:
        BagError: If the file is absent or is something else.
    """
    if not path.is_file():
        raise BagError(f"no bag of words at {path}: make one with `python -m training teach-words`")
    try:
        with np.load(path, allow_pickle=False) as stored:
            words, rarity, weights = (stored[name] for name in ARRAYS)
    except (KeyError, OSError, ValueError, TypeError) as error:
        raise BagError(
            f"{path} is no bag of words ({error}): make one with `python -m training teach-words`"
        ) from error
    return BagOfWords(Vocabulary.of(words.tolist()), rarity, weights)


def _said(texts: Sequence[str], vocabulary: Vocabulary) -> F32:
    """Which words of the vocabulary each text has: float32[Q, V] of 0 and 1; unknown words are none."""
    out = np.zeros((len(texts), len(vocabulary)), np.float32)
    for row, text in enumerate(texts):
        known = [vocabulary.numbers[word] for word in words_of(text) if word in vocabulary.numbers]
        out[row, known] = 1.0
    return out
