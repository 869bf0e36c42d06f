"""Tracklets of which a data set has pictures or sounds but no embeddings: what must be embedded, and how it comes back.

CSM-V, WIDER Person Search and APES distribute media and labels. Their loaders give `References`: ids, labels and
where each picture or sound lies. Who has embedded them, with whatever encoders, writes one .npz with the arrays `ids`
(text), `<modality>.vectors` float[N, D] and, where wanted, `<modality>.present` bool[N] and `<modality>.quality`
float[N], for the modalities face, head, body, voice; `attach` joins the two. Nothing in the file is a pickle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from evaluation.datasets.errors import DataError
from evaluation.datasets.tracklets import ModalityRows, Tracklets
from packs.spec import Modality

__all__ = ["Reference", "References", "attach", "not_embedded"]

EMBEDDED = (Modality.FACE, Modality.HEAD, Modality.BODY, Modality.VOICE)


@dataclass(frozen=True, slots=True)
class Reference:
    """One tracklet, picture or query that is known by name.

    Attributes:
        id: Unique in its data set.
        movie: Of which movie or video.
        identity: Whom it shows; None is nobody who is looked for.
        media: Files that show or hold it, by modality.
        box_px: Where in the picture, (x, y, width, height); None is all of it.
        span_s: Start and end in the movie; (0, 0) where the data set does not say.
        speaks: Whether the data set says that the person is heard.
    """

    id: str
    movie: str
    identity: str | None
    media: Mapping[Modality, tuple[Path, ...]] = field(default_factory=dict)
    box_px: tuple[float, float, float, float] | None = None
    span_s: tuple[float, float] = (0.0, 0.0)
    speaks: bool = False


@dataclass(frozen=True, slots=True)
class References:
    """What a data set looks for, and among what; `queries` is empty where every tracklet asks for the others."""

    name: str
    tracklets: tuple[Reference, ...]
    queries: tuple[Reference, ...] = ()


def not_embedded(references: References, data: Path) -> DataError:
    """Say what must be embedded before a protocol can run."""
    media = sorted({modality for one in references.tracklets for modality in one.media})
    parts = [f"{len(references.tracklets)} tracklets"]
    parts += [f"{len(references.queries)} queries"] if references.queries else []
    return DataError(
        data,
        f"{references.name} holds labels and media but no embeddings: embed {' and '.join(parts)} "
        f"({', '.join(media) or 'no media found'}) and give the .npz with --embeddings; its arrays are `ids`, "
        "`<modality>.vectors` and, where wanted, `<modality>.present` and `<modality>.quality`",
    )


def attach(references: tuple[Reference, ...], path: Path) -> Tracklets:
    """Join references with embeddings by id; what has none is there without. Raises DataError."""
    ids, rows = _read(path)
    places = {name: row for row, name in enumerate(ids)}
    order = np.array([places.get(one.id, -1) for one in references], dtype=np.intp)
    if not (order >= 0).any():
        raise DataError(path, f"holds none of the {len(references)} ids asked for, as {references[0].id!r}")
    joined = {modality: _joined(one, order) for modality, one in rows.items()}
    return Tracklets.of(
        [one.id for one in references],
        [one.movie for one in references],
        [one.identity for one in references],
        joined,
        spans_s=[one.span_s for one in references],
        speaks=[one.speaks for one in references],
    )


def _joined(rows: ModalityRows, order: np.ndarray[tuple[int], np.dtype[np.intp]]) -> ModalityRows:
    there = (order >= 0) & rows.present[order]
    return ModalityRows.of(np.where(there[:, None], rows.vectors[order], 0.0), there, rows.quality[order])


def _read(path: Path) -> tuple[list[str], dict[Modality, ModalityRows]]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            held = {name: arrays[name] for name in arrays.files}
    except FileNotFoundError as error:
        raise DataError(path, "is not there") from error
    except (ValueError, OSError, BadZipFile, EOFError) as error:
        raise DataError(path, f"is no .npz of plain arrays ({error})") from error
    if "ids" not in held:
        raise DataError(path, f"has the arrays {sorted(held)}, expected `ids` and `<modality>.vectors`")
    ids = [str(one) for one in held["ids"].tolist()]
    rows: dict[Modality, ModalityRows] = {}
    for modality in EMBEDDED:
        if f"{modality}.vectors" in held:
            given = (held.get(f"{modality}.{column}") for column in ("present", "quality"))
            try:
                rows[modality] = ModalityRows.of(held[f"{modality}.vectors"], *given)
            except ValueError as error:
                raise DataError(path, f"{modality}: {error}") from error
            if len(rows[modality].vectors) != len(ids):
                raise DataError(path, f"has {len(ids)} ids and {len(rows[modality].vectors)} rows of {modality}")
    if not rows:
        raise DataError(path, f"has the arrays {sorted(held)}, expected `<modality>.vectors` of {', '.join(EMBEDDED)}")
    return ids, rows
