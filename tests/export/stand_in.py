"""A stand-in for TensorRT's Python module that offers only names which the real bindings have.

`stand_in("11.1.0.106")` is a module-like object whose classes show exactly those members of the ones below that the
real bindings of that version have (`tensorrt_names.json`); enumerations are the real ones, numbers included. What the
methods do follows the docstrings of the bindings: a build that fails gives None, a profile that is not valid gives
-1, a timing cache of elsewhere is refused.
"""

from __future__ import annotations

import enum
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx

NAMES: dict[str, Any] = json.loads(Path(__file__).with_name("tensorrt_names.json").read_text())
VERSIONS = tuple(sorted(NAMES))


class ILogger:
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)

    def __init__(self, severity: int = WARNING) -> None:
        self.min_severity = severity


class Logger(ILogger):
    pass


class IHostMemory(bytes):
    @property
    def nbytes(self) -> int:
        return len(self)


class ITensor:
    def __init__(self, value: onnx.ValueInfoProto) -> None:
        self.name = value.name
        self.shape = tuple(size.dim_value or -1 for size in value.type.tensor_type.shape.dim)


class INetworkDefinition:
    def __init__(self, flags: int) -> None:
        self._flags = flags
        self._inputs: list[ITensor] = []
        self._graph = b""

    @property
    def num_inputs(self) -> int:
        return len(self._inputs)

    def get_input(self, index: int) -> ITensor:
        return self._inputs[index]


class ParserError:
    def __init__(self, node: int, desc: str) -> None:
        self._node, self._desc = node, desc

    def node(self) -> int:
        return self._node

    def desc(self) -> str:
        return self._desc


class OnnxParser:
    refused: frozenset[str] = frozenset()

    def __init__(self, network: INetworkDefinition, logger: ILogger) -> None:
        assert isinstance(logger, ILogger)
        self._network = network
        self._errors: list[ParserError] = []

    @property
    def num_errors(self) -> int:
        return len(self._errors)

    def get_error(self, index: int) -> ParserError:
        return self._errors[index]

    def parse_from_file(self, model: str) -> bool:
        # The real one takes str and nothing else.
        assert type(model) is str
        graph = onnx.load(model).graph
        for index, node in enumerate(graph.node):
            if node.op_type in self.refused:
                self._errors.append(ParserError(index, f"no importer for {node.op_type}"))
        self._network._inputs = [ITensor(value) for value in graph.input]
        self._network._graph = Path(model).read_bytes()
        return not self._errors


class IOptimizationProfile:
    def __init__(self) -> None:
        self._shapes: dict[str, list[tuple[int, ...]]] = {}

    def set_shape(self, input: str, min: tuple[int, ...], opt: tuple[int, ...], max: tuple[int, ...]) -> None:
        assert len(min) == len(opt) == len(max)
        assert all(0 <= low <= best <= high for low, best, high in zip(min, opt, max))
        self._shapes[input] = [min, opt, max]


class ITimingCache:
    def __init__(self, content: bytes) -> None:
        self._lines = set(content.splitlines())

    def serialize(self) -> IHostMemory:
        return IHostMemory(b"\n".join(sorted(self._lines)))

    def combine(self, input_cache: ITimingCache, ignore_mismatch: bool) -> bool:
        self._lines |= input_cache._lines
        return True


class IBuilderConfig:
    def __init__(self, tf32: int) -> None:
        self._flags = {tf32}
        self._pools: dict[Any, int] = {}
        self._profiles: list[IOptimizationProfile] = []
        self._cache: ITimingCache | None = None

    def set_flag(self, flag: int) -> None:
        self._flags.add(int(flag))

    def clear_flag(self, flag: int) -> None:
        self._flags.discard(int(flag))

    def set_memory_pool_limit(self, pool: Any, pool_size: int) -> None:
        self._pools[pool] = pool_size

    def add_optimization_profile(self, profile: IOptimizationProfile) -> int:
        if not profile._shapes:
            return -1
        self._profiles.append(profile)
        return len(self._profiles) - 1

    def create_timing_cache(self, serialized_timing_cache: bytes) -> ITimingCache:
        return ITimingCache(serialized_timing_cache)

    def set_timing_cache(self, cache: ITimingCache, ignore_mismatch: bool) -> bool:
        if b"another device" in cache._lines and not ignore_mismatch:
            return False
        self._cache = cache
        return True

    def get_timing_cache(self) -> ITimingCache | None:
        return self._cache


class Builder:
    fails = False
    # What was built, newest last, for tests to look at: (network, config).
    built: list[tuple[INetworkDefinition, Any]]

    def __init__(self, logger: ILogger) -> None:
        assert isinstance(logger, ILogger)

    def create_network(self, flags: int = 0) -> INetworkDefinition:
        return INetworkDefinition(flags)

    def create_builder_config(self) -> Any:
        raise NotImplementedError

    def create_optimization_profile(self) -> IOptimizationProfile:
        return IOptimizationProfile()

    def build_serialized_network(self, network: INetworkDefinition, config: Any) -> IHostMemory | None:
        self.built.append((network, config))
        covered = config._profiles and {tensor.name for tensor in network._inputs} == set(config._profiles[0]._shapes)
        if self.fails or not covered:
            return None
        config._cache._lines.add(b"timing of " + str(len(network._graph)).encode())
        return IHostMemory(b"plan:" + network._graph)


