"""A `CastSearch` in one .npz file: text and numbers, no pickles, so that protocols run again without a stack."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from evaluation.datasets.errors import DataError
from evaluation.datasets.tracklets import CastSearch, ModalityRows, Tracklets
from packs.spec import Modality

__all__ = ["read_search", "write_search"]

SCHEMA = "personsearch-tracklets/1"
FLAGS = ("on_screen", "face_visible", "speaks")
Arrays = Mapping[str, NDArray[Any]]


def write_search(path: Path, search: CastSearch, facts: Mapping[str, Any]) -> None:
    """Write it, whole or not at all; `facts` say what it was made of (films, pack)."""
    head = {"schema": SCHEMA, "name": search.name, "facts": dict(facts), "attributes": dict(search.attributes)}
    arrays: dict[str, NDArray[Any]] = {"head": np.array(json.dumps(head))}
    parts = {
        "tracklets": search.tracklets,
        "portraits": search.portraits,
        "voices": search.voices,
        "texts": search.texts,
    }
    for name, part in parts.items():
        if part is not None:
            arrays |= {f"{name}/{column}": values for column, values in _columns(part).items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_suffix(".part.npz")
    np.savez_compressed(made, allow_pickle=False, **arrays)
    made.replace(path)


def read_search(path: Path) -> tuple[CastSearch, dict[str, Any]]:
    """Read what `write_search` wrote, and its facts. Raises DataError."""
    try:
        with np.load(path, allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        head = json.loads(str(arrays["head"]))
        if head["schema"] != SCHEMA:
            raise DataError(path, f"has the schema {head['schema']!r}, expected {SCHEMA}: make it anew")
        tracklets, portraits = _part(arrays, "tracklets"), _part(arrays, "portraits")
        voices = _part(arrays, "voices") if "voices/ids" in arrays else None
        texts = _part(arrays, "texts") if "texts/ids" in arrays else None
        return CastSearch(head["name"], tracklets, portraits, voices, head["attributes"], texts), head["facts"]
    except FileNotFoundError as error:
        raise DataError(path, "is not there") from error
    except DataError:
        raise
    except (KeyError, ValueError, TypeError, OSError, BadZipFile, EOFError) as error:
        problem = f"is no file of tracklets ({type(error).__name__}: {error}): make it anew with --films"
        raise DataError(path, problem) from error


def _columns(part: Tracklets) -> dict[str, NDArray[Any]]:
    known = np.array([one is not None for one in part.identities], dtype=bool)
    columns: dict[str, NDArray[Any]] = {
        "ids": np.array(part.ids, dtype=np.str_),
        "movies": np.array(part.movies, dtype=np.str_),
        "identities": np.array([one or "" for one in part.identities], dtype=np.str_),
        "known": known,
        "spans_s": part.spans_s,
        "speaker": part.speaker,
        "outfits": np.array(part.outfits, dtype=np.str_),
        "heard": np.array([one or "" for one in part.heard], dtype=np.str_),
        "partly": np.array([json.dumps(sorted(names)) for names in part.partly], dtype=np.str_),
    }
    columns |= {name: getattr(part, name) for name in FLAGS}
    for modality, rows in part.rows.items():
        columns[f"{modality}.vectors"] = rows.vectors
        columns[f"{modality}.present"], columns[f"{modality}.quality"] = rows.present, rows.quality
    return columns


def _part(arrays: Arrays, name: str) -> Tracklets:
    held = {key.partition("/")[2]: values for key, values in arrays.items() if key.startswith(f"{name}/")}
    people = zip(held["identities"].tolist(), held["known"].tolist(), strict=True)
    rows = {
        modality: ModalityRows(*(held[f"{modality}.{column}"] for column in ("vectors", "present", "quality")))
        for modality in Modality
        if f"{modality}.vectors" in held
    }
    return Tracklets.of(
        held["ids"].tolist(),
        held["movies"].tolist(),
        [identity if known else None for identity, known in people],
        rows,
        spans_s=held["spans_s"],
        speaker=held["speaker"],
        # Files of before know none.
        outfits=held["outfits"].tolist() if "outfits" in held else None,
        heard=[one or None for one in held["heard"].tolist()] if "heard" in held else None,
        partly=[frozenset(json.loads(one)) for one in held["partly"].tolist()] if "partly" in held else None,
        **{flag: held[flag] for flag in FLAGS},
    )
