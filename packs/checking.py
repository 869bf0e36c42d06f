"""Everything that can be wrong with a pack's folder, found at once: manifest, files, and what the graphs take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import openvino
from pydantic import ValidationError

from packs.errors import PackError
from packs.manifest import MANIFEST_FILE, Pack, PackManifest, file_fault
from packs.spec import ModelSpec, TensorSpec

__all__ = ["faults_of", "graph_faults"]

# Names of OpenVINO's element types, by those of Triton.
ELEMENT_TYPES = {"UINT8": "u8", "FP32": "f32", "FP16": "f16", "INT32": "i32", "INT64": "i64", "BOOL": "boolean"}
DYNAMIC = -1


def faults_of(directory: Path) -> list[str]:
    """Look at a pack's folder; each fault is one line that says what is there and what was expected. None: sound.

    The manifest comes first: of one that does not hold together, no file is looked at.
    """
    try:
        content = (directory / MANIFEST_FILE).read_bytes()
    except FileNotFoundError:
        return [f"{MANIFEST_FILE} is absent: give a pack's folder"]
    except OSError as error:
        return [f"{MANIFEST_FILE} cannot be read: {error.strerror or error}"]
    try:
        manifest = PackManifest.model_validate_json(content)
    except ValidationError as error:
        return [_in_words(one) for one in error.errors(include_url=False)]
    pack = Pack.of(directory, manifest)
    graphs = {spec.file for spec in manifest.models}
    others = {name: digest for name, digest in pack.files.items() if name not in graphs}
    return [
        *(fault for spec in manifest.models for fault in _faults_of_model(pack, spec)),
        *(fault for name, digest in others.items() if (fault := file_fault(directory, name, digest))),
    ]


def graph_faults(path: Path, spec: ModelSpec) -> list[str]:
    """Compare the inputs and outputs of an ONNX file with what a spec declares.

    Raises:
        PackError: If the file is no ONNX graph that OpenVINO reads.
    """
    try:
        model = openvino.Core().read_model(str(path))
    except RuntimeError as error:
        first = str(error).strip().splitlines()[-1] if str(error).strip() else "no reason given"
        raise PackError(f"it is no ONNX graph that can be read ({first})") from error
    return [
        *_ports_against("input", list(model.inputs), spec.inputs),
        *_ports_against("output", list(model.outputs), spec.outputs),
    ]


def _in_words(fault: object) -> str:
    """One line for one thing that pydantic found."""
    assert isinstance(fault, dict)
    place = ".".join(str(part) for part in fault["loc"]) or "the whole"
    said = f"{MANIFEST_FILE}: {place}: {fault['msg']}"
    given = fault.get("input")
    return f"{said} (got {given!r})" if isinstance(given, (str, int, float)) and len(str(given)) < 80 else said


def _faults_of_model(pack: Pack, spec: ModelSpec) -> Iterator[str]:
    path = pack.file_of(spec)
    if wrong := file_fault(pack.directory, spec.file, spec.sha256):
        yield f"{spec.name}: {wrong}"
    if not path.is_file():
        return
    try:
        for fault in graph_faults(path, spec):
            yield f"{spec.name}: {spec.file}: {fault}"
    except PackError as error:
        yield f"{spec.name}: {spec.file}: {error}"


def _ports_against(kind: str, ports: Sequence[openvino.Output], specs: Sequence[TensorSpec]) -> Iterator[str]:
    found = {name: port for port in ports for name in port.get_names()}
    for spec in specs:
        port = found.get(spec.name)
        if port is None:
            yield f"it has no {kind} {spec.name!r}; its {kind}s are {', '.join(sorted(found)) or 'none'}"
        else:
            yield from _port_against(kind, port, spec)
    surplus = [port for port in ports if not port.get_names() & {spec.name for spec in specs}]
    for port in surplus:
        names = ", ".join(sorted(port.get_names())) or "one without a name"
        yield f"it has the {kind} {names}, which {MANIFEST_FILE} does not declare"


def _port_against(kind: str, port: openvino.Output, spec: TensorSpec) -> Iterator[str]:
    dtype = port.get_element_type().get_type_name()
    if dtype != ELEMENT_TYPES[spec.dtype]:
        yield f"{kind} {spec.name!r} is of type {dtype}, expected {ELEMENT_TYPES[spec.dtype]} ({spec.dtype})"
    shape = [DYNAMIC if size.is_dynamic else size.get_length() for size in port.get_partial_shape()]
    if not shape or shape[0] != DYNAMIC:
        yield f"{kind} {spec.name!r} has the shape {_shape(shape)}, expected a dynamic batch as its first axis"
    elif len(shape) - 1 != len(spec.shape) or any(
        size not in (DYNAMIC, wanted) for size, wanted in zip(shape[1:], spec.shape)
    ):
        yield f"{kind} {spec.name!r} has the shape {_shape(shape)}, expected {_shape([DYNAMIC, *spec.shape])}"


def _shape(sizes: Sequence[int]) -> str:
    return "[" + ", ".join("?" if size == DYNAMIC else str(size) for size in sizes) + "]"
