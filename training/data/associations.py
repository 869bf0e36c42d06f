"""Tracklets of films as the product holds them, for networks that fuse: read-backs of `python -m evaluation run`.

A read-back (`--appearances FILE`) holds what ingest made of films, with the truth of who it is. Pairs are compared as
the product compares them: face and voice anywhere; head and body within a film, over a gap of at most a window; two
people on screen at once never. What two tracklets both have is what they are compared by, so every subset of the
modalities is a task of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.datasets.errors import DataError as ReadBackError
from evaluation.datasets.store import read_search
from evaluation.datasets.tracklets import Tracklets
from packs.spec import Modality
from training.data.shards import DataError

F32 = NDArray[np.float32]
Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]

PARTS: tuple[tuple[Modality, int], ...] = (
    (Modality.FACE, 256),
    (Modality.HEAD, 192),
    (Modality.BODY, 256),
    (Modality.VOICE, 192),
)
LASTING = frozenset({0, 3})
# Every combination of modalities, by their numbers in `PARTS`.
SUBSETS = tuple(subset for size in range(1, len(PARTS) + 1) for subset in combinations(range(len(PARTS)), size))


@dataclass(frozen=True, slots=True, eq=False)
class FilmTracklets:
    """N tracklets and stretches of speech of several films; somebody of the truth is in each.

    Attributes:
        vectors: Of each of `PARTS` float32[N, D_m], rows of length 1, 0 where missing.
        present: float32[N, M], 1 or 0.
        quality: float32[N, M], 0..1, 0 where missing; a voice's by how sure it is that it belongs to who is on screen.
        identity: int64[N], classes from 0 without gaps.
        film: int64[N].
        spans_s: float64[N, 2].
        on_screen: bool[N].
        pack: Digest of the pack that embedded.
    """

    vectors: tuple[F32, ...]
    present: F32
    quality: F32
    identity: Rows
    film: Rows
    spans_s: NDArray[np.float64]
    on_screen: Flags
    pack: str

    def __len__(self) -> int:
        return len(self.identity)

    @property
    def classes(self) -> int:
        """Number of identities."""
        return int(self.identity.max()) + 1

    def having(self, subset: Sequence[int]) -> Rows:
        """Rows that have all of a subset of the modalities: int64[n]."""
        return np.flatnonzero(self.present[:, list(subset)].all(axis=1))

    def lasting(self, rows: Rows) -> Flags:
        """Which pairs may be compared by face or voice: bool[n, n], the diagonal excluded."""
        one_film, gap_s, screen = self._between(rows)
        apart = ~one_film | (gap_s >= 0.0) | (screen[:, None] != screen[None, :])
        return np.asarray(apart & ~np.eye(len(rows), dtype=bool))

    def near(self, rows: Rows, window_s: float) -> Flags:
        """Which pairs may be compared by body or head too: bool[n, n], the diagonal excluded."""
        one_film, gap_s, _ = self._between(rows)
        return np.asarray(self.lasting(rows) & one_film & (gap_s <= window_s))

    def comparable(self, rows: Rows, subset: Sequence[int], window_s: float) -> Flags:
        """Which pairs of rows that have a subset may be compared by all of it: bool[n, n]."""
        return self.lasting(rows) if LASTING.issuperset(subset) else self.near(rows, window_s)

    def _between(self, rows: Rows) -> tuple[Flags, NDArray[np.float64], Flags]:
        film, span = self.film[rows], self.spans_s[rows]
        gap_s = np.maximum(span[:, None, 0] - span[None, :, 1], span[None, :, 0] - span[:, None, 1])
        return film[:, None] == film[None, :], gap_s, self.on_screen[rows]


def load_associations(folder: Path, films: Sequence[str]) -> FilmTracklets:
    """Read the read-backs FILM.npz of a folder.

    Raises:
        DataError: If one is missing or no read-back, has embeddings of other lengths, if two were embedded by different
            packs, or if fewer than two people are left.
    """
    parts = [_read(folder / f"{name}.npz") for name in films]
    packs = {pack for _, pack in parts}
    if len(packs) != 1:
        raise DataError(f"the read-backs in {folder} are of {len(packs)} packs, {sorted(packs)}: make them with one")
    known = [tracklets.take(np.array([one is not None for one in tracklets.identities])) for tracklets, _ in parts]
    names = [str(one) for part in known for one in part.identities]
    places = {name: number for number, name in enumerate(sorted(set(names)))}
    if len(places) < 2:
        raise DataError(f"{', '.join(films)} in {folder} show {len(places)} people, expected two or more")
    columns = [[_column(part, modality, dim) for part in known] for modality, dim in PARTS]
    return FilmTracklets(
        vectors=tuple(np.concatenate([one[0] for one in column]) for column in columns),
        present=np.stack([np.concatenate([one[1] for one in column]) for column in columns], axis=1),
        quality=np.stack([np.concatenate([one[2] for one in column]) for column in columns], axis=1),
        identity=np.array([places[name] for name in names], dtype=np.int64),
        film=_films(known),
        spans_s=np.concatenate([part.spans_s for part in known]),
        on_screen=np.concatenate([part.on_screen for part in known]),
        pack=packs.pop(),
    )


def _read(path: Path) -> tuple[Tracklets, str]:
    try:
        search, facts = read_search(path)
        return search.tracklets, str(facts["pack"]["digest"])
    except ReadBackError as error:
        raise DataError(str(error)) from error
    except (KeyError, TypeError) as error:
        raise DataError(f"{path} does not say which pack embedded it: make it anew") from error


def _films(known: Sequence[Tracklets]) -> Rows:
    names: Mapping[str, int] = {
        name: number for number, name in enumerate(sorted({name for part in known for name in part.movies}))
    }
    return np.array([names[name] for part in known for name in part.movies], dtype=np.int64)


def _column(part: Tracklets, modality: Modality, dim: int) -> tuple[F32, F32, F32]:
    rows = part.rows.get(modality)
    if rows is None:
        return np.zeros((len(part), dim), np.float32), *np.zeros((2, len(part)), np.float32)
    if rows.vectors.shape[1] != dim:
        raise DataError(
            f"{part.movies[0]} has {modality} embeddings of length {rows.vectors.shape[1]}, expected {dim}: "
            "the presets are for the encoders of the demo pack"
        )
    quality = rows.quality * part.speaker if modality is Modality.VOICE else rows.quality
    return rows.vectors, rows.present.astype(np.float32), quality.astype(np.float32)
