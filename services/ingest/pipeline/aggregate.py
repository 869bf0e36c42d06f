"""Many observations of one person become one embedding of each modality, the good ones counting more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from packs.arrays import F32, F64
from services.ingest.pipeline.sharpness import no_clearer_than
from services.ingest.pipeline.values import Observation

__all__ = ["Aggregate", "aggregate"]

# Rows of the quality that a tracklet has: a mean over more would punish long ones.
BEST = 3
# Share of the usual length at which an embedding says nothing.
SHOWS_NOBODY = 0.5
# Below this cosine to the others an observation is likely of someone else and counts nothing.
STRANGER = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate:
    """One embedding: float32[D] of length 1, and a quality in [0, 1]."""

    vector: F32
    quality: float


def aggregate(
    observations: Sequence[Observation], *, lengths_tell: bool = True, pictures_tell: bool = False
) -> Aggregate | None:
    """Join observations; None when none of them has an embedding.

    The weight of one is its quality, times the norm of its raw embedding (how sure the encoder is), times how well it
    agrees with the mean of all: a crop of a passer-by then does no harm.

    Args:
        observations: Of one person and one modality.
        lengths_tell: Whether the encoder makes raw embeddings longer the surer it is. A transformer's end in a layer
            norm, which makes all alike: then the quality is that of the best crops.
        pictures_tell: Whether a look is no clearer than its crop is sharp: of a face that is blurred by a sixth of its
            width the raw embedding is long again, as if something were to be seen; of a large one that is hardly
            blurred it is a little longer than of the sharp one. Of what is not heavily blurred the quality stays what
            it is to a few hundredths, and so what packs were calibrated with.
    """
    known = [(seen.vector, seen.quality, seen.norm) for seen in observations if seen.vector is not None]
    if not known:
        return None
    vectors = np.stack([vector for vector, _, _ in known]).astype(np.float64)
    qualities = np.array([quality for _, quality, _ in known])
    norms = np.array([norm for _, _, norm in known])
    weights = np.maximum(qualities, 1e-3) * np.maximum(norms, 1e-6)
    mean = _unit(weights @ vectors)
    agreement = np.maximum(vectors @ mean - STRANGER, 1e-3)
    final = _unit((weights * agreement) @ vectors)
    quality = _quality(norms, vectors.shape[1]) if lengths_tell else _best(qualities)
    if lengths_tell and pictures_tell:
        crops = [seen.crop for seen in observations if seen.vector is not None]
        looks = [no_clearer_than(crop, _quality(norms[[row]], vectors.shape[1])) for row, crop in enumerate(crops)]
        quality = _best(np.array(looks))
    return Aggregate(final.astype(np.float32), quality)


def _quality(norms: F64, dimension: int) -> float:
    """How clear the best looks are, in [0, 1], by the length of their raw embeddings.

    The last layer's numbers have variance 1 over the crops that an encoder learned from, so a usual crop's length is
    the root of the dimension; one of half of that shows nobody. Size and the detector's score tell far less.
    """
    usual = _best(norms) / np.sqrt(dimension)
    return float(np.clip((usual - SHOWS_NOBODY) / (1.0 - SHOWS_NOBODY), 0.0, 1.0))


def _best(values: F64) -> float:
    return float(np.sort(values)[::-1][:BEST].mean())


def _unit(vector: F64) -> F64:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), dtype=np.float64)