class IExecutionContext:
    def __init__(self, engine: ICudaEngine) -> None:
        self._engine = engine
        self._rows = 0
        self._addresses: dict[str, int] = {}

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self._rows = shape[0]
        return self._rows <= self._engine.most

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self._addresses[name] = memory
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        return self._engine.execute(self._addresses)


class ICudaEngine:
    """Runs the graph inside a plan in ONNX Runtime, on buffers that `HostMemory` keeps."""

    most = 4

    def __init__(self, graph: bytes, memory: HostMemory) -> None:
        model = onnx.load_model_from_string(graph)
        self._graph, self._memory = graph, memory
        self._inputs = [value.name for value in model.graph.input]
        self._outputs = [value.name for value in model.graph.output]

    @property
    def num_io_tensors(self) -> int:
        return len(self._inputs) + len(self._outputs)

    def get_tensor_name(self, index: int) -> str:
        return [*self._inputs, *self._outputs][index]

    def create_execution_context(self) -> IExecutionContext:
        return IExecutionContext(self)

    def execute(self, addresses: dict[str, int]) -> bool:
        import onnxruntime

        session = onnxruntime.InferenceSession(self._graph, providers=["CPUExecutionProvider"])
        feed = {name: self._memory.buffers[addresses[name]] for name in self._inputs}
        for name, values in zip(self._outputs, session.run(self._outputs, feed), strict=True):
            self._memory.buffers[addresses[name]][...] = values
        return True


class Runtime:
    memory: HostMemory

    def __init__(self, logger: ILogger) -> None:
        assert isinstance(logger, ILogger)
        self.engine_host_code_allowed = False

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> ICudaEngine | None:
        if not serialized_engine.startswith(b"plan:"):
            return None
        return ICudaEngine(serialized_engine.removeprefix(b"plan:"), self.memory)


class HostMemory:
    """Buffers in plain memory, in the place of `export.engine_runner.TorchMemory`."""

    stream = 7

    def __init__(self) -> None:
        self.buffers: dict[int, np.ndarray[Any, Any]] = {}

    def filled(self, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.array(values)

    def empty(self, shape: tuple[int, ...], tensor: Any) -> np.ndarray[Any, Any]:
        return np.zeros(shape, tensor.numpy_dtype)

    def address(self, buffer: np.ndarray[Any, Any]) -> int:
        self.buffers[id(buffer)] = buffer
        return id(buffer)

    def wait(self) -> None:
        pass

    def array(self, buffer: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return buffer


CLASSES = (
    Builder,
    IBuilderConfig,
    ICudaEngine,
    IExecutionContext,
    IHostMemory,
    ILogger,
    INetworkDefinition,
    IOptimizationProfile,
    ITensor,
    ITimingCache,
    Logger,
    OnnxParser,
    ParserError,
    Runtime,
)
# Of the stand-in's own, not of the bindings': what tests set and look at.
SEAMS = {
    "Builder": {"fails", "built"},
    "OnnxParser": {"refused"},
    "ICudaEngine": {"most", "execute"},
    "Runtime": {"memory"},
}


def members(kind: type) -> set[str]:
    """The public names that a class of the stand-in offers to code under test."""
    found = {name for base in kind.__mro__ if base.__module__ == __name__ for name in vars(base) if name[0] != "_"}
    return found - SEAMS.get(kind.__name__, set())


def stand_in(version: str, **behaviour: Any) -> Any:
    """A module-like object of one version; `behaviour` sets `fails` and `refused`."""
    names = NAMES[version]["classes"]
    enums = {name: enum.IntEnum(name, found["values"]) for name, found in names.items() if "values" in found}
    built: list[Any] = []
    seen = type("Builder", (Builder,), {"fails": behaviour.get("fails", False), "built": built})
    config = type("IBuilderConfig", (_ClosedConfig,), {"allowed": frozenset(names["IBuilderConfig"]["names"])})
    seen.create_builder_config = lambda self: config(enums["BuilderFlag"]["TF32"])  # type: ignore[attr-defined]
    parser = type("OnnxParser", (OnnxParser,), {"refused": behaviour.get("refused", frozenset())})
    memory = HostMemory()
    runtime = type("Runtime", (Runtime,), {"memory": memory})
    offered = {"Logger": Logger, "Builder": seen, "OnnxParser": parser, "Runtime": runtime, **enums}
    return SimpleNamespace(__version__=version, built=built, memory=memory, **offered)


class _ClosedConfig(IBuilderConfig):
    """Takes only the properties that the real one has, as pybind11's classes do."""

    allowed: frozenset[str]

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and name not in self.allowed:
            raise AttributeError(f"IBuilderConfig has no {name}")
        object.__setattr__(self, name, value)
