"""What can be chosen about an engine, and the `trtexec` line that would build the same one."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from export.profiles import Profile, Shape

Hardware = Literal["none", "ampere-plus", "same-compute-capability"]

# How trtexec spells them.
HARDWARE_WORDS: Mapping[Hardware, str] = {
    "none": "none",
    "ampere-plus": "ampere+",
    "same-compute-capability": "sameComputeCapability",
}


class EngineError(Exception):
    """An engine that cannot be built, found or run as asked; the message says what to do."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How an engine is built, beside its precision, which is in the graph.

    Attributes:
        workspace_mib: Most scratch memory of one layer, in MiB; TensorRT's own default is all of the device.
        version_compatible: Whether later versions of TensorRT may load the plan. Triton must then be started with
            ``--backend-config=tensorrt,version-compatible=true``, which trusts code inside the plan.
        exclude_lean_runtime: Leave out the runtime that such a plan carries; only with `version_compatible`.
        hardware: `none` for the GPU it is built on, `same-compute-capability` for its kind, `ampere-plus` for Ampere
        and
            everything later, which costs speed.
        tf32: Whether float32 products may round their factors to 10 bits, on GPUs that can.
        effort: Builder optimisation level, 0 to 5; None takes TensorRT's own (3).
    """

    workspace_mib: int = 2048
    version_compatible: bool = False
    exclude_lean_runtime: bool = False
    hardware: Hardware = "none"
    tf32: bool = True
    effort: int | None = None

    def __post_init__(self) -> None:
        if self.exclude_lean_runtime and not self.version_compatible:
            raise EngineError("only a version-compatible plan carries a lean runtime: ask for version_compatible too")
        if self.workspace_mib < 1:
            raise EngineError(f"the workspace is {self.workspace_mib} MiB, expected at least 1")

    def as_json(self) -> dict[str, int | bool | str | None]:
        """Plain values, for the record beside the plan."""
        return asdict(self)


def trtexec_line(
    graph: Path, plan: Path, profiles: Mapping[str, Profile], options: EngineOptions, *, major: int, cache: Path
) -> str:
    """The command that builds the same engine from the same prepared graph.

    Args:
        graph: The ONNX file that the builder was given: precision is already in it.
        plan: File for the engine.
        profiles: Sizes by input.
        options: How it is built.
        major: Release line of TensorRT: 11 knows nothing but strongly typed networks.
        cache: File of the timing cache.
    """
    words = ["trtexec", f"--onnx={graph}", f"--saveEngine={plan}"]
    for word, which in (("min", "least"), ("opt", "best"), ("max", "most")):
        shapes = [f"{name}:{_spelt(getattr(profile, which))}" for name, profile in profiles.items()]
        words.append(f"--{word}Shapes={','.join(shapes)}")
    words += [f"--memPoolSize=workspace:{options.workspace_mib}", f"--timingCacheFile={cache}"]
    words.append("--profilingVerbosity=detailed")
    chosen = {
        "--stronglyTyped": major < 11,
        "--versionCompatible": options.version_compatible,
        "--excludeLeanRuntime": options.exclude_lean_runtime,
        f"--hardwareCompatibilityLevel={HARDWARE_WORDS[options.hardware]}": options.hardware != "none",
        "--noTF32": not options.tf32,
        f"--builderOptimizationLevel={options.effort}": options.effort is not None,
        "--skipInference": True,
    }
    return shlex.join([*words, *(word for word, wanted in chosen.items() if wanted)])


def _spelt(shape: Shape) -> str:
    return "x".join(str(size) for size in shape)
