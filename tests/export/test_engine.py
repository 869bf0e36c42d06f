"""The engine builder, in both versions of the stand-in: what it asks of TensorRT, and what it leaves on the disk."""

from __future__ import annotations

import importlib.util
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from stand_in import VERSIONS, stand_in

from export.build_engines import Build, build_engines
from export.engine_from_onnx import creation_flags
from export.engine_key import EngineKey, ask_driver, engine_key
from export.engine_options import EngineError, EngineOptions, trtexec_line
from export.engine_runner import TorchMemory, engine_runner
from export.engine_store import EngineStore, locked
from export.graphs import GraphError
from export.profiles import Profile, batches, profiles_of
from export.tensorrt_api import load_tensorrt, major_of
from export.tensorrt_graph import Precision
from packs.manifest import Pack, write_manifest
from packs.testing import write_tiny_pack

KEY = EngineKey("NVIDIA L40S", "8.9", "580.65.06", "10.16.1.11")
FP32 = Build(Precision.FP32, EngineOptions(), KEY)


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    folder = tmp_path / "pack"
    folder.mkdir()
    return write_tiny_pack(folder).pack


@pytest.fixture(params=VERSIONS)
def trt(request: pytest.FixtureRequest) -> Any:
    return stand_in(request.param)


def built(trt: Any, pack: Pack, tmp_path: Path, build: Build = FP32, **samples: Any) -> list[Any]:
    lines: list[str] = []
    store = EngineStore(tmp_path / "engines")
    found = build_engines(trt, pack, ["face_encoder"], build, store, samples=samples, say=lines.append)
    assert "trtexec" in lines[-1]
    return found


def test_a_network_is_strongly_typed_whatever_the_version() -> None:
    ten, eleven = (stand_in(version) for version in VERSIONS)
    assert creation_flags(ten) == 1 << 1
    assert creation_flags(eleven) == 0


def test_an_engine_is_built_with_what_was_asked(trt: Any, pack: Pack, tmp_path: Path) -> None:
    options = EngineOptions(64, True, True, "ampere-plus", False, 5)
    (engine,) = built(trt, pack, tmp_path, Build(Precision.FP32, options, KEY))
    ((_, config),) = trt.built
    flag = trt.BuilderFlag
    assert config._flags == {flag.VERSION_COMPATIBLE, flag.EXCLUDE_LEAN_RUNTIME}
    assert config._pools == {trt.MemoryPoolType.WORKSPACE: 64 << 20}
    assert config.hardware_compatibility_level == trt.HardwareCompatibilityLevel.AMPERE_PLUS
    assert config.profiling_verbosity == trt.ProfilingVerbosity.DETAILED
    assert config.builder_optimization_level == 5
    (profile,) = config._profiles
    assert profile._shapes == {"crop": [(1, 8, 8, 3), (4, 8, 8, 3), (4, 8, 8, 3)]}
    assert engine.plan.read_bytes().startswith(b"plan:")
    assert engine.key == KEY


def test_the_defaults_say_nothing_about_precision(trt: Any, pack: Pack, tmp_path: Path) -> None:
    built(trt, pack, tmp_path)
    ((_, config),) = trt.built
    assert config._flags == {trt.BuilderFlag.TF32}
    built(trt, pack, tmp_path, Build(Precision.FP32, EngineOptions(hardware="same-compute-capability"), KEY))
    level = trt.HardwareCompatibilityLevel.SAME_COMPUTE_CAPABILITY
    assert trt.built[-1][1].hardware_compatibility_level == level


def test_what_is_there_is_not_built_again(trt: Any, pack: Pack, tmp_path: Path) -> None:
    first = built(trt, pack, tmp_path)
    assert built(trt, pack, tmp_path) == first
    assert len(trt.built) == 1
    other = Build(Precision.FP32, EngineOptions(workspace_mib=1), KEY)
    assert built(trt, pack, tmp_path, other)[0].directory != first[0].directory
    assert len(trt.built) == 2
    assert len(EngineStore(tmp_path / "engines").engines()) == 2


def test_engines_of_one_key_share_a_timing_cache(trt: Any, pack: Pack, tmp_path: Path) -> None:
    store = EngineStore(tmp_path / "engines")
    cache = store.timing_cache(KEY)
    build_engines(trt, pack, ["face_encoder", "person_detector"], FP32, store, samples={}, say=lambda _: None)
    # What somebody else measured in the meantime is kept: both builds added a line to what they found.
    assert len(cache.read_bytes().splitlines()) == 2


def test_a_timing_cache_of_another_device_is_not_used(trt: Any, pack: Pack, tmp_path: Path) -> None:
    store = EngineStore(tmp_path / "engines")
    cache = store.timing_cache(KEY)
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"another device")
    lines: list[str] = []
    build_engines(trt, pack, ["face_encoder"], FP32, store, samples={}, say=lines.append)
    assert "is of another device" in lines[0]


