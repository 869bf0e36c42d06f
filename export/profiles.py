"""The batches that an engine is built for, from the spec alone."""

from __future__ import annotations

from dataclasses import dataclass

from packs.spec import ModelSpec

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """Sizes of one input, batch first: the smallest, the one to be fastest at, the largest."""

    least: Shape
    best: Shape
    most: Shape


def batches(spec: ModelSpec) -> tuple[int, int, int]:
    """Least, best and most rows of an execution.

    A client splits what it is asked into runs of `max_batch` rows and a rest
    (`services.backends.inference.checks.split`), and Triton puts waiting requests together up to `max_batch`: every
    number from 1 to `max_batch` may come. The engine is tuned for the largest warm-up batch below the limit, which is
    what a busy server sees most; a full one when there is none.
    """
    below = [size for size in spec.warmup_batches if 1 < size < spec.max_batch]
    return 1, max(below, default=spec.max_batch), spec.max_batch


def profiles_of(spec: ModelSpec) -> dict[str, Profile]:
    """One optimisation profile: sizes by input name."""
    least, best, most = batches(spec)
    return {
        tensor.name: Profile((least, *tensor.shape), (best, *tensor.shape), (most, *tensor.shape))
        for tensor in spec.inputs
    }
