"""Body crops and the sentences that describe them: `descriptions.json` beside the shards of a set."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.data.crops import CropSet, load_crops
from training.data.shards import DataError, FrameSet
from training.recipe import CropChoice

SCHEMA = "synthcast-descriptions/1"
FILE = "descriptions.json"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One description.

    Attributes:
        text: What is said.
        kind: `full`, `partial`, `negated` or `synonym`.
        held_out: Whether training must not see it; true wherever one of the next two is.
        held_out_template: Whether its template is one of those.
        held_out_words: Whether one of its words is.
    """

    text: str
    kind: str
    held_out: bool
    held_out_template: bool
    held_out_words: bool

    @property
    def group(self) -> str:
        """What is held out: `seen` (nothing), `template`, `words`, `both`, or `other` (marked without a reason)."""
        if not self.held_out:
            return "seen"
        reasons = [name for name in ("template", "words") if getattr(self, f"held_out_{name}")]
        return "both" if len(reasons) == 2 else "".join(reasons) or "other"


@dataclass(frozen=True, slots=True)
class Described:
    """A person in an outfit.

    Attributes:
        attributes: Short phrases by what they are about.
        sentences: Everything that is said.
    """

    attributes: Mapping[str, str]
    sentences: tuple[Sentence, ...]

    @property
    def teaching(self) -> tuple[str, ...]:
        """What training may see."""
        return tuple(sentence.text for sentence in self.sentences if not sentence.held_out)


Descriptions = Mapping[tuple[int, int], Described]
"""By identity and outfit, as the shards number them."""


@dataclass(frozen=True, slots=True)
class PairSet:
    """Crops and what is said of them.

    Attributes:
        crops: Labelled by person and outfit.
        described: One for each label.
    """

    crops: CropSet
    described: tuple[Described, ...]

    def teaching_texts(self) -> Iterator[str]:
        """Every text that training may see, sentences and attributes."""
        for one in self.described:
            yield from one.teaching
            yield from one.attributes.values()


def read_descriptions(directory: Path) -> Descriptions:
    """Read the descriptions of a set.

    Raises:
        DataError: If they are absent or of another schema.
    """
    path = directory / FILE
    if not path.exists():
        raise DataError(f"no descriptions at {path}: write them with `python -m synthetic descriptions {directory}`")
    content = json.loads(path.read_text())
    if content.get("schema") != SCHEMA:
        raise DataError(f"{path} has schema {content.get('schema')!r}, expected {SCHEMA!r}")
    return {(int(one["identity"]), int(one["outfit"])): _described(one) for one in content["people"]}


def load_pairs(sets: Sequence[FrameSet], choice: CropChoice) -> PairSet:
    """Read the crops of a recipe and what is said of them.

    Raises:
        DataError: If somebody who was drawn is not described, or by held-out sentences only.
        ValueError: If crops are not labelled by outfit: sentences speak of clothes.
    """
    if choice.label != "outfit":
        raise ValueError(f"descriptions speak of clothes: label crops by `outfit`, not by `{choice.label}`")
    crops = load_crops(sets, choice)
    worn = np.concatenate([np.stack([p.identity, p.outfit], axis=1) for p in (s.people() for s in sets)])
    source = np.concatenate([np.full(len(s.people()), number) for number, s in enumerate(sets)])
    read = [read_descriptions(one.directory) for one in sets]
    first = np.unique(crops.labels, return_index=True)[1]
    rows = crops.rows[first]
    found = [_of(read[source[row]], tuple(worn[row].tolist()), sets[source[row]].directory) for row in rows]
    return PairSet(crops, tuple(found))


def _of(descriptions: Descriptions, worn: tuple[int, int], directory: Path) -> Described:
    one = descriptions.get(worn)
    if one is None or not one.teaching:
        said = "is not described" if one is None else "has held-out descriptions only: write more rounds"
        raise DataError(f"person {worn[0]} in outfit {worn[1]} of {directory} {said}")
    return one


def _described(content: Mapping[str, Any]) -> Described:
    sentences = tuple(
        Sentence(
            text=one["text"],
            kind=one["kind"],
            held_out=one["held_out"],
            held_out_template=one["held_out_template"],
            held_out_words=one["held_out_words"],
        )
        for one in content["sentences"]
    )
    return Described(content["attributes"], sentences)
