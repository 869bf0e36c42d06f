"""Measures a network's file on labelled validation crops, as it would be served on this machine's CPU."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from export.int8_pack import Measure, Retrieval
from export.retrieval import mean_average_precision
from export.runners import in_batches, openvino_runner
from export.samples import AnyArray, feed_of
from packs.errors import PackError
from packs.spec import ModelSpec

BATCH = 16


def measure_from_arrays(arrays: Mapping[str, AnyArray], precision: str) -> Measure:
    """Make the measure of labelled samples.

    Args:
        arrays: Inputs as `export.samples.read_samples` gives them, and identities int[N] under ``<model>.identity``.
        precision: ``bf16`` or ``f32``, of whatever is not in 8 bits.
    """

    def measure(spec: ModelSpec, path: Path) -> Retrieval:
        feed, identities = feed_of(spec, arrays), arrays.get(f"{spec.name}.identity")
        if feed is None or identities is None:
            raise PackError(f"no validation for {spec.name}: give arrays {spec.name} and {spec.name}.identity")
        run = openvino_runner(path, spec.arithmetic or precision)
        batch = min(BATCH, spec.max_batch, len(identities))
        # The first run makes the memory that later ones reuse.
        in_batches(run, feed, batch, most=1)
        began = time.perf_counter()
        embeddings = in_batches(run, feed, batch)[spec.outputs[0].name]
        rate = len(embeddings) / (time.perf_counter() - began)
        return Retrieval(mean_average_precision(embeddings, identities[: len(embeddings)]), rate)

    return measure
