"""A pack of 8-bit networks for the CPU, as far as retrieval allows.

Of each network that makes embeddings an INT8 form is made and measured on validation crops; it is kept when it loses
less than half a point of mAP against the network as it is served now. Others (detectors, voice activity) stay as they
are: retrieval says nothing about them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import onnx

from export.graphs import GraphError, with_lifted_constants
from export.half import store_half
from export.quantised_from_float import Storage, first_and_last, quantised_from_float, quantised_tensors
from export.ranges_from_samples import ranges_from_samples
from export.samples import AnyArray, feed_of
from packs.errors import PackError
from packs.manifest import Pack, PackManifest, file_sha256, write_manifest
from packs.spec import ModelSpec

# Points of mAP are hundredths.
ALLOWED_LOSS = 0.005


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What a measurement gives: mAP from 0 to 1, and rows a second."""

    mean_average_precision: float
    rows_per_s: float


Measure = Callable[[ModelSpec, Path], Retrieval]


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of one network.

    Attributes:
        model: Its name.
        kept: Whether the INT8 form is in the new pack.
        reason: Why.
        layers: `all` products in 8 bits, or the `inner` ones; empty where none was measured.
        before: As it is served now.
        after: In INT8.
    """

    model: str
    kept: bool
    reason: str
    layers: str = ""
    before: Retrieval | None = None
    after: Retrieval | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values for a report."""
        return asdict(self)


def loses_little(before: Retrieval, after: Retrieval, allowed: float = ALLOWED_LOSS) -> bool:
    """Whether the loss of mAP is under the limit; a loss of exactly the limit is too much."""
    # Differences of figures that are equal in decimals are not equal in binary.
    return round(before.mean_average_precision - after.mean_average_precision, 9) < allowed


def int8_pack(pack: Pack, samples: Mapping[str, AnyArray], measure: Measure, out: Path) -> list[Decision]:
    """Write a pack with the networks that lose little in INT8 in that form, and all others as they are.

    Args:
        pack: The pack in float.
        samples: Inputs to calibrate on, not those that `measure` measures on.
        measure: Runs a network's file as it would be served, on validation data.
        out: Folder of the new pack; nothing is written when no network is kept.

    Returns:
        What was decided of each network, in the order of the pack.

    Raises:
        packs.errors.PackError: If the pack is damaged, or if there is something at `out`.
    """
    pack.verify()
    if (out / "pack.json").exists():
        raise PackError(f"there is a pack at {out}: give a new folder")
    out.mkdir(parents=True, exist_ok=True)
    decisions, models = [], []
    for spec in pack.manifest.models:
        decision, made = _decide(pack, spec, samples, measure, out)
        decisions.append(decision)
        models.append(made or spec)
    if any(decision.kept for decision in decisions):
        _write(pack, models, out)
    return decisions


def quantised_for_cpu(path: Path, spec: ModelSpec, samples: Mapping[str, AnyArray], *, inner: bool) -> onnx.ModelProto:
    """The INT8 form of a network's file; the first and the last product stay in float where only `inner` are asked for.

    Raises:
        GraphError: If it cannot be calibrated or has no products with constant weights.
    """
    plain = with_lifted_constants(onnx.load(str(path)))
    products = quantised_tensors(plain)
    skip = first_and_last(products) if inner else frozenset()
    if not set(products) - skip:
        raise GraphError(f"{spec.name} has no products to put into 8 bits")
    ranges = ranges_from_samples(plain, products.values(), samples)
    return store_half(quantised_from_float(plain, ranges, Storage.BYTES, skip))


def _decide(
    pack: Pack, spec: ModelSpec, samples: Mapping[str, AnyArray], measure: Measure, out: Path
) -> tuple[Decision, ModelSpec | None]:
    feed = feed_of(spec, samples)
    if spec.modality is None:
        return Decision(spec.name, False, "makes no embedding, so retrieval cannot judge it"), None
    if feed is None:
        return Decision(spec.name, False, "no samples to calibrate on"), None
    before = measure(spec, pack.file_of(spec))
    decision = Decision(spec.name, False, "", before=before)
    for layers in ("all", "inner"):
        candidate = out / f"{spec.name}.int8.onnx"
        try:
            onnx.save(quantised_for_cpu(pack.file_of(spec), spec, feed, inner=layers == "inner"), str(candidate))
        except GraphError as error:
            # A network of one or two products has no inner ones: what was measured before stands.
            return decision if decision.layers else replace(decision, reason=str(error)), None
        after = measure(spec, candidate)
        loss = 100.0 * (before.mean_average_precision - after.mean_average_precision)
        reason = f"loses {loss:.2f} points of mAP, allowed is less than {100.0 * ALLOWED_LOSS:g}"
        decision = Decision(spec.name, loses_little(before, after), reason, layers, before, after)
        if decision.kept:
            made = {"file": candidate.name, "sha256": file_sha256(candidate)}
            return decision, spec.model_copy(update=made)
        candidate.unlink()
    return decision, None


def _write(pack: Pack, models: Sequence[ModelSpec], out: Path) -> None:
    vocabularies = set(pack.files) - {model.file for model in pack.manifest.models}
    for name in sorted({model.file for model in models} | vocabularies):
        if not (out / name).exists():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(pack.directory / name, out / name)
    told = f"{pack.manifest.description} Networks in INT8: {_names(models)}."
    changes = {"models": tuple(models), "version": f"{pack.version}-int8", "description": told}
    write_manifest(out, PackManifest.model_validate(pack.manifest.model_copy(update=changes).model_dump()))


def _names(models: Sequence[ModelSpec]) -> str:
    return ", ".join(model.name for model in models if model.file.endswith(".int8.onnx"))
