"""A tiny pack for tests: simple networks in real ONNX files that numpy can check. Needs the `onnx` package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from packs.arrays import F32, U8
from packs.calibration import Calibration
from packs.manifest import (
    DetectionSettings,
    HearingSettings,
    Pack,
    PackManifest,
    TextSettings,
    file_sha256,
    write_manifest,
)
from packs.sound import BINS
from packs.spec import Modality, ModelSpec, Preprocessing, SoundPreprocessing, TensorSpec
from packs.testing_text import write_text_pair

DIMENSION = 4
CANDIDATES = 5
FACE_CROP = (8, 8, 3)
BODY_CROP = (8, 4, 3)
IMAGE = (16, 24, 3)
VOICE_WINDOW = (32, BINS)
ACTIVITY_WINDOW = (24, BINS)
# Tiny voice activity is loudness: the mean log-magnitude of a frame, -6.9 in silence, is even odds here.
LOUDNESS_SLOPE, LOUDNESS_MIDDLE = 4.0, -5.5


@dataclass(frozen=True, slots=True)
class TinyPack:
    """The pack, and the weights behind it.

    Attributes:
        pack: A detector that never finds anything, encoders of faces, bodies and voices, voice activity, and where it
            is asked for the text pair of `packs.testing_text`.
        face_weights: float32[8*8*3, 4].
        box_weights: float32[16*24*3, 5*4].
        voice_weights: float32[257, 4].
    """

    pack: Pack
    face_weights: F32
    box_weights: F32
    voice_weights: F32

    def embedding(self, crops: U8) -> F32:
        """What `face_encoder` answers to crops uint8[N, 8, 8, 3], in numpy: float32[N, 4]."""
        answer: F32 = crops.reshape(len(crops), -1).astype(np.float32) @ self.face_weights
        return answer

    def boxes(self, images: U8) -> F32:
        """What `person_detector` answers to images uint8[N, 16, 24, 3] as boxes, in numpy: float32[N, 5, 4]."""
        flat = images.reshape(len(images), -1).astype(np.float32)
        answer: F32 = (flat @ self.box_weights).reshape(len(images), CANDIDATES, 4)
        return answer

    def voice(self, windows: F32) -> F32:
        """What `voice_encoder` answers to windows float32[N, 32, 257]: their mean frame, mapped to float32[N, 4]."""
        answer: F32 = windows.mean(axis=1) @ self.voice_weights
        return answer

    def activity(self, windows: F32) -> F32:
        """What `voice_activity` answers to windows float32[N, 24, 257]: how loud each frame is, float32[N, 24]."""
        logits = (windows.mean(axis=2) - LOUDNESS_MIDDLE) * LOUDNESS_SLOPE
        answer: F32 = (1.0 / (1.0 + np.exp(-logits))).astype(np.float32)
        return answer


def write_tiny_pack(directory: Path, *, sound: bool = True, text: bool = False, seed: int = 5) -> TinyPack:
    """Write the pack into an existing directory.

    Without `sound` it cannot hear, with `text` it reads sentences, another `seed` has other weights.
    """
    random = np.random.default_rng(seed)
    face = _weights(random, FACE_CROP, DIMENSION)
    body = _weights(random, BODY_CROP, DIMENSION)
    box = _weights(random, IMAGE, CANDIDATES * 4)
    score = np.zeros_like(box[:, : CANDIDATES * 3])
    _write_linear(directory / "face_encoder.onnx", "crop", FACE_CROP, {"embedding": (face, (DIMENSION,))})
    _write_linear(directory / "body_encoder.onnx", "crop", BODY_CROP, {"embedding": (body, (DIMENSION,))})
    outputs = {"boxes": (box, (CANDIDATES, 4)), "scores": (score, (CANDIDATES, 3))}
    _write_linear(directory / "person_detector.onnx", "image", IMAGE, outputs)
    voice = _weights(random, (BINS,), DIMENSION)
    pictures = (
        _detector(directory),
        _encoder(directory, Modality.FACE, FACE_CROP, "square"),
        _encoder(directory, Modality.BODY, BODY_CROP, "stretch"),
    )
    heard, read = ([Modality.VOICE] if sound else []), ([Modality.TEXT] if text else [])
    modalities = (Modality.FACE, Modality.BODY, *heard, *read)
    manifest = PackManifest(
        name="tiny",
        version="1",
        description="Simple networks without meaning, for tests.",
        models=(
            *pictures,
            *(_hearing(directory, voice) if sound else ()),
            *(write_text_pair(directory, BODY_CROP) if text else ()),
        ),
        detection=DetectionSettings(model="person_detector", thresholds=(0.6, 0.6, 0.6), iou=0.5),
        hearing=HearingSettings(model="voice_activity", threshold=0.5) if sound else None,
        text=TextSettings(model="text_encoder") if text else None,
        calibration={modality: Calibration(slope=12.0, intercept=-6.0) for modality in modalities},
    )
    write_manifest(directory, manifest)
    return TinyPack(Pack.load(directory), face, box, voice)


def _weights(random: np.random.Generator, shape: tuple[int, ...], columns: int) -> F32:
    # Multiples of 1/64 are exact in bfloat16 too, so that the answers do not depend on the CPU.
    return random.integers(-2, 3, (int(np.prod(shape)), columns)).astype(np.float32) / np.float32(64.0)


def _detector(directory: Path) -> ModelSpec:
    outputs = (_fp32("boxes", CANDIDATES, 4), _fp32("scores", CANDIDATES, 3))
    return ModelSpec(
        name="person_detector",
        file="person_detector.onnx",
        sha256=file_sha256(directory / "person_detector.onnx"),
        inputs=(TensorSpec(name="image", dtype="UINT8", shape=IMAGE),),
        outputs=outputs,
        max_batch=2,
        preprocessing=Preprocessing(kind="letterbox", height=IMAGE[0], width=IMAGE[1]),
    )


def _encoder(directory: Path, modality: Modality, shape: tuple[int, int, int], kind: str) -> ModelSpec:
    height, width, _ = shape
    how = {"kind": kind, "height": height, "width": width, "enlarge": 1.25 if kind == "square" else 1.0}
    return ModelSpec(
        name=f"{modality}_encoder",
        modality=modality,
        file=f"{modality}_encoder.onnx",
        sha256=file_sha256(directory / f"{modality}_encoder.onnx"),
        inputs=(TensorSpec(name="crop", dtype="UINT8", shape=shape),),
        outputs=(_fp32("embedding", DIMENSION),),
        max_batch=4,
        warmup_batches=(1, 4),
        preprocessing=Preprocessing.model_validate(how),
        embedding_dim=DIMENSION,
    )


def _hearing(directory: Path, voice: F32) -> tuple[ModelSpec, ModelSpec]:
    """Write and declare the sound networks: loudness of each frame, and a linear map of the mean frame."""
    _write_activity(directory / "voice_activity.onnx")
    _write_voice(directory / "voice_encoder.onnx", voice)
    activity = ModelSpec(
        name="voice_activity",
        file="voice_activity.onnx",
        sha256=file_sha256(directory / "voice_activity.onnx"),
        inputs=(_fp32("windows", *ACTIVITY_WINDOW),),
        outputs=(_fp32("speech", ACTIVITY_WINDOW[0]),),
        max_batch=8,
        preprocessing=SoundPreprocessing(kind="overlapped", frames=ACTIVITY_WINDOW[0], hop=16),
    )
    encoder = ModelSpec(
        name="voice_encoder",
        modality=Modality.VOICE,
        file="voice_encoder.onnx",
        sha256=file_sha256(directory / "voice_encoder.onnx"),
        inputs=(_fp32("windows", *VOICE_WINDOW),),
        outputs=(_fp32("embedding", DIMENSION),),
        max_batch=4,
        preprocessing=SoundPreprocessing(kind="wrapped", frames=VOICE_WINDOW[0], hop=16),
        embedding_dim=DIMENSION,
    )
    return activity, encoder


def _fp32(name: str, *shape: int) -> TensorSpec:
    return TensorSpec(name=name, dtype="FP32", shape=shape)


def _write_linear(
    path: Path, source: str, shape: tuple[int, ...], outputs: Mapping[str, tuple[F32, tuple[int, ...]]]
) -> None:
    """Write a network of which each output is a linear map of the flattened input."""
    nodes = [
        helper.make_node("Cast", [source], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["floats", "flat_shape"], ["flat"]),
    ]
    constants = [_integers("flat_shape", -1, int(np.prod(shape)))]
    for name, (matrix, output_shape) in outputs.items():
        nodes.append(helper.make_node("MatMul", ["flat", f"{name}_weights"], [f"{name}_flat"]))
        nodes.append(helper.make_node("Reshape", [f"{name}_flat", f"{name}_shape"], [name]))
        constants += [numpy_helper.from_array(matrix, f"{name}_weights"), _integers(f"{name}_shape", -1, *output_shape)]
    _write_graph(
        path,
        nodes,
        helper.make_tensor_value_info(source, TensorProto.UINT8, ["n", *shape]),
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *made]) for name, (_, made) in outputs.items()],
        constants,
    )


def _write_activity(path: Path) -> None:
    nodes = [
        helper.make_node("ReduceMean", ["windows"], ["mean"], axes=[2], keepdims=0),
        helper.make_node("Sub", ["mean", "middle"], ["shifted"]),
        helper.make_node("Mul", ["shifted", "slope"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["speech"]),
    ]
    values = {"middle": LOUDNESS_MIDDLE, "slope": LOUDNESS_SLOPE}
    constants = [numpy_helper.from_array(np.array(value, np.float32), name) for name, value in values.items()]
    source = helper.make_tensor_value_info("windows", TensorProto.FLOAT, ["n", *ACTIVITY_WINDOW])
    output = helper.make_tensor_value_info("speech", TensorProto.FLOAT, ["n", ACTIVITY_WINDOW[0]])
    _write_graph(path, nodes, source, [output], constants)


def _write_voice(path: Path, weights: F32) -> None:
    nodes = [
        helper.make_node("ReduceMean", ["windows"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "weights"], ["embedding"]),
    ]
    source = helper.make_tensor_value_info("windows", TensorProto.FLOAT, ["n", *VOICE_WINDOW])
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", weights.shape[1]])
    _write_graph(path, nodes, source, [output], [numpy_helper.from_array(weights, "weights")])


def _write_graph(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    source: onnx.ValueInfoProto,
    outputs: Sequence[onnx.ValueInfoProto],
    constants: Sequence[onnx.TensorProto],
) -> None:
    graph = helper.make_graph(nodes, path.stem, [source], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def _integers(name: str, *values: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, dtype=np.int64), name)
