"""Which films the index is measured on: most with a cast of their own, and some that share one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evaluation.gallery.plan import FilmPlan
from evaluation.truth import Film

__all__ = ["IndexPlan", "cast_of", "films_of_largest_cast"]


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """Films that are rendered where they are missing.

    Attributes:
        films: How many.
        sharing: How many of them share one cast; the others have people of their own.
        minutes: Length of each.
        identities: People in each.
        first_seed: Seed of the first film with a cast of its own; the others follow by one. Those that share follow
            from `first_seed + films` on, which is also the seed of their cast.
        out: Folder of everything; the films lie in `films/s<seed>`.
    """

    films: int
    sharing: int
    minutes: float
    identities: int
    first_seed: int
    out: Path

    def film_plans(self) -> list[FilmPlan]:
        """The films in order. Raises ValueError when more share a cast than there are."""
        own = self.films - self.sharing
        if own < 0:
            raise ValueError(f"got {self.sharing} films that share a cast, of {self.films}")
        shared = self.first_seed + self.films
        plans = [self._film(self.first_seed + number, self.first_seed + number) for number in range(own)]
        return plans + [self._film(shared + number, shared) for number in range(self.sharing)]

    def _film(self, seed: int, cast_seed: int) -> FilmPlan:
        return FilmPlan(seed, cast_seed, self.identities, self.minutes, self.out / "films" / f"s{seed}")


def cast_of(film: Film) -> str:
    """The cast of a film; of several the first."""
    return min((identity.partition("/")[0] for identity in film.attributes), default="")


def films_of_largest_cast(films: list[Film]) -> int:
    """How many films share the cast that most share."""
    casts = [cast_of(film) for film in films]
    return max((casts.count(cast) for cast in casts), default=0)
