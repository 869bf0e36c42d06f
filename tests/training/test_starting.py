"""A trunk begins as the very function that a pack serves."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from models.blocks import PixelInput
from models.presets import body_trunk, patch_trunk
from training.starting import start_trunk

GRAPH = Path(__file__).parents[2] / "packs" / "demo" / "body_encoder.onnx"
MAP = "/trunk/trunk.7/activation/Relu_output_0"


@pytest.fixture
def crops() -> torch.Tensor:
    chance = torch.Generator().manual_seed(1)
    coarse = torch.randint(0, 256, (6, 16, 8, 3), dtype=torch.uint8, generator=chance)
    return coarse.repeat_interleave(8, dim=1).repeat_interleave(8, dim=2)


def served_map(crops: torch.Tensor) -> np.ndarray:
    """What the pack's trunk gives of some crops; those of their mirror images follow in the graph."""
    model = onnx.load(GRAPH)
    model.graph.output.append(onnx.helper.make_tensor_value_info(MAP, onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run([MAP], {"crop": crops.numpy()})[0][: len(crops)]


@pytest.mark.parametrize("learning", [False, True])
def test_it_gives_what_the_pack_gives(crops: torch.Tensor, learning: bool) -> None:
    trunk = body_trunk()
    start_trunk(trunk, GRAPH, crops)
    with torch.no_grad():
        got = trunk.train(learning)(PixelInput()(crops)).numpy()
    np.testing.assert_allclose(got, served_map(crops), atol=2e-3)


def test_it_is_left_to_learn(crops: torch.Tensor) -> None:
    trunk = body_trunk()
    start_trunk(trunk, GRAPH, crops)
    assert trunk.training


def test_another_trunk_is_refused(crops: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"has \(48, 3, 8, 8\) at trunk.0, expected \(32, 3, 8, 8\)"):
        start_trunk(patch_trunk((32, 64, 88)), GRAPH, crops)
    with pytest.raises(ValueError, match="has nothing at trunk"):
        start_trunk(body_trunk(), GRAPH.with_name("voice_activity.onnx"), crops)
