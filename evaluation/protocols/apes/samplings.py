"""What the three samplings of APES taught: small maps of a pack's embeddings, as `python -m training samplings` writes.

A file is an .npz of float16 matrices and a head that says which sampling it is, of which pack's embeddings, and from
which films it was learned. `face` and `voice` were each trained alone; `both.face`, `both.voice` and `both.joint` are
the network of both, by the sum of three losses. Applying them is three products of matrices: no torch is needed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from evaluation.datasets.errors import DataError
from evaluation.datasets.tracklets import ModalityRows, Tracklets
from packs.arrays import F32
from packs.spec import Modality

__all__ = ["NAMES", "PACK", "Sampling", "SamplingMaps", "committed_samplings", "read_sampling", "write_sampling"]

SCHEMA = "personsearch-sampling/1"
# Embeddings as a pack's encoders make them.
PACK = "pack"
# In the order of the paper's tables.
NAMES = ("Weak", "Within", "Across")
COMMITTED = Path(__file__).parent / "networks"
MAPS = ("face", "voice", "both.face", "both.voice", "both.joint")


@dataclass(frozen=True, slots=True, eq=False)
class Sampling:
    """Tracklets as one training embeds them.

    Attributes:
        tracklets: With that training's embeddings of faces and voices.
        joint: Of both, a row each; None where the training made none, and fusers join them.
    """

    tracklets: Tracklets
    joint: ModalityRows | None = None

    def take(self, chosen: Any) -> Sampling:
        """Some of them, by bool[N]."""
        rows = np.flatnonzero(chosen)
        return Sampling(self.tracklets.take(rows), None if self.joint is None else self.joint.taken(rows))


@dataclass(frozen=True, slots=True, eq=False)
class SamplingMaps:
    """One training.

    Attributes:
        name: `Weak`, `Within` or `Across`.
        pack: Digest of the pack whose embeddings it learned from.
        films: What it learned from.
        maps: float32[C, D] each, by the names of `MAPS`.
        recipe: How it was trained, for people.
    """

    name: str
    pack: str
    films: Sequence[str]
    maps: Mapping[str, F32]
    recipe: Mapping[str, Any]

    def embed(self, tracklets: Tracklets) -> Sampling:
        """Embed tracklets; what has neither face nor voice has no joint embedding. Raises ValueError for other dims."""
        face, voice = self._inputs(tracklets, Modality.FACE, "face"), self._inputs(tracklets, Modality.VOICE, "voice")
        sides = [voice @ self.maps["both.voice"].T, face @ self.maps["both.face"].T]
        joint = np.concatenate(sides, axis=1) @ self.maps["both.joint"].T
        there = np.linalg.norm(joint, axis=1) > 0
        rows = {
            modality: _mapped(tracklets.rows[modality], inputs @ self.maps[str(modality)].T)
            for modality, inputs in ((Modality.FACE, face), (Modality.VOICE, voice))
            if modality in tracklets.rows
        }
        return Sampling(replace(tracklets, rows=rows), ModalityRows.of(joint, there))

    def _inputs(self, tracklets: Tracklets, modality: Modality, name: str) -> F32:
        dim = self.maps[name].shape[1]
        held = tracklets.rows.get(modality)
        if held is None:
            return np.zeros((len(tracklets), dim), np.float32)
        if held.vectors.shape[1] != dim:
            raise ValueError(f"got {modality} embeddings of length {held.vectors.shape[1]}, {self.name} takes {dim}")
        return np.where(held.present[:, None], held.vectors, np.float32(0.0))


def write_sampling(path: Path, maps: SamplingMaps) -> None:
    """Write a training, whole or not at all, in half precision."""
    head = {
        "schema": SCHEMA,
        "name": maps.name,
        "pack": maps.pack,
        "films": list(maps.films),
        "recipe": dict(maps.recipe),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_suffix(".part.npz")
    halves = {name: maps.maps[name].astype(np.float16) for name in MAPS}
    np.savez_compressed(made, allow_pickle=False, head=np.array(json.dumps(head)), **halves)
    made.replace(path)


def read_sampling(path: Path) -> SamplingMaps:
    """Read what `write_sampling` wrote. Raises DataError."""
    try:
        with np.load(path, allow_pickle=False) as held:
            head = json.loads(str(held["head"]))
            maps = {name: held[name].astype(np.float32) for name in MAPS}
        if head["schema"] != SCHEMA:
            raise DataError(path, f"has the schema {head['schema']!r}, expected {SCHEMA}")
        found = SamplingMaps(head["name"], head["pack"], tuple(head["films"]), maps, head["recipe"])
    except FileNotFoundError as error:
        raise DataError(path, "is not there: `python -m training samplings` writes it") from error
    except (KeyError, ValueError, TypeError, OSError, BadZipFile, EOFError) as error:
        raise DataError(path, f"is no training of a sampling ({type(error).__name__}: {error})") from error
    if found.name not in NAMES:
        raise DataError(path, f"is of the sampling {found.name!r}, expected one of {', '.join(NAMES)}")
    return found


def committed_samplings(pack: str) -> list[SamplingMaps]:
    """Those of the repository that learned from a pack's embeddings, in the paper's order; none for another pack."""
    found = [read_sampling(path) for path in sorted(COMMITTED.glob("*.npz"))]
    return sorted((one for one in found if one.pack == pack), key=lambda one: NAMES.index(one.name))


def _mapped(rows: ModalityRows, vectors: F32) -> ModalityRows:
    return ModalityRows.of(vectors, rows.present, rows.quality)
