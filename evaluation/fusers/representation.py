"""Fusion by a network that makes one representation of whatever modalities a tracklet has.

The associative network, or any other of that kind (multi-modal attention, for one): from embeddings, presence and
quality to one vector; two tracklets are as alike as their vectors. A body must not speak of another film, and a face
not to a voice: both of a pair are represented by the modalities in which they may be compared, and by no other. So a
face alone is searched for by faces alone, whatever else the gallery holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from evaluation.datasets.tracklets import Tracklets
from evaluation.fusers.comparable import Comparable
from evaluation.fusers.fuser import Weighing
from packs.arrays import F32, F64, AnyArray
from packs.calibration import Calibration
from packs.fuser import Subset
from packs.logistic import expit
from packs.spec import Modality
from services.backends.inference.protocol import InferenceBackend

__all__ = ["NetworkRepresenter", "RepresentationFuser", "Represented", "Representer", "Subset"]


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


@dataclass(frozen=True, slots=True, eq=False)
class Represented:
    """N tracklets: vectors float32[N, D], weights float32[N, M], and quality float64[N], the mean by these weights."""

    vectors: F32
    weights: F32
    quality: F64


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
        calibrations: Of its cosines, by the modalities that both are represented by. A pair whose modalities have none
            is represented by the most of them that do; without any it is not compared.
        weighing: For the priors.
        dims: Lengths of the embeddings, for modalities that some set lacks wholly.
    """

    def __init__(
        self,
        name: str,
        representer: Representer,
        calibrations: Mapping[Subset, Calibration],
        weighing: Weighing,
        dims: Mapping[Modality, int],
    ) -> None:
        self._name = name
        self._representer = representer
        self._calibrations = calibrations
        self._weighing = weighing
        self._dims = dims
        self._last: tuple[Tracklets, dict[Subset, Represented]] | None = None

    @property
    def name(self) -> str:
        """For tables."""
        return self._name

    @property
    def modalities(self) -> Sequence[Modality]:
        """What it can take: the columns of `weights`."""
        return self._representer.modalities

    def matches(self, queries: Tracklets, tracklets: Tracklets, comparable: Comparable) -> F64:
        """See `Fuser.matches`."""
        said = self._said(queries, tracklets, comparable)
        return expit(self._weighing.fusion.prior_log_odds + said)

    def links(self, some: Tracklets, tracklets: Tracklets, comparable: Comparable) -> F64:
        """See `Fuser.links`."""
        prior = self._weighing.prior_of_link(comparable, (len(some), len(tracklets)))
        said = self._said(some, tracklets, comparable)
        return expit(np.where(np.isfinite(said), prior, 0.0) + said)

    def weights(self, tracklets: Tracklets) -> F32:
        """How much each modality of each tracklet counts: float32[N, M]; exactly 0 where it is missing."""
        return self._represented(tracklets, frozenset(self._representer.modalities)).weights

    def _said(self, left: Tracklets, right: Tracklets, comparable: Comparable) -> F64:
        """Log-likelihood ratios, float64[L, R]; -inf where nothing can be compared."""
        used = [modality for modality in self._representer.modalities if modality in comparable]
        said = np.full((len(left), len(right)), -np.inf)
        codes = np.zeros(said.shape, dtype=np.int64)
        for place, modality in enumerate(used):
            codes |= comparable[modality].astype(np.int64) << place
        for code in np.unique(codes):
            subset = self._spoken([modality for place, modality in enumerate(used) if code >> place & 1])
            if subset is not None:
                pairs = codes == code
                said[pairs] = self._of_subset(left, right, subset)[pairs]
        return said

    def _spoken(self, held: Sequence[Modality]) -> Subset | None:
        """The largest part of what both have that has a calibration; the order of modalities decides between equals."""
        known = [subset for subset in self._calibrations if subset.issubset(held)]
        order = self._representer.modalities
        return max(known, key=lambda one: (len(one), [modality in one for modality in order]), default=None)

    def _of_subset(self, left: Tracklets, right: Tracklets, subset: Subset) -> F64:
        ours, theirs = self._represented(left, subset), self._remembered(right, subset)
        weaker = np.minimum(ours.quality[:, None], theirs.quality[None, :])
        return self._calibrations[subset].logit_of(ours.vectors @ theirs.vectors.T, weaker)

    def _remembered(self, tracklets: Tracklets, subset: Subset) -> Represented:
        """Those of the last set that was asked about: a gallery is compared with block by block."""
        if self._last is None or self._last[0] is not tracklets:
            self._last = (tracklets, {})
        kept = self._last[1]
        if subset not in kept:
            kept[subset] = self._represented(tracklets, subset)
        return kept[subset]

    def _represented(self, tracklets: Tracklets, used: Subset) -> Represented:
        order, count = self._representer.modalities, len(tracklets)
        present, quality = np.zeros((count, len(order)), np.float32), np.zeros((count, len(order)), np.float32)
        embeddings: dict[Modality, F32] = {}
        for column, modality in enumerate(order):
            rows = tracklets.rows.get(modality)
            embeddings[modality] = np.zeros((count, self._dims[modality]), np.float32) if rows is None else rows.vectors
            if rows is not None and modality in used:
                # A voice is worth as much as it is sure that the one on screen speaks.
                sure = tracklets.speaker if modality is Modality.VOICE else np.float32(1.0)
                present[:, column], quality[:, column] = rows.present, rows.quality * sure
        vectors, weights = np.zeros((count, 1), np.float32), np.zeros((count, len(order)), np.float32)
        there = np.flatnonzero(present.any(axis=1))
        if len(there):
            some = {modality: rows[there] for modality, rows in embeddings.items()}
            made, shares = self._representer.represent(present[there], quality[there], some)
            vectors = np.zeros((count, made.shape[1]), np.float32)
            vectors[there], weights[there] = made, shares
        return Represented(vectors, weights, (weights * quality).sum(axis=1, dtype=np.float64))
