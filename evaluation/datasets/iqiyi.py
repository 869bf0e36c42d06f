"""iQIYI-VID in the layout of its 2019 release: features of clips, and who is in them.

Files (methods.md 5.5)::

    train_gt.txt                 "clip label", a clip a line
    val_gt.txt                   "label clip clip ...", an identity a line; label 0 holds the distractors
    face_{train,val}*.pickle     {clip: [[frame, box, detector score, quality, feature], ...]}
    head_{train,val}*.pickle     {clip: [[frame, box, detector score, feature], ...]}
    body_{train,val}*.pickle     {clip: [[frame, box, feature], ...]}
    audio_{train,val}*.pickle    {clip: feature}

The pickles are those of Python 2, and are read by `restricted_pickle` alone. A clip's face is the mean of its 32 best
frames, weighted by quality, as the paper keeps them; head and body are the mean of their frames. The quality that a
file gives, about 0 to 100 (the published code divides it so), becomes 0..1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.datasets.errors import DataError
from evaluation.datasets.restricted_pickle import read_pickle
from evaluation.datasets.tracklets import ModalityRows, Tracklets
from packs.arrays import F32
from packs.spec import Modality

__all__ = ["ClipIdentification", "is_iqiyi", "load_iqiyi"]

# File name and how many values stand before the feature of a frame; None is one feature a clip.
STREAMS: Mapping[Modality, tuple[str, int | None]] = {
    Modality.FACE: ("face", 4),
    Modality.HEAD: ("head", 3),
    Modality.BODY: ("body", 2),
    Modality.VOICE: ("audio", None),
}
BEST_FACES = 32
FULL_QUALITY = 100.0
DISTRACTOR = "0"


@dataclass(frozen=True, slots=True, eq=False)
class ClipIdentification:
    """Clips of known people to learn from, and clips to be named; identity None is a distractor."""

    name: str
    train: Tracklets
    test: Tracklets


def is_iqiyi(data: Path) -> bool:
    """Whether a folder has this layout."""
    return (data / "train_gt.txt").is_file() and (data / "val_gt.txt").is_file()


def load_iqiyi(data: Path) -> ClipIdentification:
    """Read train and validation clips with whatever features are there. Raises DataError."""
    train_labels, val_labels = _train_labels(data / "train_gt.txt"), _val_labels(data / "val_gt.txt")
    both = train_labels.keys() & val_labels.keys()
    if both:
        raise DataError(data / "val_gt.txt", f"has {len(both)} clips of train_gt.txt, as {min(both)!r}")
    train, test = _clips(data, "train", train_labels), _clips(data, "val", val_labels)
    if not train.rows.keys() & test.rows.keys():
        raise DataError(data, f"has features of train {_names(train)} and of val {_names(test)}, expected one in both")
    return ClipIdentification("iQIYI-VID 2019 val", train, test)


def _clips(data: Path, split: str, labels: Mapping[str, str]) -> Tracklets:
    names = sorted(labels)
    rows = {
        modality: found
        for modality, (stream, before) in STREAMS.items()
        if (found := _stream(data, f"{stream}_{split}", names, before)) is not None
    }
    if not rows:
        raise DataError(
            data, f"has no features of {split}: expected face_{split}*.pickle, head_..., body_..., audio_..."
        )
    people = [None if labels[name] == DISTRACTOR else labels[name] for name in names]
    return Tracklets.of(names, names, people, rows)


def _stream(data: Path, stem: str, names: Sequence[str], before: int | None) -> ModalityRows | None:
    paths = sorted(data.glob(f"{stem}*.pickle"))
    if not paths:
        return None
    if len(paths) > 1:
        raise DataError(data, f"has {[path.name for path in paths]}, expected one file {stem}*.pickle")
    read = read_pickle(paths[0])
    if not isinstance(read, dict):
        raise DataError(paths[0], f"holds {type(read).__name__}, expected a dictionary of clips")
    held = {_text(name): value for name, value in read.items()}
    features = [_feature(held[name], before, paths[0], name) if name in held else None for name in names]
    dims = {len(one[0]) for one in features if one is not None}
    if len(dims) != 1:
        raise DataError(paths[0], f"has features of the lengths {sorted(dims)} for the clips asked for, expected one")
    vectors = np.zeros((len(names), dims.pop()), np.float32)
    present, quality = np.zeros(len(names), dtype=bool), np.zeros(len(names), np.float32)
    for row, one in enumerate(features):
        if one is not None:
            vectors[row], quality[row], present[row] = one[0], one[1], True
    return ModalityRows.of(vectors, present, quality)


def _feature(raw: Any, before: int | None, path: Path, name: str) -> tuple[F32, float] | None:
    """One vector of a clip, and its quality; None when nothing was found in it."""
    if before is None:
        vector = _vector(raw, path, name)
        return (vector, 1.0) if np.linalg.norm(vector) > 0 else None
    frames = [frame for frame in raw if len(frame) > before] if isinstance(raw, list) else None
    if frames is None or (raw and not frames):
        raise DataError(path, f"{name} has {type(raw).__name__}, expected frames of {before} values and a feature")
    vectors = [_vector(frame[before], path, name) for frame in frames]
    clear = [_quality(frame[3]) if before > 3 else 1.0 for frame in frames]
    best = sorted(range(len(frames)), key=lambda i: (-clear[i], i))[:BEST_FACES]
    best = [i for i in best if np.linalg.norm(vectors[i]) > 0]
    if not best:
        return None
    weights = np.array([max(clear[i], 1e-3) for i in best], np.float32)
    units = np.stack([vectors[i] / np.linalg.norm(vectors[i]) for i in best])
    return (weights @ units / weights.sum()).astype(np.float32), float(np.mean([clear[i] for i in best]))


def _quality(value: Any) -> float:
    return min(1.0, max(0.0, float(value) / FULL_QUALITY))


def _vector(raw: Any, path: Path, name: str) -> F32:
    try:
        found = np.array(raw, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(path, f"{name} has a feature that is no vector of numbers ({error})") from error
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all():
        raise DataError(path, f"{name} has a feature of shape {found.shape}, expected a vector of finite numbers")
    return found


def _train_labels(path: Path) -> dict[str, str]:
    labels: dict[str, str] = {}
    for number, words in _lines(path):
        if len(words) != 2:
            raise DataError(path, f"line {number} has {len(words)} words, expected a clip and its label")
        labels[words[0]] = words[1]
    return labels


def _val_labels(path: Path) -> dict[str, str]:
    labels: dict[str, str] = {}
    for number, words in _lines(path):
        for clip in words[1:]:
            if clip in labels:
                raise DataError(path, f"line {number} names {clip} a second time")
            labels[clip] = words[0]
    return labels


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError) as error:
        raise DataError(path, f"cannot be read ({type(error).__name__})") from error
    found = [(number, line.split()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if not found:
        raise DataError(path, "is empty")
    return found


def _text(name: Any) -> str:
    return name.decode("utf-8", errors="replace") if isinstance(name, bytes) else str(name)


def _names(clips: Tracklets) -> str:
    return ", ".join(sorted(clips.rows)) or "nothing"
