"""Engines for the networks of a pack: checked, converted, built once, recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import onnx

from export.engine_from_onnx import engine_from_onnx
from export.engine_key import EngineKey
from export.engine_options import EngineError, EngineOptions, trtexec_line
from export.engine_store import GRAPH, PLAN, EngineStore, Say, StoredEngine
from export.graphs import AnyArray
from export.profiles import profiles_of
from export.quantised_from_float import quantised_tensors
from export.ranges_from_samples import ranges_from_samples
from export.tensorrt_api import major_of
from export.tensorrt_check import interface_faults, parser_faults
from export.tensorrt_graph import QUANTISED, Precision, float_graph, tensorrt_from_onnx
from packs.manifest import Pack
from packs.spec import ModelSpec

Samples = Mapping[str, AnyArray]


@dataclass(frozen=True, slots=True)
class Build:
    """What is asked of every engine of a run.

    Attributes:
        precision: Of the arithmetic.
        options: How the builder is set.
        key: What the engines will be bound to.
    """

    precision: Precision
    options: EngineOptions
    key: EngineKey


def build_engines(
    trt: Any,
    pack: Pack,
    models: Sequence[str],
    build: Build,
    store: EngineStore,
    *,
    samples: Mapping[str, Samples],
    say: Say,
) -> list[StoredEngine]:
    """Build the engines of some of a pack's networks; those that are there already are only named.

    Args:
        trt: The TensorRT module.
        pack: Whose networks; its files are checked first.
        models: Names of the networks.
        build: How.
        store: Where they go.
        samples: Inputs to calibrate on, by network and input; needed for INT8 and FP8.
        say: Receives a line for each engine, and the `trtexec` line that would build the same one.

    Raises:
        EngineError: If a graph is not what TensorRT reads, or the builder fails.
        packs.errors.PackError: If the pack is damaged, or has no such network.
        export.graphs.GraphError: If a graph cannot be converted.
    """
    pack.verify()
    built = []
    for name in models:
        engine = _build_one(trt, pack, pack.model(name), build, store, samples.get(name), say)
        say(f"{name}: {engine.plan}\n  {engine.record['trtexec']}")
        built.append(engine)
    return built


def prepared_graph(model: onnx.ModelProto, precision: Precision, samples: Samples | None) -> onnx.ModelProto:
    """The graph that TensorRT is given.

    Raises:
        export.graphs.GraphError: If it cannot be converted, or samples are missing where ranges are needed.
    """
    if precision not in QUANTISED or samples is None:
        return tensorrt_from_onnx(model, precision)
    plain = float_graph(model)
    return tensorrt_from_onnx(model, precision, ranges_from_samples(plain, quantised_tensors(plain).values(), samples))


def _build_one(
    trt: Any, pack: Pack, spec: ModelSpec, build: Build, store: EngineStore, samples: Samples | None, say: Say
) -> StoredEngine:
    graph = prepared_graph(onnx.load(str(pack.file_of(spec))), build.precision, samples)
    _check(graph, spec, major_of(trt))
    content = graph.SerializeToString(deterministic=True)
    recipe = _recipe(spec, build, content)
    directory = store.directory_of(build.key, spec.name, recipe)
    cache = store.timing_cache(build.key)

    def write(folder: Path) -> dict[str, Any]:
        (folder / GRAPH).write_bytes(content)
        profiles = profiles_of(spec)
        plan = engine_from_onnx(trt, folder / GRAPH, profiles, build.options, cache=cache, say=say)
        (folder / PLAN).write_bytes(plan)
        line = trtexec_line(
            directory / GRAPH, directory / PLAN, profiles, build.options, major=major_of(trt), cache=cache
        )
        return recipe | {"key": build.key.as_json(), "trtexec": line}

    return store.built_once(directory, write, say)


def _check(graph: onnx.ModelProto, spec: ModelSpec, major: int) -> None:
    faults = [*interface_faults(graph, spec), *parser_faults(graph, major)]
    if faults:
        raise EngineError(f"{spec.name} is not a graph that TensorRT {major} reads: " + "; ".join(faults))


def _recipe(spec: ModelSpec, build: Build, graph: bytes) -> dict[str, Any]:
    return {
        "model": spec.name,
        "source_sha256": spec.sha256,
        # Quantised graphs of one file differ by what they were calibrated on.
        "graph_sha256": sha256(graph).hexdigest(),
        "precision": str(build.precision),
        "options": build.options.as_json(),
        "max_batch": spec.max_batch,
        "profiles": {name: [p.least, p.best, p.most] for name, p in profiles_of(spec).items()},
    }
