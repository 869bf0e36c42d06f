"""Three texts of one description: as a sentence, as a phrase of it, as words. Pure functions of a source of chance.

Source: Shu et al., "See Finer, See More" (IVT), arXiv:2208.08608, multi-level alignment, with the rules of the
published loaders (methods.md 4.2). Those fail on a caption without any part of more than five characters; here the
caption itself stands in, everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

# Shorter parts say nothing ("a hat" has five characters), as published.
LONGER_THAN: Final = 5


def sentence_level(caption: str) -> str:
    """The whole caption in lower case."""
    return caption.lower().strip()


def phrase_level(caption: str, rng: np.random.Generator) -> str:
    """One part of the caption, drawn from `phrases`; the caption where there is none."""
    return _drawn(phrases(caption), rng) or sentence_level(caption)


def word_level(attributes: Mapping[str, str], caption: str, rng: np.random.Generator) -> str:
    """Some of a person's attributes, joined by commas, as the loader for CUHK-PEDES does.

    Args:
        attributes: Short phrases by what they are about ("top": "a red shirt").
        caption: Stands in where no attribute is known: one of its phrases, or all of it.
        rng: Source of chance: how many (1 to all), which, and in what order.
    """
    values = [value.lower().strip() for value in attributes.values() if value.strip()]
    if not values:
        return phrase_level(caption, rng)
    count = int(rng.integers(1, len(values) + 1))
    return ", ".join(values[k] for k in rng.permutation(len(values))[:count])


def clause_level(caption: str, rng: np.random.Generator) -> str:
    """One clause between commas, as the loaders for ICFG-PEDES and RSTPReid do at the word level."""
    return _drawn(_long(sentence_level(caption).replace(".", ",").split(",")), rng) or sentence_level(caption)


def phrases(caption: str) -> list[str]:
    """Parts of a caption: of each sentence its longest clause, and its other clauses joined.

    Parts of five characters or fewer are left out.
    """
    parts: list[str] = []
    for sentence in sentence_level(caption).split("."):
        clauses = [clause.strip() for clause in sentence.split(",")]
        longest = max(range(len(clauses)), key=lambda k: len(clauses[k]))
        parts.append(clauses[longest])
        parts.append(", ".join(clause for k, clause in enumerate(clauses) if k != longest and clause))
    return _long(parts)


def _long(parts: list[str]) -> list[str]:
    return [part.strip() for part in parts if len(part.strip()) > LONGER_THAN]


def _drawn(items: list[str], rng: np.random.Generator) -> str:
    return items[int(rng.integers(len(items)))] if items else ""
