"""Runs an ONNX file in OpenVINO on the CPU.

This file stands alone (numpy and openvino, nothing of ours): the `local` backend imports it, and the model repository
links it beside ``model.py``, whose environment has neither pydantic nor this package. So both run the same code.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import openvino


class Engine:
    """One compiled network. `run` is not safe for concurrent use: give each thread its own engine, or a lock.

    Args:
        path: ONNX file with a dynamic batch axis 0.
        threads: CPU threads of one run; None lets OpenVINO use every core.
        precision: ``bf16`` or ``f32`` for the arithmetic; None takes bfloat16 where the CPU multiplies it in hardware.
    """

    def __init__(self, path: Path | str, *, threads: int | None = None, precision: str | None = None) -> None:
        core = openvino.Core()
        self.precision = precision or preferred_precision(core)
        config: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": self.precision}
        if threads is not None:
            config["INFERENCE_NUM_THREADS"] = threads
        model = core.read_model(str(path))
        # Compiling may give a port the names of layers folded into it too: the file's own are those of the spec.
        self.input_names = tuple(port.get_any_name() for port in model.inputs)
        self.output_names = tuple(port.get_any_name() for port in model.outputs)
        compiled = core.compile_model(model, "CPU", config)
        self._request = compiled.create_infer_request()

    def run(self, inputs: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, np.ndarray[Any, Any]]:
        """Run one batch: arrays by input name to fresh arrays by output name."""
        results = self._request.infer({name: np.ascontiguousarray(value) for name, value in inputs.items()})
        # The request reuses its output memory in the next run, hence the copies.
        return {name: np.array(results[name]) for name in self.output_names}


def preferred_precision(core: openvino.Core) -> str:
    """``bf16`` where the CPU has AMX or AVX-512 BF16, ``f32`` elsewhere."""
    return "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
