"""The one Python model that Triton serves for every network of a pack: ONNX in OpenVINO, whole batches at once.

Triton starts one process per instance and calls this class. It runs in the Triton server's own environment (numpy
1.26, openvino), beside ``engine.py`` and ``model.onnx``, which `packs.repository` links into the same directory.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils
from engine import Engine

DTYPES = {
    "TYPE_UINT8": np.uint8,
    "TYPE_FP32": np.float32,
    "TYPE_FP16": np.float16,
    "TYPE_INT32": np.int32,
    "TYPE_INT64": np.int64,
    "TYPE_BOOL": np.bool_,
}


class TritonPythonModel:
    """One instance of one network."""

    def initialize(self, args: dict[str, str]) -> None:
        """Compile the network; refuse an environment in which answers would be empty."""
        if not np.__version__.startswith("1.26."):
            raise pb_utils.TritonModelException(
                f"numpy {np.__version__} from {np.__file__}: Triton 2.51's stub returns every output empty with any "
                "but numpy 1.26; start the server with the interpreter of its own environment first on PATH"
            )
        config = json.loads(args["model_config"])
        directory = Path(args["model_repository"]) / args["model_version"]
        threads = int(config["parameters"]["threads"]["string_value"])
        # None lets the engine choose, as it does for every network that does not ask for float32.
        arithmetic = config["parameters"].get("arithmetic", {}).get("string_value")
        self._engine = Engine(directory / "model.onnx", threads=threads or None, precision=arithmetic)
        self._inputs = [tensor["name"] for tensor in config["input"]]
        self._outputs = [(tensor["name"], DTYPES[tensor["data_type"]]) for tensor in config["output"]]
        self._check_names(args["model_name"])
        pb_utils.Logger.log_info(f"{args['model_name']}: OpenVINO {self._engine.precision}, numpy {np.__version__}")

    def execute(self, requests: list[Any]) -> list[Any]:
        """Run the requests of one dynamic batch as one batch."""
        arrays = [self._read(request) for request in requests]
        rows = [next(iter(row.values())).shape[0] for row in arrays]
        try:
            outputs = self._engine.run(self._joined(arrays))
        except Exception as error:  # every request of the batch gets an answer, whatever happened
            failure = pb_utils.TritonError(f"OpenVINO failed: {error}")
            return [pb_utils.InferenceResponse(output_tensors=[], error=failure) for _ in requests]
        ends = np.cumsum(rows)
        return [self._response(outputs, end - count, end) for end, count in zip(ends, rows)]

    def _read(self, request: Any) -> dict[str, np.ndarray]:
        return {name: pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in self._inputs}

    def _joined(self, arrays: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        if len(arrays) == 1:
            return arrays[0]
        return {name: np.concatenate([row[name] for row in arrays]) for name in self._inputs}

    def _response(self, outputs: dict[str, np.ndarray], start: int, end: int) -> Any:
        tensors = [
            pb_utils.Tensor(name, np.ascontiguousarray(outputs[name][start:end], dtype=dtype))
            for name, dtype in self._outputs
        ]
        return pb_utils.InferenceResponse(output_tensors=tensors)

    def _check_names(self, model: str) -> None:
        declared = (set(self._inputs), {name for name, _ in self._outputs})
        found = (set(self._engine.input_names), set(self._engine.output_names))
        if declared != found:
            raise pb_utils.TritonModelException(
                f"{model}: config.pbtxt declares tensors {declared}, model.onnx has {found}; render the config again"
            )
