"""CSM-V's voices and WIDER Person Search: labels and media without embeddings.

WIDER Person Search is CSM cut to key frames (methods.md 1.7)::

    {split}.json           {movie: {"cast": [{"id", "img", "label"}],
                                    "candidates": [{"id", "img", "bbox", "label"}]}}
    {split}_label.json     {cast key: [candidate id, ...]}, for a split without labels in its own file

A cast member is asked for within its movie alone. CSM-V's own voice files could not be read by us: `voices.json` is the
contract that is inferred from what its page says, `{movie: {tracklet id: [{"wav", "t_start", "t_end"}]}}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from evaluation.datasets.errors import DataError, needed_json, needed_list, needed_mapping
from evaluation.datasets.references import Reference, References
from packs.spec import Modality

__all__ = ["is_wider", "load_wider", "with_voices"]

OTHERS = "others"


def is_wider(data: Path, split: str = "val") -> bool:
    """Whether a folder has this layout."""
    return (data / f"{split}.json").is_file()


def load_wider(data: Path, split: str = "val") -> References:
    """Read a split of WIDER Person Search. Raises DataError."""
    path = data / f"{split}.json"
    told = _labels(data / f"{split}_label.json")
    queries: list[Reference] = []
    tracklets: list[Reference] = []
    for movie, raw in needed_mapping(needed_json(path), path, "the file").items():
        facts = needed_mapping(raw, path, movie)
        cast = [_entry(one, path, movie) for one in needed_list(facts.get("cast"), path, f"`cast` of {movie}")]
        for entry in cast:
            media = {Modality.FACE: (data / split / str(entry.get("img")),)}
            queries.append(Reference(entry["id"], movie, _person(entry, told, cast_key=True), media))
        people = {query.identity for query in queries if query.movie == movie}
        for one in needed_list(facts.get("candidates"), path, f"`candidates` of {movie}"):
            entry = _entry(one, path, movie)
            person = _person(entry, told, cast_key=False)
            media = {Modality.BODY: (data / split / str(entry.get("img")),)}
            box = _box(entry.get("bbox"), path, entry["id"])
            tracklets.append(Reference(entry["id"], movie, person if person in people else None, media, box))
    return References(f"WIDER Person Search {split}", tuple(tracklets), tuple(queries))


def with_voices(references: References, data: Path) -> References:
    """Add the voices of CSM-V to tracklets that are known by id; those that are not are an error. Raises DataError."""
    path = data / "voices.json"
    spoken: dict[str, list[Any]] = {}
    for movie, raw in needed_mapping(needed_json(path), path, "the file").items():
        for tracklet, cuts in needed_mapping(raw, path, movie).items():
            spoken[tracklet] = needed_list(cuts, path, tracklet)
    known = {one.id for one in references.tracklets}
    unknown = sorted(spoken.keys() - known)
    if unknown:
        raise DataError(path, f"has voices of {len(unknown)} tracklets that are not there, as {unknown[0]!r}")
    heard = [_heard(one, spoken.get(one.id, []), data, path) for one in references.tracklets]
    return References(f"{references.name} with voices", tuple(heard), references.queries)


def _heard(one: Reference, cuts: list[Any], data: Path, path: Path) -> Reference:
    files = []
    for cut in cuts:
        facts = needed_mapping(cut, path, one.id)
        if not isinstance(facts.get("wav"), str) or not facts.get("t_start", 0.0) < facts.get("t_end", 0.0):
            raise DataError(path, f"{one.id} has {cut}, expected `wav`, and `t_start` before `t_end`, in seconds")
        files.append(data / facts["wav"])
    return replace(one, media={**one.media, Modality.VOICE: tuple(files)}, speaks=True) if files else one


def _labels(path: Path) -> Mapping[str, str] | None:
    """Person of each cast key and candidate id; None when the split's own file says it."""
    if not path.is_file():
        return None
    people: dict[str, str] = {}
    for key, found in needed_mapping(needed_json(path), path, "the file").items():
        people[key] = key
        people |= {str(candidate): key for candidate in needed_list(found, path, key)}
    return people


def _person(entry: Mapping[str, Any], told: Mapping[str, str] | None, *, cast_key: bool) -> str | None:
    if told is not None:
        return told.get(entry["id"], entry["id"] if cast_key else None)
    label = entry.get("label")
    return None if label in (None, OTHERS) else str(label)


def _entry(raw: object, path: Path, movie: str) -> dict[str, Any]:
    entry = needed_mapping(raw, path, f"an entry of {movie}")
    if not isinstance(entry.get("id"), str):
        raise DataError(path, f"has an entry of {movie} without an `id`: {entry}")
    return entry


def _box(raw: object, path: Path, name: str) -> tuple[float, float, float, float] | None:
    if raw is None:
        return None
    sides = needed_list(raw, path, f"`bbox` of {name}")
    if len(sides) != 4 or min(sides[2:]) <= 0:
        raise DataError(path, f"{name} has the box {sides}, expected x, y, width, height")
    return (float(sides[0]), float(sides[1]), float(sides[2]), float(sides[3]))
