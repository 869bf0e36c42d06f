"""Tracklets with embeddings of some modalities: the one value that all protocols take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from packs.arrays import F32, F64
from packs.spec import Modality

__all__ = ["CastSearch", "ModalityRows", "Tracklets"]

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ModalityRows:
    """Embeddings of one modality, a row for each of N tracklets.

    Attributes:
        vectors: float32[N, D], rows of length 1; 0 where the modality is missing.
        present: bool[N].
        quality: float32[N], 0..1, as the index keeps it; 0 where the modality is missing.
    """

    vectors: F32
    present: Flags
    quality: F32

    @classmethod
    def of(cls, vectors: ArrayLike, present: ArrayLike | None = None, quality: ArrayLike | None = None) -> Self:
        """Take rows as they are and make those that are there 1 long; all are there, of quality 1, when left out.

        Raises:
            ValueError: If shapes differ, or a row that is there is 0 or not finite.
        """
        rows = np.array(vectors, dtype=np.float32)
        count = len(rows)
        there = np.ones(count, dtype=bool) if present is None else np.asarray(present, dtype=bool)
        clear = np.ones(count, np.float32) if quality is None else np.asarray(quality, dtype=np.float32)
        if rows.ndim != 2 or there.shape != (count,) or clear.shape != (count,):
            raise ValueError(f"got vectors {rows.shape}, present {there.shape}, quality {clear.shape}, expected N rows")
        lengths = np.linalg.norm(rows[there], axis=1)
        if not (np.isfinite(lengths).all() and (lengths > 0).all()):
            raise ValueError("got an embedding that is 0 or not finite")
        rows[there] /= lengths[:, None]
        rows[~there] = 0.0
        return cls(rows, there, np.where(there, clear, 0.0).astype(np.float32))

    def taken(self, rows: NDArray[np.intp]) -> ModalityRows:
        """Some of the rows."""
        return ModalityRows(self.vectors[rows], self.present[rows], self.quality[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Tracklets:
    """N tracklets (or clips, or queries), in one order.

    Attributes:
        ids: Unique.
        movies: The movie, video or film of each.
        identities: Whom each shows; None is somebody of no cast, or nobody.
        spans_s: float64[N, 2], start and end in seconds of the movie.
        rows: Embeddings by modality; a modality without any is left out.
        on_screen: bool[N]; False is speech that stands alone.
        face_visible: bool[N]; whether the truth says that the face is seen well; where no truth says it, whether there
            is a face embedding.
        speaks: bool[N]; whether the person is heard in it, by the truth where there is one, else by whether there is a
            voice embedding.
        speaker: float32[N], 0..1, how sure it is that the voice is that of the person on screen; 1 where nothing says
            so.
        outfits: What each wears, so that the same clothes are the same text; empty where the truth does not say.
        heard: Whom each lets be heard most of the time that it speaks, by the truth; where none says so, whom it shows,
            if it speaks. Speech that was linked to somebody else's tracklet is heard all the same.
        partly: Everybody else whom the truth has in a part of it: who passes through its boxes, or says a word.
    """

    ids: tuple[str, ...]
    movies: tuple[str, ...]
    identities: tuple[str | None, ...]
    spans_s: F64
    rows: Mapping[Modality, ModalityRows]
    on_screen: Flags
    face_visible: Flags
    speaks: Flags
    speaker: F32
    outfits: tuple[str, ...]
    heard: tuple[str | None, ...]
    partly: tuple[frozenset[str], ...]

    def __post_init__(self) -> None:
        count = len(self.ids)
        lengths = {len(self.movies), len(self.identities), len(self.on_screen), len(self.face_visible)}
        lengths |= {
            len(self.speaks),
            len(self.speaker),
            len(self.outfits),
            len(self.heard),
            len(self.partly),
            *(len(one.vectors) for one in self.rows.values()),
        }
        if lengths != {count} or self.spans_s.shape != (count, 2):
            raise ValueError(f"got {count} ids beside columns of {sorted(lengths)} and spans {self.spans_s.shape}")
        if len(set(self.ids)) < count:
            raise ValueError("got an id twice")

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of(
        cls,
        ids: Sequence[str],
        movies: Sequence[str],
        identities: Sequence[str | None],
        rows: Mapping[Modality, ModalityRows],
        *,
        spans_s: ArrayLike | None = None,
        on_screen: ArrayLike | None = None,
        face_visible: ArrayLike | None = None,
        speaks: ArrayLike | None = None,
        speaker: ArrayLike | None = None,
        outfits: Sequence[str] | None = None,
        heard: Sequence[str | None] | None = None,
        partly: Sequence[frozenset[str]] | None = None,
    ) -> Self:
        """Take what is known; without spans all begin at 0 and nothing is short, without flags the rows say them."""
        count = len(ids)

        def flags(given: ArrayLike | None, modality: Modality | None) -> Flags:
            if given is not None:
                return np.asarray(given, dtype=bool)
            if modality is None:
                return np.ones(count, dtype=bool)
            return rows[modality].present if modality in rows else np.zeros(count, dtype=bool)

        spoken = flags(speaks, Modality.VOICE)
        told = [name if one else None for name, one in zip(identities, spoken, strict=True)]
        return cls(
            tuple(ids),
            tuple(movies),
            tuple(identities),
            np.zeros((count, 2)) if spans_s is None else np.asarray(spans_s, dtype=np.float64).reshape(count, 2),
            {modality: one for modality, one in rows.items() if one.present.any()},
            flags(on_screen, None),
            flags(face_visible, Modality.FACE),
            spoken,
            np.ones(count, np.float32) if speaker is None else np.asarray(speaker, dtype=np.float32),
            ("",) * count if outfits is None else tuple(outfits),
            tuple(told if heard is None else heard),
            (frozenset(),) * count if partly is None else tuple(partly),
        )

    def take(self, chosen: NDArray[Any]) -> Tracklets:
        """Some of them, by bool[N] or by numbers, in that order."""
        rows = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return Tracklets(
            tuple(self.ids[row] for row in rows),
            tuple(self.movies[row] for row in rows),
            tuple(self.identities[row] for row in rows),
            self.spans_s[rows],
            {modality: one.taken(rows) for modality, one in self.rows.items()},
            self.on_screen[rows],
            self.face_visible[rows],
            self.speaks[rows],
            self.speaker[rows],
            tuple(self.outfits[row] for row in rows),
            tuple(self.heard[row] for row in rows),
            tuple(self.partly[row] for row in rows),
        )

    def of_movie(self, movie: str) -> Flags:
        """Which are of a movie: bool[N]."""
        return np.array([one == movie for one in self.movies], dtype=bool)

    def present(self, modality: Modality) -> Flags:
        """Which have a modality: bool[N]."""
        return self.rows[modality].present if modality in self.rows else np.zeros(len(self), dtype=bool)


@dataclass(frozen=True, slots=True, eq=False)
class CastSearch:
    """People to look for, and where.

    Attributes:
        name: Of the data, for reports.
        tracklets: Where.
        portraits: Who; `movies` says which movie's cast a portrait is of.
        voices: Voice clips of the cast; None where there are none.
        texts: Descriptions of the cast as dressed in some scene; `outfits` are whose clothes they describe, as
            "person/outfit". None where there are none.
        attributes: What is known of each identity, for figures by group.
    """

    name: str
    tracklets: Tracklets
    portraits: Tracklets
    voices: Tracklets | None = None
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    texts: Tracklets | None = None
