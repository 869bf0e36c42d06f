"""TensorRT's Python module, looked for only when it is needed."""

from __future__ import annotations

import importlib
from typing import Any

from export.engine_options import EngineError

MAJORS = (10, 11)


def load_tensorrt() -> Any:
    """Import TensorRT.

    Raises:
        EngineError: If it is absent, or of a release line that this was not written for.
    """
    try:
        trt = importlib.import_module("tensorrt")
    except ImportError as error:
        raise EngineError(
            f"TensorRT is not here ({error}): run this in nvcr.io/nvidia/tensorrt of the month of your Triton "
            "container, on the GPU that will serve"
        ) from error
    major_of(trt)
    return trt


def major_of(trt: Any) -> int:
    """Release line of a TensorRT module.

    Raises:
        EngineError: If it is neither 10 nor 11.
    """
    version = str(trt.__version__)
    major = int(version.split(".")[0])
    if major not in MAJORS:
        raise EngineError(f"TensorRT {version} is not supported: builders are written for {MAJORS[0]} and {MAJORS[1]}")
    return major
