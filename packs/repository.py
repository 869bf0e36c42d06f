"""A pack as a Triton model repository: each ``config.pbtxt`` rendered from its `ModelSpec`, weights linked in.

    <target>/<model>/config.pbtxt
    <target>/<model>/1/model.py, engine.py, model.onnx      links

The rendered text is protobuf text format of ``inference.ModelConfig``; tests read it back with Triton's own schema.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from packs.errors import PackError
from packs.manifest import Pack
from packs.spec import ModelSpec, TensorSpec

CONFIG_FILE = "config.pbtxt"
VERSION = "1"
HEADER = "# Rendered from the pack's manifest: python -m packs.repository. Do not edit.\n"


@dataclass(frozen=True, slots=True)
class ServingOptions:
    """How a repository is served, beside what the specs say.

    Attributes:
        instances: Processes per model. More than one only helps where there are more cores than one run can use.
        threads: CPU threads of one run; None lets OpenVINO use every core.
        max_queue: Requests that may wait per model; beyond this Triton refuses, and clients see an overload.
        queue_delay_us: How long a request may wait for others to share its batch, in microseconds.
    """

    instances: int = 1
    threads: int | None = None
    max_queue: int = 512
    queue_delay_us: int = 0


def render_config(spec: ModelSpec, options: ServingOptions) -> str:
    """The ``config.pbtxt`` of one model.

    There is no response cache on purpose: Triton 2.51 caches errors and answers them with OK and no outputs.
    """
    blocks = [
        f'name: "{spec.name}"\nbackend: "python"\nmax_batch_size: {spec.max_batch}',
        *(_tensor("input", tensor) for tensor in spec.inputs),
        *(_tensor("output", tensor) for tensor in spec.outputs),
        f"instance_group [{{ kind: KIND_CPU count: {options.instances} }}]",
        _batching(options),
        *(_warmup(spec, batch) for batch in spec.warmup_batches),
        f'parameters {{ key: "threads" value {{ string_value: "{options.threads or 0}" }} }}',
    ]
    return HEADER + "\n".join(blocks) + "\n"


def write_configs(pack: Pack, target: Path, options: ServingOptions | None = None) -> list[Path]:
    """Write only the configurations, as they are committed. Returns their paths."""
    paths = []
    for spec in pack.models.values():
        path = target / spec.name / CONFIG_FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_config(spec, options or ServingOptions()))
        paths.append(path)
    return paths


def write_repository(pack: Pack, target: Path, model_file: Path, options: ServingOptions | None = None) -> Path:
    """Write what Triton serves: configurations, and links to the weights and the code that runs them.

    Args:
        pack: What is served.
        target: Directory of the repository; made if absent, models of another pack in it are left alone.
        model_file: The shared ``model.py``.
        options: Instances, threads, queue.

    Returns:
        ``target``.

    Raises:
        PackError: If a file to link is absent.
    """
    engine_file = Path(__file__).with_name("engine.py")
    write_configs(pack, target, options)
    for spec in pack.models.values():
        version = target / spec.name / VERSION
        version.mkdir(exist_ok=True)
        _link(version / "model.py", model_file)
        _link(version / "engine.py", engine_file)
        _link(version / "model.onnx", pack.file_of(spec))
    return target


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


def _link(link: Path, file: Path) -> None:
    if not file.is_file():
        raise PackError(f"cannot serve {link.parent.parent.name}: {file} is absent; restore the pack")
    link.unlink(missing_ok=True)
    link.symlink_to(file.absolute())


def main(arguments: list[str] | None = None) -> None:
    """``python -m packs.repository [PACK_DIR [TARGET]]``: render the committed configurations again."""
    import sys

    given = sys.argv[1:] if arguments is None else arguments
    root = Path(__file__).resolve().parents[1]
    pack = Pack.load(given[0] if given else root / "packs" / "demo")
    paths = write_configs(pack, Path(given[1]) if len(given) > 1 else root / "model_repository")
    sys.stdout.write(json.dumps([str(path) for path in paths], indent=1) + "\n")


if __name__ == "__main__":
    main()
