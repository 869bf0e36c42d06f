"""The quality that the product gives to faces, and the weight that a network that fuses then gives to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evaluation.clearness.samples import FaceSample
from evaluation.metrics.bootstrap import Estimate, estimate_mean
from packs.arrays import F32, F64, U8
from packs.spec import Modality
from services.backends.fusers import Held, Representer
from services.ingest.pipeline.aggregate import aggregate
from services.ingest.pipeline.values import Observation, Position

__all__ = ["Condition", "Curve", "Seen", "curve_of", "measured", "trend_of"]

BATCH = 128


class Embedded(Protocol):
    """Embeddings of crops: vectors float32[N, D] of length 1, and norms float32[N]."""

    @property
    def vectors(self) -> F32:
        """Of length 1."""
        ...

    @property
    def norms(self) -> F32:
        """Lengths before."""
        ...


class Encoders(Protocol):
    """What embeds crops (`services.backends.vision.VisionModels`)."""

    async def embed(self, modality: Modality, crops: U8) -> Embedded:
        """Embed uint8[N, h, w, 3]."""
        ...


class Labelled(Protocol):
    """Of whom and of which tracklet something is, and under which condition."""

    @property
    def identity(self) -> str:
        """Whose."""
        ...

    @property
    def tracklet(self) -> str:
        """In which tracklet."""
        ...

    @property
    def condition(self) -> int:
        """Number of the condition."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """N samples as the product sees them: quality of the face, and its weight by network, float64[N] each."""

    samples: Sequence[FaceSample]
    quality: F64
    weights: Mapping[str, F64]


@dataclass(frozen=True, slots=True)
class Condition:
    """Faces under one condition.

    Attributes:
        faces: How many.
        mean: Over people.
        step: Mean change from the condition before, over people, in the tracklets that have both; None for the first,
            and where no tracklet has both.
    """

    faces: int
    mean: Estimate
    step: Estimate | None

    @property
    def falls(self) -> bool | None:
        """Whether the whole interval of the change is below 0."""
        return None if self.step is None else self.step.interval[1] < 0.0


# By number of the condition.
Curve = Mapping[int, Condition]


async def measured(
    samples: Sequence[FaceSample], encoders: Encoders, representers: Mapping[str, Representer]
) -> dict[str, Seen]:
    """Embed faces and bodies, and let each network weigh them.

    The quality of one crop is that which ingest gives to a tracklet of that crop alone: as ingest is (``both``), and
    without `blur_tells` (``length``).
    """
    faces = await _embedded(Modality.FACE, [sample.face for sample in samples], encoders)
    # One body stands beside each blur of its face.
    distinct = {id(sample.body): sample.body for sample in samples}
    known = dict(zip(distinct, await _embedded(Modality.BODY, list(distinct.values()), encoders), strict=True))
    found = {}
    for name, pictures_tell in (("length", False), ("both", True)):
        held = [
            {Modality.FACE: _held(face, pictures_tell), Modality.BODY: _held(known[id(sample.body)], False)}
            for face, sample in zip(faces, samples, strict=True)
        ]
        found[name] = await _weighed(samples, held, representers)
    return found


async def _weighed(
    samples: Sequence[FaceSample], held: Sequence[Mapping[Modality, Held]], representers: Mapping[str, Representer]
) -> Seen:
    weights = {}
    for name, representer in representers.items():
        made = await representer.represent(held)
        weights[name] = made.weights[:, representer.card.modalities.index(Modality.FACE)].astype(np.float64)
    return Seen(samples, np.array([one[Modality.FACE].quality for one in held]), weights)


def curve_of(values: F64, samples: Sequence[Labelled]) -> Curve:
    """Means of some values float64[N] by condition, and how they change from one condition to the next."""
    numbers = np.array([sample.condition for sample in samples])
    found: dict[int, Condition] = {}
    before: int | None = None
    for condition in sorted(set(numbers.tolist())):
        here = np.flatnonzero(numbers == condition)
        mean = estimate_mean(_by_person(values[here], [samples[int(row)].identity for row in here]))
        step = None if before is None else _step(values, samples, np.flatnonzero(numbers == before), here)
        found[condition] = Condition(len(here), mean, step)
        before = condition
    return found


def trend_of(values: F64, samples: Sequence[Labelled]) -> Estimate | None:
    """Mean change of some values float64[N] from one condition to the next, within tracklets, over people.

    By least squares over the conditions that a tracklet has, so that who is seen under which condition does not matter;
    None where no tracklet has two.
    """
    rows: dict[str, list[int]] = {}
    for row, sample in enumerate(samples):
        rows.setdefault(sample.tracklet, []).append(row)
    slopes, people = [], []
    for own in rows.values():
        conditions = np.array([samples[row].condition for row in own], dtype=np.float64)
        if np.ptp(conditions) > 0.0:
            slopes.append(float(np.polyfit(conditions, values[own], 1)[0]))
            people.append(samples[own[0]].identity)
    return estimate_mean(_by_person(np.array(slopes), people)) if slopes else None


def _step(
    values: F64, samples: Sequence[Labelled], before: NDArray[np.intp], here: NDArray[np.intp]
) -> Estimate | None:
    """Mean change within tracklets that have both conditions."""
    earlier = {samples[int(row)].tracklet: values[row] for row in before}
    pairs = [row for row in here.tolist() if samples[row].tracklet in earlier]
    if not pairs:
        return None
    changes = np.array([values[row] - earlier[samples[row].tracklet] for row in pairs])
    return estimate_mean(_by_person(changes, [samples[row].identity for row in pairs]))


def _by_person(values: F64, identities: Sequence[str]) -> list[float]:
    """The mean of each person."""
    own: dict[str, list[float]] = {}
    for value, identity in zip(values.tolist(), identities, strict=True):
        own.setdefault(identity, []).append(value)
    return [float(np.mean(one)) for one in own.values()]


async def _embedded(modality: Modality, crops: Sequence[U8], encoders: Encoders) -> list[Observation]:
    found = []
    for first in range(0, len(crops), BATCH):
        part = crops[first : first + BATCH]
        made = await encoders.embed(modality, np.stack(part))
        rows = zip(part, made.vectors, made.norms, strict=True)
        found += [Observation(Position(0, 0.0), 1.0, crop, vector, float(norm)) for crop, vector, norm in rows]
    return found


def _held(seen: Observation, pictures_tell: bool) -> Held:
    joined = aggregate([seen], pictures_tell=pictures_tell)
    assert joined is not None
    return Held(joined.vector, joined.quality)
