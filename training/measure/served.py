"""The exported files, run as they are served, so that figures speak of what is shipped."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import openvino
from numpy.typing import NDArray

from packs.manifest import Pack

F32 = NDArray[np.float32]
Inputs = NDArray[np.uint8] | NDArray[np.int32] | F32


class ServedModel:
    """One network of a pack in OpenVINO, float32.

    Args:
        pack: The pack.
        name: Name of the network.
        threads: Threads that it may use.
    """

    def __init__(self, pack: Pack, name: str, *, threads: int = 2) -> None:
        self.spec = pack.model(name)
        options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
        self._compiled = openvino.Core().compile_model(str(pack.file_of(self.spec)), "CPU", options)

    def run(self, inputs: Inputs) -> list[F32]:
        """Run any number of rows; one array for each output, in the order of the spec."""
        return self.feed({self.spec.inputs[0].name: inputs})

    def feed(self, inputs: Mapping[str, Inputs]) -> list[F32]:
        """Run a network of several inputs, by name, on any number of rows."""
        parts: list[list[F32]] = [[] for _ in self.spec.outputs]
        for start in range(0, len(next(iter(inputs.values()))), self.spec.max_batch):
            chunk = {name: values[start : start + self.spec.max_batch] for name, values in inputs.items()}
            answer = self._compiled(chunk)
            for part, tensor in zip(parts, self.spec.outputs):
                part.append(np.array(answer[tensor.name], dtype=np.float32))
        return [np.concatenate(part) for part in parts]


def unit(vectors: F32) -> F32:
    """Normalise rows to length one."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), dtype=np.float32)
