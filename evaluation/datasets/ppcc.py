"""CSM in the layout of PPCC: affinities that somebody has computed, and who the tracklets show.

Source: the README and readers of `hqqasw/person-search-PPCC` (methods.md 1.7)::

    meta/{subset}.json          {"movie": [m, ...], "info": {m: {"num_tracklet": N, "pids": [C], "labels": [N]}}}
    meta/across_{subset}.json   [{"pid": ..., "plabel": number of the cast member}, ...], a record a tracklet
    affinity/{subset}/in/{movie}/{face|body}_{mean|max}_{ct|tt}_affmat.npy      [C, N] and [N, N]
    affinity/{subset}/across/{face|body}_{mean|max}_{ct|tt}_affmat.npy

A label that is not in the cast, as `others`, is somebody to be confused with. `mean` and `max` are how the similarities
of two tracklets' frames became one: over all of them, or the best of them along the temporal link.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from evaluation.datasets.errors import DataError, needed_array, needed_json, needed_list, needed_mapping
from packs.arrays import F64

__all__ = ["AffinityMovie", "Link", "is_ppcc", "load_across", "load_within"]

Region = Literal["face", "body"]
Link = Literal["mean", "max"]
OTHERS = "others"


@dataclass(frozen=True, slots=True, eq=False)
class AffinityMovie:
    """A pool of tracklets with a cast, and where its affinities lie.

    Attributes:
        name: The movie, or `across`.
        cast: C different people.
        labels: N, whom each tracklet shows; None is none of the cast.
        folder: Holds the matrices.
    """

    name: str
    cast: tuple[str, ...]
    labels: tuple[str | None, ...]
    folder: Path

    def direct(self, region: Region, link: Link) -> F64:
        """Affinities of cast and tracklets, float64[C, N]. Raises DataError."""
        path = self.folder / f"{region}_{link}_ct_affmat.npy"
        return needed_array(path, (len(self.cast), len(self.labels)))

    def links(self, region: Region, link: Link) -> F64:
        """Affinities of tracklets, float64[N, N]. Raises DataError."""
        return needed_array(self.folder / f"{region}_{link}_tt_affmat.npy", (len(self.labels), len(self.labels)))


def is_ppcc(data: Path) -> bool:
    """Whether a folder has this layout."""
    return (data / "meta").is_dir() and (data / "affinity").is_dir()


def load_within(data: Path, subset: str = "test") -> dict[str, AffinityMovie]:
    """Read the movies of a subset, each with its own cast. Raises DataError."""
    path = data / "meta" / f"{subset}.json"
    read = needed_mapping(needed_json(path), path, "the file")
    info = needed_mapping(read.get("info"), path, "`info`")
    found: dict[str, AffinityMovie] = {}
    for movie in needed_list(read.get("movie"), path, "`movie`"):
        facts = needed_mapping(info.get(movie), path, f"`info` of {movie}")
        needed = partial(_names, facts, path, str(movie))
        cast, labels = needed("pids"), needed("labels")
        if facts.get("num_tracklet") != len(labels):
            raise DataError(path, f"{movie} has {len(labels)} labels and num_tracklet {facts.get('num_tracklet')}")
        folder = data / "affinity" / subset / "in" / str(movie)
        found[str(movie)] = _movie(str(movie), cast, labels, folder, path)
    if not found:
        raise DataError(path, "lists no movie")
    return found


def load_across(data: Path, subset: str = "test") -> AffinityMovie:
    """Read the one pool of all movies. Raises DataError."""
    path = data / "meta" / f"across_{subset}.json"
    cast: dict[int, str] = {}
    labels: list[str] = []
    for number, raw in enumerate(needed_list(needed_json(path), path, "the file")):
        record = needed_mapping(raw, path, f"record {number}")
        place, person = record.get("plabel"), record.get("pid")
        if not isinstance(place, int) or not isinstance(person, str):
            raise DataError(path, f"record {number} has no `pid` (text) or no `plabel` (number)")
        if cast.setdefault(place, person) != person:
            raise DataError(path, f"`plabel` {place} is {cast[place]} and, in record {number}, {person}")
        labels.append(person)
    if sorted(cast) != list(range(len(cast))):
        raise DataError(path, f"`plabel` takes {len(cast)} values, expected all from 0 to {len(cast) - 1}")
    people = [cast[place] for place in range(len(cast))]
    return _movie("across", people, labels, data / "affinity" / subset / "across", path)


def _movie(name: str, cast: list[str], labels: list[str], folder: Path, path: Path) -> AffinityMovie:
    if len(set(cast)) < len(cast) or not cast:
        raise DataError(path, f"{name} has a cast of {len(cast)} with {len(set(cast))} different people")
    known = tuple(label if label in set(cast) and label != OTHERS else None for label in labels)
    return AffinityMovie(name, tuple(cast), known, folder)


def _names(facts: Mapping[str, Any], path: Path, movie: str, name: str) -> list[str]:
    return [str(one) for one in needed_list(facts.get(name), path, f"`{name}` of {movie}")]
