"""Read out of their wheels which names TensorRT's Python bindings really have; the tests' stand-in keeps to them.

    pip download --no-deps --only-binary=:all: --python-version 3.11 "tensorrt-cu13-bindings==10.16.*" -d wheels
    python tools/tensorrt_names.py wheels/*.whl > tests/export/tensorrt_names.json

TensorRT's own libraries are not needed: the bindings link against three of them and call nothing while they are
imported, so three empty libraries with the missing symbols, made here by the C compiler, let Python import the real
module and ask its classes. The wheels must be for the running Python; gcc and binutils' nm are needed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

# What an engine builder and an engine runner may want; the rest of the bindings (plugins, layers) would only be noise.
CLASSES = (
    "Builder",
    "BuilderFlag",
    "DataType",
    "EngineInspector",
    "HardwareCompatibilityLevel",
    "IBuilderConfig",
    "ICudaEngine",
    "IExecutionContext",
    "IHostMemory",
    "ILogger",
    "INetworkDefinition",
    "IOptimizationProfile",
    "ITensor",
    "ITimingCache",
    "Logger",
    "MemoryPoolType",
    "NetworkDefinitionCreationFlag",
    "OnnxParser",
    "ParserError",
    "ProfilingVerbosity",
    "Runtime",
    "TensorIOMode",
)
LIBRARIES = ("nvinfer", "nvinfer_plugin", "nvonnxparser")

# Runs in a process of its own, since two versions of one module do not fit into one.
PROBE = """
import json, sys
sys.path.insert(0, sys.argv[1])
import tensorrt_bindings as trt
found = {}
for name in sys.argv[2:]:
    kind = getattr(trt, name)
    members = getattr(kind, "__members__", None)
    if members is not None:
        found[name] = {"values": {key: int(value) for key, value in sorted(members.items())}}
    else:
        found[name] = {"names": sorted(entry for entry in dir(kind) if not entry.startswith("_"))}
print(json.dumps({"version": trt.__version__, "classes": found}))
"""


def main() -> int:
    """Print the names of each wheel given, by version."""
    wheels = [Path(argument) for argument in sys.argv[1:]]
    if not wheels:
        print(__doc__)
        return 2
    print(json.dumps({found["version"]: found for found in map(names_of, wheels)}, indent=1, sort_keys=True))
    return 0


def names_of(wheel: Path) -> dict[str, Any]:
    """Import the bindings of one wheel beside empty libraries, and list the members of their classes."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(root / "wheel")
        (binary,) = (root / "wheel").glob("*/tensorrt.so")
        make_empty_libraries(binary, root)
        environment = {**os.environ, "LD_LIBRARY_PATH": str(root)}
        command = [sys.executable, "-c", PROBE, str(root / "wheel"), *CLASSES]
        answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    found: dict[str, Any] = json.loads(answer.stdout)
    source = {"wheel": wheel.name, "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest()}
    return {"source": source, **found}


def make_empty_libraries(binary: Path, folder: Path) -> None:
    """Compile libraries of the names that the bindings ask for, with functions that do nothing."""
    needed = subprocess.run(["readelf", "-d", str(binary)], check=True, capture_output=True, text=True).stdout
    undefined = subprocess.run(
        ["nm", "-D", "--undefined-only", binary], check=True, capture_output=True, text=True
    ).stdout
    # Versioned symbols come from the system's libraries, Py* from the interpreter.
    wanted = [name for name in re.findall(r" U (\w+)$", undefined, flags=re.M) if not name.startswith(("Py", "_Py"))]
    source = folder / "empty.c"
    source.write_text("".join(f"void *{name}(void) {{ return 0; }}\n" for name in wanted))
    for library in LIBRARIES:
        found = re.search(rf"\[(lib{library}\.so\.\d+)\]", needed)
        if found is None:
            raise SystemExit(
                f"{binary.name} does not link against lib{library}: look at `readelf -d` and change LIBRARIES"
            )
        target = ["-o", str(folder / found[1]), f"-Wl,-soname,{found[1]}"]
        subprocess.run(["gcc", "-shared", "-fPIC", "-w", *target, str(source)], check=True)


if __name__ == "__main__":
    raise SystemExit(main())
