"""Our code and the stand-in touch no name that TensorRT's real bindings do not have, in 10 and in 11."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from stand_in import CLASSES, NAMES, VERSIONS, members, stand_in

EXPORT = Path(__file__).resolve().parents[2] / "export"
# The files that touch TensorRT, and of what class each name in them is.
TOUCHING = ("engine_from_onnx.py", "engine_runner.py", "tensorrt_api.py")
OF_CLASS = {
    "builder": "Builder",
    "config": "IBuilderConfig",
    "context": "IExecutionContext",
    "engine": "ICudaEngine",
    "error": "ParserError",
    "logger": "Logger",
    "network": "INetworkDefinition",
    "parser": "OnnxParser",
    "plan": "IHostMemory",
    "profile": "IOptimizationProfile",
    "runtime": "Runtime",
    "tensor": "ITensor",
    "timings": "ITimingCache",
    "written": "ITimingCache",
}
# Names of the same spelling that are not TensorRT's: (file, name).
OURS = {("engine_runner.py", "tensor"), ("engine_runner.py", "plan"), ("engine_from_onnx.py", "profile.most")}


def names_of(kind: str, version: str) -> set[str]:
    found = NAMES[version]["classes"][kind]
    return set(found.get("names", found.get("values")))


def touched(file: str) -> set[tuple[str, str]]:
    """(class or `module`, attribute) of everything in a file that is TensorRT's."""
    found = set()
    for node in ast.walk(ast.parse((EXPORT / file).read_text())):
        if not isinstance(node, ast.Attribute):
            continue
        parent = node.value
        if isinstance(parent, ast.Name) and (file, parent.id) not in OURS:
            if parent.id == "trt":
                found.add(("module", node.attr))
            elif parent.id in OF_CLASS and (file, f"{parent.id}.{node.attr}") not in OURS:
                found.add((OF_CLASS[parent.id], node.attr))
        if isinstance(parent, ast.Attribute) and isinstance(parent.value, ast.Name) and parent.value.id == "trt":
            found.add((parent.attr, node.attr))
    return found


def test_the_names_come_from_the_wheels_that_the_issue_names() -> None:
    assert VERSIONS == ("10.16.1.11", "11.1.0.106")
    for version in VERSIONS:
        source = NAMES[version]["source"]
        assert source["wheel"].startswith(f"tensorrt_cu13_bindings-{version}-")
        assert len(source["sha256"]) == 64
    # What moved between them is what platform notes say: the trap that the builder must not fall into.
    flags = {version: NAMES[version]["classes"]["NetworkDefinitionCreationFlag"]["values"] for version in VERSIONS}
    assert flags["10.16.1.11"]["STRONGLY_TYPED"] == 1
    assert flags["11.1.0.106"]["STRONGLY_TYPED"] == 0
    assert "FP16" in names_of("BuilderFlag", "10.16.1.11") - names_of("BuilderFlag", "11.1.0.106")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_the_stand_in_offers_only_real_names(kind: type, version: str) -> None:
    assert members(kind) <= names_of(kind.__name__, version)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("file", TOUCHING)
def test_our_code_touches_only_real_names(file: str, version: str) -> None:
    module = {*NAMES[version]["classes"], "__version__"}
    for kind, name in touched(file):
        assert name in (module if kind == "module" else names_of(kind, version)), f"{file}: {kind}.{name}"


def test_the_scan_sees_what_is_there() -> None:
    found = touched("engine_from_onnx.py")
    assert ("Builder", "build_serialized_network") in found
    assert ("BuilderFlag", "VERSION_COMPATIBLE") in found
    assert ("IBuilderConfig", "hardware_compatibility_level") in found
    assert ("ICudaEngine", "get_tensor_name") in touched("engine_runner.py")


def test_every_untyped_name_is_known_to_the_scan() -> None:
    for file in TOUCHING:
        untyped = {
            argument.arg
            for node in ast.walk(ast.parse((EXPORT / file).read_text()))
            if isinstance(node, ast.FunctionDef)
            for argument in node.args.args + node.args.kwonlyargs
            if isinstance(argument.annotation, ast.Name) and argument.annotation.id == "Any"
        }
        assert untyped <= {*OF_CLASS, "trt", "memory", "buffer"}, file


def test_no_other_file_touches_tensorrt() -> None:
    for path in EXPORT.rglob("*.py"):
        if path.name in TOUCHING:
            continue
        attributes = {
            node.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "trt"
        }
        assert attributes <= {"__version__"}, path


def test_properties_that_are_not_there_cannot_be_set() -> None:
    trt = stand_in("11.1.0.106")
    config = trt.Builder(trt.Logger(trt.Logger.WARNING)).create_builder_config()
    config.builder_optimization_level = 3
    with pytest.raises(AttributeError, match="int8_calibrator"):
        config.int8_calibrator = None
    assert not hasattr(trt.BuilderFlag, "FP16")
