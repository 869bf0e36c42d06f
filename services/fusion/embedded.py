"""Candidates by their embeddings: the evidence that they are, before anything weighs it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from packs.arrays import F32
from packs.spec import Modality
from services.fusion.fusing import Candidate, Evidence
from services.runtime.errors import FieldViolation, InvalidFieldError

__all__ = ["Asked", "EmbeddedCandidate", "Held", "Pairs", "pairs_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One embedding of the person asked for: float32[D] of length 1, its quality, and the part's weight in [-1, 1]."""

    modality: Modality
    vector: F32
    quality: float = 1.0
    weight: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """One embedding of a candidate: float32[D] of length 1, and its quality in [0, 1].

    `asked` are the places of those that it may be compared with; empty for all of its modality.
    """

    modality: Modality
    vector: F32
    quality: float = 1.0
    asked: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedCandidate:
    """An appearance by what it may be compared by; `speaker` is how sure it is that who is heard is who is seen."""

    embeddings: tuple[Held, ...]
    speaker: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """A candidate's evidence, and of each piece the embeddings that were compared: what was asked, and what is held."""

    candidate: Candidate
    compared: tuple[tuple[Asked, Held], ...]


def pairs_of(asked: Sequence[Asked], candidate: EmbeddedCandidate, off: Collection[Modality], field: str = "") -> Pairs:
    """Compare a candidate with what is asked, but for modalities that are off.

    Args:
        asked: The person asked for.
        candidate: The appearance.
        off: Modalities that have no weight.
        field: Of the candidate in the request, for the error.

    Raises:
        InvalidFieldError: Two embeddings of one modality differ in length, or a place is not in `asked`.
    """
    evidence, compared = [], []
    for number, held in enumerate(candidate.embeddings):
        if held.modality in off:
            continue
        place = f"{field}.embeddings[{number}]"
        for other in _with(asked, held, place):
            if other.vector.shape != held.vector.shape:
                said = f"has {len(held.vector)} numbers, expected {len(other.vector)} as the {held.modality} asked for"
                raise InvalidFieldError([FieldViolation(f"{place}.vector", said)])
            cosine = float(np.clip(other.vector @ held.vector, -1.0, 1.0))
            evidence.append(Evidence(held.modality, cosine, other.weight, min(other.quality, held.quality)))
            compared.append((other, held))
    return Pairs(Candidate(tuple(evidence), candidate.speaker), tuple(compared))


def _with(asked: Sequence[Asked], held: Held, place: str) -> list[Asked]:
    """What an embedding may be compared with."""
    if not held.asked:
        return [one for one in asked if one.modality is held.modality]
    if max(held.asked) >= len(asked) or any(asked[one].modality is not held.modality for one in held.asked):
        said = f"names {list(held.asked)}, expected places of the {held.modality} among {len(asked)} that are asked"
        raise InvalidFieldError([FieldViolation(f"{place}.asked", said)])
    return [asked[one] for one in held.asked]