def test_a_refused_graph_leaves_nothing(pack: Pack, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="node 2: no importer for MatMul"):
        built(stand_in(VERSIONS[1], refused=frozenset({"MatMul"})), pack, tmp_path)
    with pytest.raises(EngineError, match="could not build"):
        built(stand_in(VERSIONS[1], fails=True), pack, tmp_path)
    left = [path for path in (tmp_path / "engines").rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert left == []


def test_a_graph_that_the_parser_cannot_read_is_not_given_to_it(trt: Any, pack: Pack, tmp_path: Path) -> None:
    wrong = pack.model("face_encoder")
    spec = wrong.model_copy(update={"inputs": (wrong.inputs[0].model_copy(update={"shape": (9, 8, 3)}),)})
    models = tuple(spec if m.name == spec.name else m for m in pack.manifest.models)
    write_manifest(pack.directory, pack.manifest.model_copy(update={"models": models}))
    with pytest.raises(EngineError, match=r"\[8, 8, 3\] behind the batch, the spec declares \[9, 8, 3\]"):
        built(trt, Pack.load(pack.directory), tmp_path)
    assert trt.built == []


def test_half_and_eight_bits_are_in_the_graph(trt: Any, pack: Pack, tmp_path: Path) -> None:
    samples = {"crop": np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), dtype=np.uint8)}
    (half,) = built(trt, pack, tmp_path, Build(Precision.FP16, EngineOptions(), KEY))
    graph = onnx.load(str(half.directory / "graph.onnx")).graph
    (weights,) = [tensor for tensor in graph.initializer if len(tensor.dims) == 2]
    assert weights.data_type == onnx.TensorProto.FLOAT16
    assert [value.type.tensor_type.elem_type for value in (*graph.input, *graph.output)] == [
        onnx.TensorProto.UINT8,
        onnx.TensorProto.FLOAT,
    ]
    with pytest.raises(GraphError, match="give samples to calibrate on"):
        built(trt, pack, tmp_path, Build(Precision.INT8, EngineOptions(), KEY))
    (eight,) = built(trt, pack, tmp_path, Build(Precision.INT8, EngineOptions(), KEY), face_encoder=samples)
    assert eight.record["precision"] == "int8"
    assert eight.directory != half.directory


def test_two_builders_build_once(trt: Any, pack: Pack, tmp_path: Path) -> None:
    store, lines = EngineStore(tmp_path / "engines"), []
    inside, free = threading.Event(), threading.Event()
    directory = store.directory_of(KEY, "face_encoder", {})
    builds: list[Path] = []

    def slow(folder: Path) -> dict[str, Any]:
        inside.set()
        assert free.wait(20)
        builds.append(folder)
        assert not directory.exists(), "an engine appears whole"
        return {"model": "face_encoder"}

    def second(line: str) -> None:
        lines.append(line)
        free.set()

    first = threading.Thread(target=store.built_once, args=(directory, slow, lines.append))
    first.start()
    assert inside.wait(20)
    found = store.built_once(directory, slow, second)
    first.join(20)
    assert len(builds) == 1
    assert "another builder holds" in lines[0]
    assert found.record == {"model": "face_encoder"}


def test_a_lock_is_free_after_a_failure(tmp_path: Path) -> None:
    def fail() -> None:
        with locked(tmp_path / "x.lock", lambda _: None):
            raise EngineError("as planned")

    for _ in range(2):
        with pytest.raises(EngineError, match="as planned"):
            fail()


def test_engines_are_named_by_gpu_driver_and_version() -> None:
    key = engine_key("11.1.0.106", 1, lambda device: f"NVIDIA H100 80GB HBM3, 9.0, 580.{device}\n")
    assert key.slug == "nvidia-h100-80gb-hbm3_cc9.0_driver580.1_trt11.1.0.106"
    with pytest.raises(EngineError, match="expected three values"):
        engine_key("11.1.0.106", 0, lambda _: "No devices were found")


def test_the_driver_is_asked_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The tool is found on PATH, so the test puts its own there.
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="build on the machine that serves"):
        ask_driver(0)
    tool = tmp_path / "nvidia-smi"
    tool.write_text('#!/bin/sh\necho "$@"\n')
    tool.chmod(0o755)
    assert ask_driver(2).split() == ["--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader", "--id=2"]


def test_profiles_hold_every_batch_that_clients_send(pack: Pack) -> None:
    from services.backends.inference.checks import split

    for spec in pack.models.values():
        least, best, most = batches(spec)
        feed = {
            tensor.name: np.zeros((3 * spec.max_batch + 1, *tensor.shape), tensor.numpy_dtype) for tensor in spec.inputs
        }
        sent = {count for rows in range(1, 3 * spec.max_batch + 2) for _, count in split(feed, rows, spec.max_batch)}
        assert sent == set(range(least, most + 1))
        assert least <= best <= most
        assert set(spec.warmup_batches) <= sent
        for tensor in spec.inputs:
            assert profiles_of(spec)[tensor.name].most == (spec.max_batch, *tensor.shape)


