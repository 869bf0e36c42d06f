"""Every small preset as ONNX, with a free batch: ONNX Runtime must agree with torch, whatever the batch."""

from collections.abc import Callable
from pathlib import Path

import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from export.onnx_from_network import onnx_from_network
from models.face import NormQuality, QualityGraph
from models.presets_papers import PAPER_PRESETS, SMALL_PRESETS
from models.speaking import SpeakingGraph

Inputs = tuple[Tensor, ...]
BATCHES = (1, 3, 7)
# The batch that the graph is traced with is none of those that it is asked.
TRACED = 2


def pixels(*shape: int) -> Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(shape[0]))


def values(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(shape[0] + shape[-1]))


def masks(batch: int, modalities: int) -> Tensor:
    """The first has everything, each of the others lacks something."""
    rows = [[float(row == 0 or (row + m) % modalities) for m in range(modalities)] for row in range(batch)]
    return torch.tensor(rows)


INPUTS: dict[str, Callable[[int], Inputs]] = {
    "active_speaker_small": lambda b: (pixels(b, 4, 48, 48), values(b, 16, 13)),
    "aligned_body_small": lambda b: (pixels(b, 128, 64, 3),),
    "associative_small": lambda b: (
        masks(b, 3),
        values(b, 3).abs(),
        values(b, 256),
        values(b, 256).flip(1),
        values(b, 192),
    ),
    "clip_identifier_small": lambda b: (
        masks(b, 4),
        values(b, 5, 256),
        values(b, 3, 192),
        values(b, 4, 256),
        values(b, 2, 192),
    ),
    "iresnet_small": lambda b: (pixels(b, 96, 96, 3),),
    "speaker_magnitude_small": lambda b: (values(b, 64, 257).abs(),),
    "speaker_mel_small": lambda b: (values(b, 45, 64),),
    "sphereface_small": lambda b: (pixels(b, 96, 96, 3),),
    "two_stream_small": lambda b: (pixels(b, 64, 64, 3), values(b, 45, 64)),
}


def served(name: str) -> nn.Module:
    """The network as it would be served, with norms that do something."""
    torch.manual_seed(0)
    network = SMALL_PRESETS[name]()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
            layer.running_mean.uniform_(-0.2, 0.2)
            layer.running_var.uniform_(0.5, 1.5)
    if name == "active_speaker_small":
        network = SpeakingGraph(network=network)
    if name == "iresnet_small":
        network = QualityGraph(encoder=network, quality=NormQuality())
    return network.eval()


def answers(module: nn.Module, inputs: Inputs) -> list[Tensor]:
    with torch.inference_mode():
        found = module(*inputs)
    return list(found) if isinstance(found, tuple) else [found]


def export(module: nn.Module, example: Inputs, path: Path) -> onnxruntime.InferenceSession:
    """Export, and open with one thread: tiny networks gain nothing from more."""
    inputs = [f"input_{n}" for n in range(len(example))]
    outputs = [f"output_{n}" for n in range(len(answers(module, example)))]
    onnx_from_network(module, example, inputs=inputs, outputs=outputs, path=path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("name", sorted(SMALL_PRESETS))
def test_onnx_runtime_agrees_with_torch_at_every_batch(name: str, tmp_path: Path) -> None:
    module = served(name)
    session = export(module, INPUTS[name](TRACED), tmp_path / "model.onnx")
    wanted = {node.name for node in session.get_inputs()}
    assert wanted == {f"input_{n}" for n in range(len(INPUTS[name](1)))}
    for batch in BATCHES:
        inputs = INPUTS[name](batch)
        found = session.run(None, {f"input_{n}": part.numpy() for n, part in enumerate(inputs)})
        for reference, other in zip(answers(module, inputs), found, strict=True):
            scale = reference.abs().max().item()
            assert scale > 0.0
            torch.testing.assert_close(torch.from_numpy(other), reference, atol=2e-4 * max(1.0, scale), rtol=1e-3)


def test_missing_modalities_weigh_exactly_nothing_in_onnx_too(tmp_path: Path) -> None:
    module = served("associative_small")
    session = export(module, INPUTS["associative_small"](TRACED), tmp_path / "model.onnx")
    inputs = INPUTS["associative_small"](3)
    _, keys, weights = session.run(None, {f"input_{n}": part.numpy() for n, part in enumerate(inputs)})
    missing = inputs[0].numpy() == 0.0
    assert missing.any()
    assert (weights[missing] == 0.0).all()
    assert (keys[missing] == 0.0).all()


def test_no_preset_is_forgotten() -> None:
    assert set(INPUTS) == set(SMALL_PRESETS)
    assert not set(SMALL_PRESETS) & set(PAPER_PRESETS)


@pytest.mark.parametrize("name", sorted(SMALL_PRESETS))
def test_small_presets_are_small(name: str) -> None:
    with torch.device("meta"):
        parameters = sum(p.numel() for p in SMALL_PRESETS[name]().parameters())
    # In half precision below 3.5 MB: what git can take.
    assert parameters < 1.75e6


# Parameters at the papers' size; where a public network exists its own count, else a frozen figure.
PAPER_SIZES = {
    "active_speaker_paper": 1_021_636,  # 1.02 M, methods.md 7.7, and two classifiers of 258
    "aligned_body_paper": 23_774_400,  # ResNet-50 without its classifier, 23,508,032, and the head of stripes
    "associative_paper": 1_972_224,
    "clip_identifier_paper": 23_086_990,
    "head_encoder_paper": 43_590_848,
    "iresnet18": 24_025_600,
    "iresnet34": 34_139_328,
    "iresnet50": 43_590_848,  # 43.59 M, methods.md 7.2
    "iresnet100": 65_156_160,
    "speaker_magnitude_paper": 21_278_400,  # ResNet-34 without its classifier, 21,284,672, and one colour for three
    "speaker_mel_paper": 21_278_400,
    "sphereface20": 22_670_656,
    "two_stream_mfcc_published": 22_871_552,  # twice ResNet-18 without its classifier, 11,176,512, and the joint layer
    "two_stream_paper": 22_871_552,
}


@pytest.mark.parametrize("name", sorted(PAPER_PRESETS))
def test_paper_presets_have_the_papers_size(name: str) -> None:
    with torch.device("meta"):
        assert sum(p.numel() for p in PAPER_PRESETS[name]().parameters()) == PAPER_SIZES[name]


def test_an_example_that_would_freeze_the_batch_is_refused(tmp_path: Path) -> None:
    module = served("associative_small")
    names = {"inputs": ["a", "b", "c", "d", "e"], "outputs": ["x", "y", "z"], "path": tmp_path / "model.onnx"}
    with pytest.raises(ValueError, match="batch of 1"):
        onnx_from_network(module, INPUTS["associative_small"](1), **names)
    with pytest.raises(ValueError, match="got 4 tensors for 5 names"):
        onnx_from_network(module, INPUTS["associative_small"](2)[:4], **names)
    with pytest.raises(ValueError, match="training mode"):
        onnx_from_network(module.train(), INPUTS["associative_small"](2), **names)
