"""A configuration as Triton itself would read it, compared with what was declared. Needs `tritonclient[grpc]`."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from packs.spec import ModelSpec, TensorSpec


class ConfigError(Exception):
    """A configuration that Triton would refuse, or read as something else than the spec declares."""


def read_back(path: Path, spec: ModelSpec) -> Any:
    """Parse a ``config.pbtxt`` with Triton's protobuf, and compare it with the spec.

    Args:
        path: The file, in a folder of the model's name.
        spec: What was declared.

    Returns:
        The parsed `inference.ModelConfig`.

    Raises:
        ConfigError: If it does not parse or differs, or if Triton's schema is not installed.
    """
    config = _parsed(path)
    faults = [
        *_differing("name", config.name, spec.name),
        *_differing("folder", path.parent.name, spec.name),
        *_differing("max_batch_size", config.max_batch_size, spec.max_batch),
        *_differing("inputs", _tensors(config.input), _declared(spec.inputs)),
        *_differing("outputs", _tensors(config.output), _declared(spec.outputs)),
        *_differing("warm-up", [entry.batch_size for entry in config.model_warmup], list(spec.warmup_batches)),
    ]
    if faults:
        raise ConfigError(f"{path}: " + "; ".join(faults))
    return config


def _parsed(path: Path) -> Any:
    try:
        text_format: Any = importlib.import_module("google.protobuf.text_format")
        schema: Any = importlib.import_module("tritonclient.grpc.model_config_pb2")
    except ImportError as error:
        raise ConfigError(
            f"cannot read {path} back ({error}): install tritonclient[grpc], which brings Triton's schema, or run this "
            "in the serving environment (.venv), which has it"
        ) from error
    try:
        return text_format.Parse(path.read_text(), schema.ModelConfig())
    except text_format.ParseError as error:
        raise ConfigError(f"Triton cannot read {path}: {error}") from error


def _tensors(found: Any) -> list[tuple[str, str, list[int]]]:
    # The number of a type is told by the field's own enum.
    return [(t.name, _type_name(t), list(t.dims)) for t in found]


def _type_name(tensor: Any) -> str:
    kinds = tensor.DESCRIPTOR.fields_by_name["data_type"].enum_type
    return str(kinds.values_by_number[tensor.data_type].name)


def _declared(tensors: Sequence[TensorSpec]) -> list[tuple[str, str, list[int]]]:
    return [(tensor.name, f"TYPE_{tensor.dtype}", list(tensor.shape)) for tensor in tensors]


def _differing(what: str, found: object, declared: object) -> list[str]:
    return [] if found == declared else [f"{what} {found}, declared {declared}"]
