"""Fusion by a network that makes one representation of whatever modalities a tracklet has.

The associative network, or any other of that kind (MMA over keys, for one): from embeddings, presence and quality to
one vector; two tracklets are as alike as their vectors. A body must not speak of another film: where short-term
modalities of a pair may not be compared, both are represented by their long-term ones alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from evaluation.datasets.tracklets import Flags, Tracklets
from evaluation.fusers.comparable import Comparable
from evaluation.fusers.fuser import Weighing, sigmoid
from packs.arrays import F32, F64, AnyArray
from packs.calibration import Calibration
from packs.spec import Modality
from services.association.evidence import LONG_TERM
from services.backends.inference.protocol import InferenceBackend

__all__ = ["NetworkRepresenter", "RepresentationFuser", "Representer"]


class Representer(Protocol):
    """Makes one vector of a tracklet."""

    @property
    def modalities(self) -> Sequence[Modality]:
        """What it can take, in its order."""
        ...

    def represent(self, present: F32, quality: F32, embeddings: Mapping[Modality, F32]) -> tuple[F32, F32]:
        """Represent.

        Args:
            present: float32[N, M], 1 or 0, at least one a row.
            quality: float32[N, M], 0 where missing.
            embeddings: float32[N, D_m] for each modality.

        Returns:
            float32[N, D] of length 1, and the weights float32[N, M].
        """
        ...


class NetworkRepresenter:
    """A network of a pack, run by an inference backend: ONNX in this process, or Triton.

    Its inputs are `present`, `quality` and one named as each modality, its outputs `together` and `weights`.
    """

    def __init__(self, backend: InferenceBackend, model: str, modalities: Sequence[Modality]) -> None:
        self._backend = backend
        self._model = model
        self._modalities = tuple(modalities)

    @property
    def modalities(self) -> Sequence[Modality]:
        """See `Representer.modalities`."""
        return self._modalities

    def represent(self, present: F32, quality: F32, embeddings: Mapping[Modality, F32]) -> tuple[F32, F32]:
        """See `Representer.represent`."""
        inputs: dict[str, AnyArray] = {"present": present, "quality": quality}
        inputs |= {str(modality): embeddings[modality] for modality in self._modalities}
        outputs = asyncio.run(self._backend.infer(self._model, inputs))
        together, weights = outputs["together"], outputs["weights"]
        return np.asarray(together, dtype=np.float32), np.asarray(weights, dtype=np.float32)


class RepresentationFuser:
    """Cosines of representations, calibrated.

    Args:
        name: For tables.
        representer: The network.
        calibration: Of its cosines.
        weighing: For the priors.
        dims: Lengths of the embeddings, for modalities that some set lacks wholly.
    """

    def __init__(
        self,
        name: str,
        representer: Representer,
        calibration: Calibration,
        weighing: Weighing,
        dims: Mapping[Modality, int],
    ) -> None:
        self._name = name
        self._representer = representer
        self._calibration = calibration
        self._weighing = weighing
        self._dims = dims

    @property
    def name(self) -> str:
        """For tables."""
        return self._name

    def matches(self, queries: Tracklets, tracklets: Tracklets, comparable: Comparable) -> F64:
        """See `Fuser.matches`."""
        return self._scores(queries, tracklets, comparable, self._weighing.fusion.prior_log_odds)

    def links(self, some: Tracklets, tracklets: Tracklets, comparable: Comparable) -> F64:
        """See `Fuser.links`."""
        prior = self._weighing.prior_of_link(comparable, (len(some), len(tracklets)))
        return self._scores(some, tracklets, comparable, prior)

    def weights(self, tracklets: Tracklets) -> F32:
        """How much each modality of each tracklet counts: float32[N, M]; exactly 0 where it is missing."""
        return self._represented(tracklets, self._representer.modalities)[1]

    def _scores(self, left: Tracklets, right: Tracklets, comparable: Comparable, prior: F64 | float) -> F64:
        used = [modality for modality in self._representer.modalities if modality in comparable]
        lasting = [modality for modality in used if modality in LONG_TERM]
        found = np.full((len(left), len(right)), -np.inf)
        # The more specific rule is written last: all modalities where the short-term ones may be compared too.
        for group, pairs in ((lasting, _any(comparable, lasting)), (used, _any(comparable, set(used) - set(lasting)))):
            if group and pairs is not None and pairs.any():
                ours, theirs = self._represented(left, group)[0], self._represented(right, group)[0]
                said = self._calibration.slope * (ours @ theirs.T) + self._calibration.intercept
                found[pairs] = said[pairs]
        return sigmoid(prior + found)

    def _represented(self, tracklets: Tracklets, used: Sequence[Modality]) -> tuple[F32, F32]:
        order = self._representer.modalities
        count = len(tracklets)
        present, quality = np.zeros((count, len(order)), np.float32), np.zeros((count, len(order)), np.float32)
        embeddings: dict[Modality, F32] = {}
        for column, modality in enumerate(order):
            rows = tracklets.rows.get(modality)
            embeddings[modality] = np.zeros((count, self._dims[modality]), np.float32) if rows is None else rows.vectors
            if rows is not None and modality in used:
                present[:, column], quality[:, column] = rows.present, rows.quality
        vectors, weights = np.zeros((count, 1), np.float32), np.zeros((count, len(order)), np.float32)
        there = np.flatnonzero(present.any(axis=1))
        if len(there):
            some = {modality: rows[there] for modality, rows in embeddings.items()}
            made, shares = self._representer.represent(present[there], quality[there], some)
            vectors = np.zeros((count, made.shape[1]), np.float32)
            vectors[there], weights[there] = made, shares
        return vectors, weights


def _any(comparable: Comparable, group: Sequence[Modality] | set[Modality]) -> Flags | None:
    flags = [comparable[modality] for modality in group]
    return np.logical_or.reduce(flags) if flags else None