@pytest.mark.parametrize(("major", "typed"), [(10, True), (11, False)])
def test_the_trtexec_line_builds_the_same(major: int, typed: bool) -> None:
    options = EngineOptions(64, True, False, "same-compute-capability", False, 2)
    profiles = {"crop": Profile((1, 8, 8, 3), (2, 8, 8, 3), (4, 8, 8, 3)), "mask": Profile((1, 2), (2, 2), (4, 2))}
    line = trtexec_line(Path("g.onnx"), Path("m.plan"), profiles, options, major=major, cache=Path("t.cache"))
    assert line.split() == [
        "trtexec",
        "--onnx=g.onnx",
        "--saveEngine=m.plan",
        "--minShapes=crop:1x8x8x3,mask:1x2",
        "--optShapes=crop:2x8x8x3,mask:2x2",
        "--maxShapes=crop:4x8x8x3,mask:4x2",
        "--memPoolSize=workspace:64",
        "--timingCacheFile=t.cache",
        "--profilingVerbosity=detailed",
        *(["--stronglyTyped"] if typed else []),
        "--versionCompatible",
        "--hardwareCompatibilityLevel=sameComputeCapability",
        "--noTF32",
        "--builderOptimizationLevel=2",
        "--skipInference",
    ]


def test_options_that_contradict_are_refused() -> None:
    with pytest.raises(EngineError, match="ask for version_compatible too"):
        EngineOptions(exclude_lean_runtime=True)
    with pytest.raises(EngineError, match="at least 1"):
        EngineOptions(workspace_mib=0)


def test_versions_that_nobody_wrote_for_are_refused() -> None:
    trt = stand_in(VERSIONS[0])
    trt.__version__ = "12.0.0"
    with pytest.raises(EngineError, match=r"12\.0\.0 is not supported"):
        major_of(trt)


@pytest.mark.skipif(importlib.util.find_spec("tensorrt") is not None, reason="TensorRT is here")
def test_without_tensorrt_it_says_where_to_build() -> None:
    with pytest.raises(EngineError, match="on the GPU that will serve"):
        load_tensorrt()


def test_a_plan_runs_and_agrees(trt: Any, pack: Pack, tmp_path: Path) -> None:
    spec = pack.model("face_encoder")
    (engine,) = built(trt, pack, tmp_path)
    run = engine_runner(trt, trt.memory, engine.plan, spec)
    crops = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    tiny = write_tiny_pack(tmp_path / "pack")
    np.testing.assert_allclose(run({"crop": crops})["embedding"], tiny.embedding(crops), rtol=1e-5)
    with pytest.raises(EngineError, match="does not take 5 rows"):
        run({"crop": np.zeros((5, 8, 8, 3), np.uint8)})
    with pytest.raises(EngineError, match="has tensors"):
        engine_runner(trt, trt.memory, engine.plan, pack.model("person_detector"))
    engine.plan.chmod(0o644)
    engine.plan.write_bytes(b"of another version")
    with pytest.raises(EngineError, match="cannot load"):
        engine_runner(trt, trt.memory, engine.plan, spec)


def has_gpu() -> bool:
    import torch

    return importlib.util.find_spec("tensorrt") is not None and torch.cuda.is_available()


@pytest.mark.gpu
@pytest.mark.skipif(not has_gpu(), reason="TensorRT is not installed here, or there is no GPU")
@pytest.mark.parametrize("precision", list(Precision))
def test_real_engines_agree_with_numpy(pack: Pack, tmp_path: Path, precision: Precision) -> None:
    trt = load_tensorrt()
    key = engine_key(str(trt.__version__))
    crops = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    samples = {"face_encoder": {"crop": crops}}
    store = EngineStore(tmp_path / "engines")
    build = Build(precision, EngineOptions(), key)
    (engine,) = build_engines(trt, pack, ["face_encoder"], build, store, samples=samples, say=print)
    run = engine_runner(trt, TorchMemory(), engine.plan, pack.model("face_encoder"))
    expected = write_tiny_pack(tmp_path / "pack").embedding(crops)
    bound = {Precision.FP32: 1e-3, Precision.FP16: 1e-2}.get(precision, 0.1)
    np.testing.assert_allclose(run({"crop": crops})["embedding"], expected, atol=bound * np.abs(expected).max())


@pytest.mark.gpu
@pytest.mark.skipif(not has_gpu(), reason="TensorRT is not installed here, or there is no GPU")
def test_the_parser_knows_the_operators_of_our_table() -> None:
    from export.tensorrt_operators import SINCE_11, SUPPORTED, UNSUPPORTED

    trt = load_tensorrt()
    logger = trt.Logger(trt.Logger.WARNING)
    parser = trt.OnnxParser(trt.Builder(logger).create_network(creation_flags(trt)), logger)
    wanted = set(SUPPORTED) - (SINCE_11 if major_of(trt) < 11 else set())
    assert {name for name in wanted if not parser.supports_operator(name)} == set()
    assert {name for name in UNSUPPORTED if parser.supports_operator(name)} == set()
