"""How well embeddings alone tell people apart: each sample asks for its person's other samples.

A sample of a tracklet (or line) is ranked by cosine against samples of other tracklets (lines): its own tracklet's
are left out, since neighbouring frames are nearly one picture. Right is the same person.

face            all films' faces
body_in_scene   the bodies of the same scene: clothes hold
body_across     the bodies of all other scenes, of all films: clothes have changed
voice           all films' lines

The mean average precision is the mean over identities of the mean over their samples; samples without another of
their person in reach are left out. `chance` is what a random order of the same gallery would have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.encoders.embedding import Embeddings
from evaluation.encoders.samples import Label
from evaluation.metrics.average_precision import average_precision, chance_average_precision
from evaluation.metrics.bootstrap import Estimate, estimate_mean
from evaluation.naive import mean_mfcc
from packs.arrays import F32
from packs.spec import Modality

__all__ = ["EncoderFigures", "encoder_figures", "retrieval"]

# With more samples than these, evenly spread ones ask; all stay in the gallery.
MOST_QUERIES = 4000

Mask = NDArray[np.bool_]
# Which rows of a gallery a sample may be ranked against, by the scenes of all rows and its own.
Reach = Callable[[NDArray[np.int64], int], Mask]


@dataclass(frozen=True, slots=True)
class EncoderFigures:
    """One encoder, or baseline, on one set of samples."""

    mean_average_precision: Estimate
    per_identity: Mapping[str, float]
    chance: float
    queries: int
    gallery: int


def _everywhere(scenes: NDArray[np.int64], own: int) -> Mask:
    return np.ones(len(scenes), dtype=bool)


def _in_scene(scenes: NDArray[np.int64], own: int) -> Mask:
    return np.asarray(scenes == own)


def _other_scenes(scenes: NDArray[np.int64], own: int) -> Mask:
    return np.asarray(scenes != own)


# Modality, reach, name of ours, name of the naive one.
SETS: tuple[tuple[Modality, Reach, str, str], ...] = (
    (Modality.FACE, _everywhere, "encoder.face", "naive.face_pixels"),
    (Modality.BODY, _in_scene, "encoder.body_in_scene", "naive.body_histogram_in_scene"),
    (Modality.BODY, _other_scenes, "encoder.body_across", "naive.body_histogram_across"),
    (Modality.VOICE, _everywhere, "encoder.voice", "naive.voice_mfcc"),
)


def encoder_figures(films: Sequence[Mapping[Modality, Embeddings]]) -> dict[str, EncoderFigures]:
    """Pool the films and measure each set of samples; sets in which nobody can be found are left out."""
    found: dict[str, EncoderFigures] = {}
    for modality, reach, ours, naive in SETS:
        parts = [film[modality] for film in films if modality in film]
        if not parts:
            continue
        labels = [label for part in parts for label in part.labels]
        for name, vectors in ((ours, np.concatenate([part.ours for part in parts])), (naive, _naive(parts))):
            figures = retrieval(vectors, labels, reach)
            if figures is not None:
                found[name] = figures
    return found


def _naive(parts: Sequence[Embeddings]) -> F32:
    """The baseline's vectors of all films; clips are given to theirs together, since it standardises over them."""
    clips = [clip for part in parts for clip in part.clips]
    return mean_mfcc(clips) if clips else np.concatenate([part.naive for part in parts if part.naive is not None])


def retrieval(vectors: F32, labels: Sequence[Label], reach: Reach = _everywhere) -> EncoderFigures | None:
    """Rank samples float32[N, D] against each other; None when no sample has another of its person in reach."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    identities, groups, scenes = (_numbered(column) for column in _columns(labels))
    precisions: dict[str, list[float]] = {}
    chances: list[float] = []
    for row in _queries(len(labels)):
        candidates = reach(scenes, int(scenes[row])) & (groups != groups[row])
        wanted = identities[candidates] == identities[row]
        relevant_count = int(wanted.sum())
        if relevant_count:
            order = np.argsort(-(unit[candidates] @ unit[row]), kind="stable")
            ranked = wanted[order].tolist()
            precisions.setdefault(labels[row].identity, []).append(average_precision(ranked, relevant_count))
            chances.append(chance_average_precision(relevant_count, len(wanted)))
    if not precisions:
        return None
    per_identity = {name: float(np.mean(values)) for name, values in sorted(precisions.items())}
    estimate = estimate_mean(list(per_identity.values()))
    return EncoderFigures(estimate, per_identity, float(np.mean(chances)), len(chances), len(labels))


def _queries(count: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, count - 1, min(count, MOST_QUERIES)).round().astype(np.int64))


def _columns(labels: Sequence[Label]) -> tuple[list[str], list[str], list[str]]:
    return [one.identity for one in labels], [one.group for one in labels], [one.scene for one in labels]


def _numbered(names: Sequence[str]) -> NDArray[np.int64]:
    return np.asarray(np.unique(np.array(names), return_inverse=True)[1], dtype=np.int64)
