"""Every small preset of words, speech and partial bodies as ONNX with a free batch, against torch in ONNX Runtime."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from export.onnx_from_module import OPSET, onnx_from_module
from models.partial import PartialGraph, cmps_body_small
from models.speech import ChunkGraph, RecogniserGraph, deep_speech_small
from models.text import (
    BERT_DIM,
    SMALL_IMAGE,
    SMALL_VOCABULARY,
    SMALL_WORDS,
    ImageGraph,
    TextGraph,
    cmps_fast_text_small,
    cmps_text_small,
    ivt_small,
)

LARGE = 17
STATES = ("past_frames", "past_features", "hidden", "cell")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def crops(rows: int) -> torch.Tensor:
    return torch.randint(0, 256, (rows, *SMALL_IMAGE, 3), dtype=torch.uint8, generator=generator(rows))


def sentences(rows: int) -> torch.Tensor:
    """Rows of 1 to all words, then padding."""
    numbers = torch.randint(1, SMALL_VOCABULARY, (rows, SMALL_WORDS), generator=generator(rows))
    lengths = torch.randint(1, SMALL_WORDS + 1, (rows, 1), generator=generator(rows))
    return (numbers * (torch.arange(SMALL_WORDS) < lengths)).to(torch.int32)


def word_vectors(rows: int) -> torch.Tensor:
    vectors = torch.randn(rows, 12, BERT_DIM, generator=generator(rows))
    vectors[0, 7:] = 0.0
    return vectors


def frames(rows: int) -> torch.Tensor:
    return torch.rand(rows, 40, 161, generator=generator(rows))


def lively(network: nn.Module) -> nn.Module:
    """Give norms statistics that do something, so that folding them is put to the test."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.2, 0.2, generator=generator())
            layer.running_var.uniform_(0.5, 1.5, generator=generator())
    return network.eval()


GRAPHS: dict[str, tuple[Callable[[], nn.Module], Callable[[int], torch.Tensor], tuple[str, ...]]] = {
    "ivt_image": (lambda: ImageGraph(network=ivt_small()), crops, ("embedding",)),
    "ivt_text": (lambda: TextGraph(network=ivt_small()), sentences, ("embedding",)),
    "cmps_text": (cmps_text_small, word_vectors, ("embedding",)),
    "cmps_fast_text": (cmps_fast_text_small, sentences, ("embedding",)),
    "cmps_body": (lambda: PartialGraph(network=cmps_body_small()), crops, ("embedding", "vectors", "weights")),
    "deep_speech": (lambda: RecogniserGraph(network=deep_speech_small()), frames, ("scores",)),
}


def close(found: np.ndarray, expected: np.ndarray) -> None:
    """Weights are stored with 11 significant bits: each row keeps its direction and nearly its values."""
    assert found.shape == expected.shape
    one, other = found.reshape(len(found), -1), expected.reshape(len(expected), -1)
    cosine = (one * other).sum(axis=1) / (np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1))
    assert cosine.min() > 0.9999
    assert np.abs(one - other).max() < 0.01 * np.abs(other).max()


@pytest.mark.parametrize("name", list(GRAPHS))
def test_small_presets_agree_with_torch_at_every_batch(name: str, tmp_path: Path) -> None:
    build, inputs, outputs = GRAPHS[name]
    torch.manual_seed(0)
    graph, path = lively(build()), tmp_path / f"{name}.onnx"
    onnx_from_module(graph, inputs(2), inputs=["x"], outputs=outputs, path=path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for rows in (1, 3, LARGE):
        x = inputs(rows)
        with torch.inference_mode():
            answer = graph(x)
        expected = answer if isinstance(answer, tuple) else (answer,)
        for found, reference in zip(session.run(list(outputs), {"x": x.numpy()}), expected, strict=True):
            close(found, reference.numpy())


def test_a_running_recogniser_keeps_its_state_outside_the_graph(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = lively(deep_speech_small())
    graph, path = ChunkGraph(network=network).eval(), tmp_path / "chunk.onnx"

    def silence(rows: int) -> tuple[torch.Tensor, ...]:
        state = network.start(rows)
        return *state.past, state.hidden.transpose(0, 1).contiguous(), state.cell.transpose(0, 1).contiguous()

    names = [f"{name}_out" for name in STATES]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            (frames(2)[:, :8], *silence(2)),
            str(path),
            input_names=["frames", *STATES],
            output_names=["scores", *names],
            dynamic_axes={name: {0: "batch"} for name in ("frames", "scores", *STATES, *names)},
            opset_version=OPSET,
            dynamo=False,
        )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for rows in (1, 3, LARGE):
        x, state, parts = frames(rows), [part.numpy() for part in silence(rows)], []
        for start in range(0, 40, 8):
            chunk = {"frames": x[:, start : start + 8].numpy()}
            scores, *state = session.run(None, chunk | dict(zip(STATES, state, strict=True)))
            parts.append(scores)
        with torch.inference_mode():
            whole = RecogniserGraph(network=network)(x)
        np.testing.assert_allclose(np.concatenate(parts, axis=1), whole.numpy(), atol=1e-4)
