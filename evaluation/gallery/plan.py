"""Which films make up a gallery, and where everything of it lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evaluation.truth import Film

__all__ = ["FilmPlan", "GalleryPlan"]


@dataclass(frozen=True, slots=True)
class FilmPlan:
    """One film to be rendered; a folder with a truth is complete, since the truth is written last."""

    seed: int
    cast_seed: int
    identities: int
    minutes: float
    folder: Path

    @property
    def is_rendered(self) -> bool:
        """Whether the film is complete."""
        return (self.folder / "truth.json").exists()

    def check(self, film: Film) -> None:
        """Raise ValueError when the film in the folder is not the one that is planned."""
        casts = {identity.partition("/")[0] for identity in film.attributes}
        got = (casts, len(film.attributes), round(film.duration_s))
        planned = ({f"cast{self.cast_seed}"}, self.identities, round(60 * self.minutes))
        if got != planned:
            raise ValueError(
                f"{self.folder} holds a film with (cast, people, seconds) {got}, expected {planned}: "
                "choose another --out"
            )


@dataclass(frozen=True, slots=True)
class GalleryPlan:
    """A gallery in a folder.

    Attributes:
        films: How many films.
        minutes: Length of each.
        identities: People in each.
        first_seed: Seed of the first film; the others follow by one.
        out: The folder: `films/`, the stack's `state/`, `answers/` and `report/`.
        cast_seed_share: So many films in a row have one cast; 1 gives each film people of its own.
    """

    films: int
    minutes: float
    identities: int
    first_seed: int
    out: Path
    cast_seed_share: int = 1

    def film_plans(self) -> list[FilmPlan]:
        """Return the films in order."""
        return [self._film(number) for number in range(self.films)]

    def _film(self, number: int) -> FilmPlan:
        seed = self.first_seed + number
        cast_seed = self.first_seed + number // self.cast_seed_share * self.cast_seed_share
        return FilmPlan(seed, cast_seed, self.identities, self.minutes, self.out / "films" / f"s{seed}")
