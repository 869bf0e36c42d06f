"""Runs a TensorRT engine, to compare it with what it came from. Memory on the GPU is torch's.

Written against the same names as the builder, and like it never run where it was written: see docs/export.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from export.engine_options import EngineError
from export.runners import Outputs, Runner
from export.samples import Feed
from packs.spec import ModelSpec, TensorSpec


def engine_runner(trt: Any, memory: Any, plan: Path, spec: ModelSpec, *, host_code: bool = False) -> Runner:
    """Load a plan and give what runs it.

    Args:
        trt: The TensorRT module.
        memory: Buffers on the GPU: `TorchMemory`.
        plan: File of the engine.
        spec: Its declaration; outputs come in its types.
        host_code: Whether the plan may bring code of its own, as a version-compatible one does.

    Raises:
        EngineError: If this TensorRT cannot load the plan, or its tensors are not the declared ones.
    """
    logger = trt.Logger(trt.Logger.WARNING)
    runtime = trt.Runtime(logger)
    runtime.engine_host_code_allowed = host_code
    engine = runtime.deserialize_cuda_engine(plan.read_bytes())
    if engine is None:
        raise EngineError(
            f"TensorRT {trt.__version__} cannot load {plan}: plans are of one version and one GPU; build it"
        )
    found = {engine.get_tensor_name(index) for index in range(engine.num_io_tensors)}
    declared = {tensor.name for tensor in (*spec.inputs, *spec.outputs)}
    if found != declared:
        raise EngineError(f"{plan} has tensors {sorted(found)}, the spec declares {sorted(declared)}")
    context = engine.create_execution_context()

    def run(feed: Feed) -> Outputs:
        rows = len(feed[spec.inputs[0].name])
        buffers = {tensor.name: memory.filled(feed[tensor.name]) for tensor in spec.inputs}
        for tensor in spec.inputs:
            if not context.set_input_shape(tensor.name, (rows, *tensor.shape)):
                raise EngineError(f"{plan} does not take {rows} rows of {tensor.name}: its profile is too small")
        buffers |= {tensor.name: memory.empty((rows, *tensor.shape), tensor) for tensor in spec.outputs}
        for name, buffer in buffers.items():
            context.set_tensor_address(name, memory.address(buffer))
        if not context.execute_async_v3(memory.stream):
            raise EngineError(f"{plan} failed to run {rows} rows: see TensorRT's log")
        memory.wait()
        # The runtime must outlive its engine.
        assert runtime is not None
        return {tensor.name: memory.array(buffers[tensor.name]) for tensor in spec.outputs}

    return run


class TorchMemory:
    """Buffers and a stream of torch's.

    Raises:
        EngineError: If torch is absent or sees no GPU.
    """

    def __init__(self) -> None:
        try:
            import torch
        except ImportError as error:
            raise EngineError(f"running an engine needs torch for its memory ({error})") from error
        if not torch.cuda.is_available():
            raise EngineError("torch sees no GPU here: an engine can only be run on the GPU that it was built on")
        self._torch = torch
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    @property
    def stream(self) -> int:
        """Handle of a stream that is not the default one, as TensorRT wants it."""
        return int(self._stream.cuda_stream)

    def filled(self, values: np.ndarray[Any, Any]) -> Any:
        """A buffer with these values."""
        with self._torch.cuda.stream(self._stream):
            return self._torch.from_numpy(np.ascontiguousarray(values)).cuda()

    def empty(self, shape: tuple[int, ...], tensor: TensorSpec) -> Any:
        """A buffer for an output."""
        like = self._torch.from_numpy(np.zeros(0, tensor.numpy_dtype))
        with self._torch.cuda.stream(self._stream):
            return self._torch.empty(shape, dtype=like.dtype, device="cuda")

    def address(self, buffer: Any) -> int:
        """Where a buffer lies."""
        return int(buffer.data_ptr())

    def wait(self) -> None:
        """Until all that was asked for is done."""
        self._stream.synchronize()

    def array(self, buffer: Any) -> np.ndarray[Any, Any]:
        """A buffer's values."""
        values: np.ndarray[Any, Any] = buffer.cpu().numpy()
        return values
