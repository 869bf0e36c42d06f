"""A tiny text pair for tests: the colour of a crop, and the colours that a sentence names. Needs the `onnx` package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from packs.arrays import F32
from packs.manifest import file_sha256
from packs.spec import Modality, ModelSpec, Preprocessing, TensorSpec, WordPreprocessing
from packs.words.vocabulary import SPECIAL, Vocabulary, write_vocabulary

__all__ = ["COLOURS", "WORDS", "text_of_tokens", "write_text_pair"]

LENGTH = 8
DIMENSION = 4
COLOURS = ("red", "green", "blue")
WORDS = (*SPECIAL, "a", "woman", "in", "the", "jacket", *COLOURS)
# The fourth number is 1 for every word and a quarter of the brightness of a crop: no embedding has length 0.
NAMED, SAID = 8.0, 1.0
# More rows than words: inputs of noise hold numbers under 64.
ROWS = 64


def write_text_pair(directory: Path, crop: tuple[int, int, int]) -> tuple[ModelSpec, ModelSpec]:
    """Write both networks and the vocabulary, and declare them: bodies first, then sentences.

    Args:
        directory: Of the pack.
        crop: Rows, columns and channels of a body crop; rows times columns is a power of 2, so that means are exact.
    """
    _write_image_side(directory / "text_image_encoder.onnx", crop)
    _write_text_side(directory / "text_encoder.onnx")
    write_vocabulary(directory / "vocabulary.json", Vocabulary.of(WORDS))
    looks = ModelSpec(
        name="text_image_encoder",
        modality=Modality.TEXT,
        file="text_image_encoder.onnx",
        sha256=file_sha256(directory / "text_image_encoder.onnx"),
        inputs=(TensorSpec(name="crop", dtype="UINT8", shape=crop),),
        outputs=(TensorSpec(name="embedding", dtype="FP32", shape=(DIMENSION,)),),
        max_batch=4,
        preprocessing=Preprocessing(kind="stretch", height=crop[0], width=crop[1]),
        embedding_dim=DIMENSION,
    )
    reads = ModelSpec(
        name="text_encoder",
        file="text_encoder.onnx",
        sha256=file_sha256(directory / "text_encoder.onnx"),
        inputs=(TensorSpec(name="tokens", dtype="INT32", shape=(LENGTH,)),),
        outputs=(TensorSpec(name="embedding", dtype="FP32", shape=(DIMENSION,)),),
        max_batch=4,
        preprocessing=WordPreprocessing(
            kind="words",
            length=LENGTH,
            vocabulary="vocabulary.json",
            vocabulary_sha256=file_sha256(directory / "vocabulary.json"),
        ),
        embedding_dim=DIMENSION,
    )
    return looks, reads


def text_of_tokens(tokens: np.ndarray[tuple[int, int], np.dtype[np.int32]]) -> F32:
    """What `text_encoder` answers to int32[N, 8], in numpy: float32[N, 4]."""
    return np.asarray(_table()[tokens].sum(axis=1), dtype=np.float32)


def _table() -> F32:
    table = np.zeros((ROWS, DIMENSION), np.float32)
    table[len(SPECIAL) :, 3] = SAID
    for place, colour in enumerate(COLOURS):
        table[WORDS.index(colour), place] = NAMED
    return table


def _write_image_side(path: Path, crop: tuple[int, int, int]) -> None:
    pixels = crop[0] * crop[1]
    mean = np.zeros((crop[2], DIMENSION), np.float32)
    mean[:, :3] = np.eye(3) / pixels
    mean[:, 3] = 0.25 / pixels
    nodes = [
        helper.make_node("Cast", ["crop"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["floats", "flat_shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["embedding"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([-1, pixels * crop[2]], np.int64), "flat_shape"),
        numpy_helper.from_array(np.tile(mean, (pixels, 1)), "weights"),
    ]
    _write(path, nodes, helper.make_tensor_value_info("crop", TensorProto.UINT8, ["n", *crop]), constants)


def _write_text_side(path: Path) -> None:
    nodes = [
        helper.make_node("Gather", ["table", "tokens"], ["rows"], axis=0),
        helper.make_node("ReduceSum", ["rows", "words_axis"], ["embedding"], keepdims=0),
    ]
    constants = [
        numpy_helper.from_array(_table(), "table"),
        numpy_helper.from_array(np.array([1], np.int64), "words_axis"),
    ]
    _write(path, nodes, helper.make_tensor_value_info("tokens", TensorProto.INT32, ["n", LENGTH]), constants)


def _write(
    path: Path, nodes: list[onnx.NodeProto], source: onnx.ValueInfoProto, constants: list[onnx.TensorProto]
) -> None:
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", DIMENSION])
    graph = helper.make_graph(nodes, path.stem, [source], [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
