"""The ``config.pbtxt`` of a model for each target, rendered from its `ModelSpec`.

The text is protobuf text format of ``inference.ModelConfig``; tests read it back with Triton's own schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from packs.spec import ModelSpec, TensorSpec

VERSION = "1"
HEADER = "# Rendered from the pack's manifest: python -m packs.repository. Do not edit.\n"


class Target(StrEnum):
    """What runs the networks inside Triton."""

    # Engines, on the GPU that they were built on.
    TENSORRT = "tensorrt"
    # The ONNX files, in any Triton container; on a GPU where there is one.
    ONNXRUNTIME = "onnxruntime"
    # The ONNX files in OpenVINO, through the Python backend and the one shared model.py.
    CPU = "cpu"


# The file of a version directory that a target's backend opens.
WEIGHTS: Mapping[Target, str] = {
    Target.TENSORRT: "model.plan",
    Target.ONNXRUNTIME: "model.onnx",
    Target.CPU: "model.onnx",
}


@dataclass(frozen=True, slots=True)
class ServingOptions:
    """How a repository is served, beside what the specs say.

    Attributes:
        instances: Processes (on a GPU: execution contexts) per model. More than one only helps where one run leaves
            something unused.
        threads: CPU threads of one run; None lets OpenVINO use every core. Only the `cpu` target knows it.
        max_queue: Requests that may wait per model; beyond this Triton refuses, and clients see an overload.
        queue_delay_us: How long a request may wait for others to share its batch, in microseconds.
    """

    instances: int = 1
    threads: int | None = None
    max_queue: int = 512
    queue_delay_us: int = 0


def render_config(
    spec: ModelSpec,
    options: ServingOptions,
    target: Target = Target.CPU,
    plans: Mapping[str, str] | None = None,
) -> str:
    """The ``config.pbtxt`` of one model.

    There is no response cache on purpose: Triton 2.51 caches errors and answers them with OK and no outputs.

    Args:
        spec: The declaration.
        options: Instances, queue.
        target: What runs it.
        plans: Of the `tensorrt` target: files of the version directory by compute capability, such as ``8.9``.
            None or empty means the one file ``model.plan``.
    """
    blocks = [
        f'name: "{spec.name}"\n{_runner(target)}\nmax_batch_size: {spec.max_batch}',
        *(_tensor("input", tensor) for tensor in spec.inputs),
        *(_tensor("output", tensor) for tensor in spec.outputs),
        _instances(target, options),
        _batching(options),
        *(_warmup(spec, batch) for batch in spec.warmup_batches),
        *_files(target, plans or {}),
    ]
    if target is Target.CPU:
        blocks.append(_parameter("threads", str(options.threads or 0)))
        if spec.arithmetic is not None:
            blocks.append(_parameter("arithmetic", spec.arithmetic))
    return HEADER + "\n".join(blocks) + "\n"


def _parameter(key: str, value: str) -> str:
    return f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}'


def _runner(target: Target) -> str:
    if target is Target.TENSORRT:
        return 'platform: "tensorrt_plan"'
    return f'backend: "{"python" if target is Target.CPU else "onnxruntime"}"'


def _instances(target: Target, options: ServingOptions) -> str:
    if target is Target.TENSORRT:
        # Engines are built with one profile that holds every batch (export.profiles).
        return f'instance_group [{{ kind: KIND_GPU count: {options.instances} profile: ["0"] }}]'
    kind = "KIND_CPU" if target is Target.CPU else "KIND_AUTO"
    return f"instance_group [{{ kind: {kind} count: {options.instances} }}]"


def _files(target: Target, plans: Mapping[str, str]) -> list[str]:
    if target is not Target.TENSORRT:
        return []
    if not plans:
        return [f'default_model_filename: "{WEIGHTS[target]}"']
    # No default: on a GPU that no plan was built for Triton must fail to load, not load another GPU's plan.
    return [f'cc_model_filenames {{ key: "{cc}" value: "{plans[cc]}" }}' for cc in sorted(plans)]


def _tensor(kind: str, tensor: TensorSpec) -> str:
    dims = ", ".join(str(size) for size in tensor.shape)
    return f'{kind} [{{ name: "{tensor.name}" data_type: TYPE_{tensor.dtype} dims: [{dims}] }}]'


def _batching(options: ServingOptions) -> str:
    return (
        "dynamic_batching {\n"
        f"  max_queue_delay_microseconds: {options.queue_delay_us}\n"
        f"  default_queue_policy {{ timeout_action: REJECT allow_timeout_override: true "
        f"max_queue_size: {options.max_queue} }}\n"
        "}"
    )


def _warmup(spec: ModelSpec, batch: int) -> str:
    lines = [f'model_warmup [{{ name: "batch_{batch}" batch_size: {batch} count: 1']
    for tensor in spec.inputs:
        dims = ", ".join(str(size) for size in tensor.shape)
        value = f"{{ data_type: TYPE_{tensor.dtype} dims: [{dims}] zero_data: true }}"
        lines.append(f'  inputs {{ key: "{tensor.name}" value {value} }}')
    return "\n".join([*lines, "}]"])
