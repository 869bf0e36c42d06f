"""A pack of two tiny networks whose answers numpy can check, and a real Triton that serves it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from packs.manifest import DetectionSettings, Pack, PackManifest, file_sha256, write_manifest
from packs.spec import Modality, ModelSpec, Preprocessing, TensorSpec
from services.runtime.ports import free_ports
from services.runtime.settings import StackSettings
from services.supervisor.child import SOURCE_ROOT, Child
from services.supervisor.triton import TritonUnavailableError, find_triton, triton_child, triton_python

DIMENSION = 4
CANDIDATES = 5


Outputs = Mapping[str, tuple[np.ndarray, tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class TinyPack:
    """The pack, and the weights behind it."""

    pack: Pack
    face_weights: np.ndarray
    box_weights: np.ndarray

    def embedding(self, crops: np.ndarray) -> np.ndarray:
        """What `face_encoder` answers, in numpy."""
        answer: np.ndarray = crops.reshape(len(crops), -1).astype(np.float32) @ self.face_weights
        return answer

    def boxes(self, images: np.ndarray) -> np.ndarray:
        """What `person_detector` answers as boxes, in numpy."""
        flat = images.reshape(len(images), -1).astype(np.float32)
        answer: np.ndarray = (flat @ self.box_weights).reshape(len(images), CANDIDATES, 4)
        return answer


def _linear(path: Path, source: str, shape: tuple[int, ...], outputs: Outputs) -> None:
    """Write a network in which each output is a linear map of the flattened input."""
    size = int(np.prod(shape))
    nodes = [
        helper.make_node("Cast", [source], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["floats", "flat_shape"], ["flat"]),
    ]
    weights = [numpy_helper.from_array(np.array([-1, size], dtype=np.int64), "flat_shape")]
    for name, (matrix, out_shape) in outputs.items():
        nodes.append(helper.make_node("MatMul", ["flat", f"{name}_w"], [f"{name}_flat"]))
        nodes.append(helper.make_node("Reshape", [f"{name}_flat", f"{name}_s"], [name]))
        weights.append(numpy_helper.from_array(matrix.astype(np.float32), f"{name}_w"))
        weights.append(numpy_helper.from_array(np.array([-1, *out_shape], dtype=np.int64), f"{name}_s"))
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info(source, TensorProto.UINT8, ["n", *shape])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", *s]) for n, (_, s) in outputs.items()],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def _tensors(kind: str, shapes: dict[str, tuple[int, ...]]) -> tuple[TensorSpec, ...]:
    dtype: Any = "UINT8" if kind == "input" else "FP32"
    return tuple(TensorSpec(name=name, dtype=dtype, shape=shape) for name, shape in shapes.items())


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyPack:
    """The pack on the disk."""
    directory = tmp_path_factory.mktemp("tiny-pack")
    random = np.random.default_rng(5)
    crop, image = (8, 8, 3), (16, 24, 3)
    # Whole multiples of 1/64 keep the sums exact in bfloat16's accumulators too, whatever the CPU has.
    face = random.integers(-2, 3, (int(np.prod(crop)), DIMENSION)).astype(np.float32) / 64.0
    box = random.integers(-1, 2, (int(np.prod(image)), CANDIDATES * 4)).astype(np.float32) / 64.0
    score = np.zeros((int(np.prod(image)), CANDIDATES * 3), dtype=np.float32)
    _linear(directory / "face_encoder.onnx", "crop", crop, {"embedding": (face, (DIMENSION,))})
    outputs = {"boxes": (box, (CANDIDATES, 4)), "scores": (score, (CANDIDATES, 3))}
    _linear(directory / "person_detector.onnx", "image", image, outputs)
    manifest = PackManifest(
        name="tiny",
        version="1",
        models=(
            ModelSpec(
                name="person_detector",
                file="person_detector.onnx",
                sha256=file_sha256(directory / "person_detector.onnx"),
                inputs=_tensors("input", {"image": image}),
                outputs=_tensors("output", {"boxes": (CANDIDATES, 4), "scores": (CANDIDATES, 3)}),
                max_batch=2,
                preprocessing=Preprocessing(kind="letterbox", height=16, width=24),
            ),
            ModelSpec(
                name="face_encoder",
                modality=Modality.FACE,
                file="face_encoder.onnx",
                sha256=file_sha256(directory / "face_encoder.onnx"),
                inputs=_tensors("input", {"crop": crop}),
                outputs=_tensors("output", {"embedding": (DIMENSION,)}),
                max_batch=4,
                warmup_batches=(1, 4),
                preprocessing=Preprocessing(kind="square", height=8, width=8, enlarge=1.25),
                embedding_dim=DIMENSION,
            ),
        ),
        detection=DetectionSettings(model="person_detector", thresholds=(0.5, 0.5, 0.5), iou=0.5),
    )
    write_manifest(directory, manifest)
    return TinyPack(Pack.load(directory), face, box)


@pytest.fixture(scope="session")
def triton_address(tiny: TinyPack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real embedded Triton that serves the tiny pack; skipped, and said so, only where it cannot run."""
    try:
        installation = find_triton(triton_python(StackSettings()))
    except TritonUnavailableError as error:
        pytest.skip(f"no embedded Triton: {error}")
    work_dir = tmp_path_factory.mktemp("triton")
    model_file = SOURCE_ROOT / "model_repository" / "model.py"
    spec = triton_child(installation, tiny.pack, model_file, work_dir, free_ports(1)[0], threads=1)
    with asyncio.Runner() as runner:
        child = runner.run(Child.start(spec, work_dir))
        try:
            runner.run(child.until_ready())
            yield spec.address
        finally:
            runner.run(child.stop())
