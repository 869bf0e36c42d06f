"""From an ONNX graph to a serialized TensorRT engine, for TensorRT 10 and 11.

Written against the names and signatures of the Python bindings 10.16.1.11 and 11.1.0.106
(tests/export/tensorrt_names.json) and NVIDIA's documentation. TensorRT itself cannot be installed where this was
written: see docs/export.md for what was run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from export.engine_options import EngineError, EngineOptions
from export.engine_store import Say, locked, replace_bytes
from export.profiles import Profile
from export.tensorrt_api import major_of


def engine_from_onnx(
    trt: Any, graph: Path, profiles: Mapping[str, Profile], options: EngineOptions, *, cache: Path, say: Say
) -> bytes:
    """Build an engine; takes minutes for large networks.

    Args:
        trt: The TensorRT module.
        graph: ONNX file in the precision that is wanted (`export.tensorrt_graph`).
        profiles: Sizes of each input.
        options: How it is built.
        cache: File of the timing cache; read when it is there, and written.
        say: Receives lines of progress.

    Returns:
        The plan.

    Raises:
        EngineError: If the parser refuses the graph or the builder fails.
    """
    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    network = builder.create_network(creation_flags(trt))
    # The parser keeps what it read only as long as it lives, so it must outlive the build.
    parser = trt.OnnxParser(network, logger)
    _parse(parser, graph)
    _check_inputs(network, profiles)
    config = builder.create_builder_config()
    configure(trt, config, options)
    _add_profile(builder, config, profiles)
    _use_timing_cache(config, cache, say)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise EngineError(f"TensorRT could not build {graph.name}: its log above says why; more workspace may help")
    _keep_timings(config, cache, say)
    return bytes(plan)


def creation_flags(trt: Any) -> int:
    """Bits for `create_network`: strongly typed, which in TensorRT 11 is all there is.

    The numbers of the flags moved between 10 and 11, so the bit is always made from the module's own.
    """
    if major_of(trt) >= 11:
        return 0
    return int(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))


def configure(trt: Any, config: Any, options: EngineOptions) -> None:
    """Put the options into a builder's configuration. No flag here says anything about precision but TF32."""
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mib << 20)
    # Without it the inspector of an engine names layers only.
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if options.version_compatible:
        config.set_flag(trt.BuilderFlag.VERSION_COMPATIBLE)
    if options.exclude_lean_runtime:
        config.set_flag(trt.BuilderFlag.EXCLUDE_LEAN_RUNTIME)
    if not options.tf32:
        config.clear_flag(trt.BuilderFlag.TF32)
    if options.hardware == "ampere-plus":
        config.hardware_compatibility_level = trt.HardwareCompatibilityLevel.AMPERE_PLUS
    if options.hardware == "same-compute-capability":
        config.hardware_compatibility_level = trt.HardwareCompatibilityLevel.SAME_COMPUTE_CAPABILITY
    if options.effort is not None:
        config.builder_optimization_level = options.effort


def _parse(parser: Any, graph: Path) -> None:
    # By path and not by bytes: weights may lie in files beside it.
    if parser.parse_from_file(str(graph)):
        return
    errors = [parser.get_error(index) for index in range(parser.num_errors)]
    reasons = "; ".join(f"node {error.node()}: {error.desc()}" for error in errors)
    raise EngineError(f"TensorRT's parser refuses {graph.name}: {reasons or 'it does not say why'}")


def _check_inputs(network: Any, profiles: Mapping[str, Profile]) -> None:
    found = {}
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        found[str(tensor.name)] = tuple(tensor.shape)
    expected = {name: (-1, *profile.most[1:]) for name, profile in profiles.items()}
    if found != expected:
        raise EngineError(f"the network's inputs are {found}, the spec declares {expected}: export the model again")


def _add_profile(builder: Any, config: Any, profiles: Mapping[str, Profile]) -> None:
    profile = builder.create_optimization_profile()
    for name, sizes in profiles.items():
        profile.set_shape(name, sizes.least, sizes.best, sizes.most)
    if config.add_optimization_profile(profile) < 0:
        raise EngineError(f"TensorRT refuses the optimisation profile {profiles}")


def _use_timing_cache(config: Any, path: Path, say: Say) -> None:
    content = path.read_bytes() if path.is_file() else b""
    timings = config.create_timing_cache(content)
    if not config.set_timing_cache(timings, ignore_mismatch=False):
        say(f"the timing cache {path} is of another device or version: starting a new one")
        timings = config.create_timing_cache(b"")
        config.set_timing_cache(timings, ignore_mismatch=False)


def _keep_timings(config: Any, path: Path, say: Say) -> None:
    """Add what this build measured to what others wrote in the meantime."""
    timings = config.get_timing_cache()
    with locked(path.with_suffix(".lock"), say):
        if path.is_file():
            written = config.create_timing_cache(path.read_bytes())
            timings.combine(written, ignore_mismatch=False)
        replace_bytes(path, bytes(timings.serialize()))
