"""How far each output of one runtime lies from the reference, and whether its tolerance allows that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np

from export.distances import detector_distances, row_cosines, usual_distance
from export.samples import AnyArray
from packs.spec import ModelSpec, Tolerance


class Strictness(StrEnum):
    """What a runtime's arithmetic is held to."""

    # Float32: every value.
    EXACT = "exact"
    # 8 to 11 significant bits: the direction of embeddings; of other outputs the difference that 99 % of the values
    # keep.
    REDUCED = "reduced"
    # 8-bit products: the figures are reported; retrieval decides (export.int8_pack).
    REPORTED = "reported"


@dataclass(frozen=True, slots=True)
class OutputParity:
    """One output, one runtime, one batch size.

    Attributes:
        runtime: What ran it.
        output: Name of the output; `boxes+scores` for a detector's two, which are compared as pairs of proposals.
        batch: Rows of each execution.
        strictness: What it was held to.
        worst_absolute: Largest difference of any value.
        p99_absolute: Difference that 99 % of the values keep.
        least_cosine: Smallest cosine of a row with its reference; None of what is no embedding.
        compared: Rows that were compared; of a detector its confident proposals, which may be none.
        allowed: The tolerance.
        passing: The tightest tolerance that would have passed.
        within: Whether it passed.
    """

    runtime: str
    output: str
    batch: int
    strictness: Strictness
    worst_absolute: float
    p99_absolute: float
    least_cosine: float | None
    compared: int
    allowed: Mapping[str, float]
    passing: Mapping[str, float]
    within: bool

    def as_json(self) -> dict[str, object]:
        """Plain values for a report."""
        return asdict(self)


def compare_outputs(
    found: Mapping[str, AnyArray],
    reference: Mapping[str, AnyArray],
    spec: ModelSpec,
    *,
    runtime: str,
    batch: int,
    strictness: Strictness,
) -> list[OutputParity]:
    """Compare the outputs of the same inputs.

    Args:
        found: [N, ...] by output name.
        reference: The same of the reference; the rows that both have are compared.
        spec: Names, tolerances.
        runtime: What gave `found`.
        batch: Rows of each of its executions.
        strictness: What it is held to.
    """
    made = []
    for tensor in spec.outputs:
        name = tensor.name
        rows = min(len(found[name]), len(reference[name]))
        ours, theirs = found[name][:rows], reference[name][:rows]
        allowed = spec.tolerance_of(tensor)
        cosine = None
        if {"boxes", "scores"} <= set(found):
            if name != "boxes":
                continue
            name = "boxes+scores"
            distances: AnyArray = detector_distances(_first(found, rows), _first(reference, rows))
            rows = distances.size
        else:
            distances = np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).ravel()
            if spec.embedding_dim == tensor.shape[-1]:
                cosine = float(row_cosines(ours, theirs).min())
        made.append(_judged(runtime, name, batch, strictness, distances, cosine, rows, allowed))
    return made


def _first(outputs: Mapping[str, AnyArray], rows: int) -> dict[str, AnyArray]:
    return {name: values[:rows] for name, values in outputs.items()}


def _judged(
    runtime: str,
    output: str,
    batch: int,
    strictness: Strictness,
    distances: AnyArray,
    cosine: float | None,
    rows: int,
    allowed: Tolerance,
) -> OutputParity:
    worst = float(distances.max(initial=0.0))
    usual = usual_distance(distances)
    passing = _passing(strictness, worst, usual, cosine)
    bounds = {"absolute": allowed.absolute, "cosine": allowed.cosine}
    within = strictness is Strictness.REPORTED or (
        passing.get("absolute", 0.0) <= bounds["absolute"] and passing.get("cosine", 1.0) >= bounds["cosine"]
    )
    finite = bool(np.isfinite(distances).all()) and (cosine is None or np.isfinite(cosine))
    return OutputParity(
        runtime, output, batch, strictness, worst, usual, cosine, rows, bounds, passing, bool(within and finite)
    )


def _passing(strictness: Strictness, worst: float, usual: float, cosine: float | None) -> dict[str, float]:
    if strictness is Strictness.EXACT:
        return {"absolute": worst} | ({} if cosine is None else {"cosine": cosine})
    return {"absolute": usual} if cosine is None else {"cosine": cosine}
