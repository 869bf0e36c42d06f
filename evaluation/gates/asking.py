"""Each sample asks for its person's other samples; which gallery it asks, and what counts, is the caller's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.gates.samples import Clips, Crops, Keys
from evaluation.metrics.average_precision import average_precision, chance_average_precision
from evaluation.metrics.bootstrap import Estimate, estimate_mean
from packs.arrays import F32

_BLOCK = 256

Gallery = Callable[[int], NDArray[np.bool_]]
"""bool[N]: what a query, given by its row, is ranked against."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Mean average precision over identities with its interval, chance for the same galleries, how many asked."""

    mean_average_precision: Estimate
    chance: float
    queries: int
    samples: int


def everything_else(crops: Crops) -> Gallery:
    """All other frames."""
    return lambda row: np.asarray(crops.frame != crops.frame[row])


def same_scene(crops: Crops) -> Gallery:
    """The other frames of the same scene: same people, same clothes, other camera."""
    return lambda row: np.asarray((crops.scene == crops.scene[row]) & (crops.frame != crops.frame[row]))


def other_scenes(crops: Crops) -> Gallery:
    """All other scenes; the same person in the same clothes is neither right nor wrong there."""

    def gallery(row: int) -> NDArray[np.bool_]:
        same_clothes = (crops.identity == crops.identity[row]) & (crops.outfit == crops.outfit[row])
        return np.asarray((crops.scene != crops.scene[row]) & ~same_clothes)

    return gallery


def other_clips(clips: Clips) -> Gallery:
    """All other clips."""
    return lambda row: np.asarray(np.arange(len(clips.identity)) != row)


def ask(vectors: F32, identity: Keys, gallery: Gallery) -> Asked:
    """Let each row of float32[N, D] ask its gallery by cosine.

    Raises:
        ValueError: no sample has another of its person in its gallery.
    """
    unit = np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), np.float32)
    found: dict[int, list[float]] = {}
    chances = []
    for row, scores in enumerate(_scores(unit)):
        candidates = gallery(row)
        wanted = identity[candidates] == identity[row]
        if not wanted.any():
            continue
        order = np.argsort(-scores[candidates], kind="stable")
        precision = average_precision(wanted[order].tolist(), int(wanted.sum()))
        found.setdefault(int(identity[row]), []).append(precision)
        chances.append(chance_average_precision(int(wanted.sum()), len(wanted)))
    if not found:
        raise ValueError(f"got {len(unit)} samples of which none has another of its person: take a larger sample")
    estimate = estimate_mean([float(np.mean(found[who])) for who in sorted(found)])
    return Asked(estimate, float(np.mean(chances)), len(chances), len(unit))


def _scores(unit: F32) -> Iterator[F32]:
    """Cosines of each row to all rows, a block of rows at once: thousands of long rows stay affordable."""
    for start in range(0, len(unit), _BLOCK):
        yield from unit[start : start + _BLOCK] @ unit.T
