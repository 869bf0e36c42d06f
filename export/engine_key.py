"""What a TensorRT engine is bound to: the GPU, its driver and the version of TensorRT."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass

from export.engine_options import EngineError

QUERY = "name,compute_cap,driver_version"
Ask = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class EngineKey:
    """Names a folder of engines: one that was built elsewhere is never found by mistake.

    Attributes:
        gpu: Product name, as the driver gives it.
        compute_capability: Such as ``8.9``; Triton's `cc_model_filenames` are keyed by it.
        driver: Version of the driver.
        tensorrt: Full version of TensorRT.
    """

    gpu: str
    compute_capability: str
    driver: str
    tensorrt: str

    @property
    def slug(self) -> str:
        """Name of the folder."""
        parts = (self.gpu, f"cc{self.compute_capability}", f"driver{self.driver}", f"trt{self.tensorrt}")
        return "_".join(re.sub(r"[^a-z0-9.]+", "-", part.lower()).strip("-") for part in parts)

    def as_json(self) -> dict[str, str]:
        """Plain values, for the record beside the plan."""
        return asdict(self)


def ask_driver(device: int) -> str:
    """One line of the driver's own tool: name, compute capability, driver version, with commas.

    Raises:
        EngineError: If the tool is absent or fails, as where there is no NVIDIA GPU.
    """
    command = ["nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader", f"--id={device}"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError) as error:
        said = f"nvidia-smi does not name GPU {device} ({error}): build on the machine that serves"
        raise EngineError(said) from error


def engine_key(tensorrt: str, device: int = 0, ask: Ask = ask_driver) -> EngineKey:
    """The key of engines that are built here and now.

    Args:
        tensorrt: Full version of the TensorRT that builds.
        device: Index of the GPU.
        ask: Gives the driver's line.

    Raises:
        EngineError: If the GPU cannot be told.
    """
    line = ask(device).strip()
    parts = [part.strip() for part in line.split(",")]
    if len(parts) != 3 or not all(parts):
        raise EngineError(f"nvidia-smi answered {line!r}, expected three values: {QUERY}")
    gpu, capability, driver = parts
    return EngineKey(gpu, capability, driver, tensorrt)
