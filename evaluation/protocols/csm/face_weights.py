"""How much networks that fuse let a face count, by how clear it is: it should count less as it gets worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from evaluation.datasets.tracklets import Tracklets
from packs.arrays import F32
from packs.spec import Modality

__all__ = ["PARTS", "FaceWeight", "Weighs", "face_weights"]

# The faces are cut by quality into parts of the same size.
PARTS = 5


@runtime_checkable
class Weighs(Protocol):
    """A fuser that says how much each modality counts."""

    @property
    def modalities(self) -> Sequence[Modality]:
        """The columns of `weights`."""
        ...

    def weights(self, tracklets: Tracklets) -> F32:
        """float32[N, M], rows that sum to one."""
        ...


@dataclass(frozen=True, slots=True)
class FaceWeight:
    """Of the tracklets whose face's quality is from `least` to `most`: how many, and the face's mean weight."""

    least: float
    most: float
    tracklets: int
    weight: float


def face_weights(fuser: Weighs, tracklets: Tracklets) -> tuple[FaceWeight, ...]:
    """Measure over the tracklets that have both a face and a body, so that there is something to choose between."""
    both = np.flatnonzero(tracklets.present(Modality.FACE) & tracklets.present(Modality.BODY))
    if len(both) < PARTS:
        return ()
    quality = tracklets.rows[Modality.FACE].quality[both]
    weight = fuser.weights(tracklets)[both, list(fuser.modalities).index(Modality.FACE)]
    parts = np.array_split(np.argsort(quality, kind="stable"), PARTS)
    return tuple(
        FaceWeight(float(quality[part].min()), float(quality[part].max()), len(part), float(weight[part].mean()))
        for part in parts
    )
