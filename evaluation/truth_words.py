"""What is said of people in a film's queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Description", "descriptions_from_truth", "dress_of"]


@dataclass(frozen=True, slots=True)
class Description:
    """A sentence about somebody as dressed in one scene of a film.

    Attributes:
        identity: Unique over all casts of a run.
        dress: Who wears what, as `TruthTracklet.dress` has it.
        text: What is said.
        kind: `full`, `partial`, `negated` or `synonym`.
        template: Name of the sentence's template.
        held_out: Whether its template or a word was drawn from those that training must not see.
    """

    identity: str
    dress: str
    text: str
    kind: str
    template: str
    held_out: bool


def dress_of(cast: str, raw: Mapping[str, Any]) -> str:
    """Name who wears what: uniforms are shared, so an outfit alone is nobody's."""
    return f"{cast}/{raw['identity_id']}/{raw['outfit_id']}"


def descriptions_from_truth(cast: str, queries: Iterable[Mapping[str, Any]]) -> list[Description]:
    """Take the typed descriptions among a film's queries, in their order, of those that name the clothes."""
    return [
        Description(
            identity=f"{cast}/{raw['identity_id']}",
            dress=dress_of(cast, raw),
            text=raw["text"],
            kind=raw["description_kind"],
            template=raw["template"],
            held_out=bool(raw["held_out"]),
        )
        for raw in queries
        if raw["kind"] == "text" and "outfit_id" in raw
    ]
