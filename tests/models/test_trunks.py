"""Residual trunks against their definition written with functions alone, their inputs, and what stands on them."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from models import head_encoder
from models.speaker import speaker_magnitude_small, speaker_mel_small
from models.trunks import (
    ImageNetPixels,
    LogMelInput,
    MagnitudeInput,
    MfccInput,
    ResNet,
    basic_block,
    bottleneck,
    resnet,
)
from packs.spectra import linear_magnitudes, log_mel, snippets

Weights = dict[str, Tensor]


def lively(network: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(1)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_mean"):
            tensor.uniform_(-0.2, 0.2, generator=generator)
        elif name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=generator)
    return network.eval()


def norm(w: Weights, key: str, x: Tensor) -> Tensor:
    statistics = (w[f"{key}.running_mean"], w[f"{key}.running_var"])
    return functional.batch_norm(x, *statistics, w[f"{key}.weight"], w[f"{key}.bias"], eps=1e-5)


def block_by_hand(w: Weights, key: str, x: Tensor, stride: int) -> Tensor:
    """A block of either kind, told by its keys; in the bottleneck the 3x3 carries the stride."""
    strides = (1, stride, 1) if f"{key}.conv3.weight" in w else (stride, 1)
    y = x
    for index, step in enumerate(strides, start=1):
        weight = w[f"{key}.conv{index}.weight"]
        y = norm(w, f"{key}.bn{index}", functional.conv2d(y, weight, stride=step, padding=weight.shape[-1] // 2))
        y = y if index == len(strides) else functional.relu(y)
    if f"{key}.downsample.0.weight" in w:
        x = norm(w, f"{key}.downsample.1", functional.conv2d(x, w[f"{key}.downsample.0.weight"], stride=stride))
    return functional.relu(y + x)


def trunk_by_hand(w: Weights, x: Tensor, counts: tuple[int, ...]) -> Tensor:
    x = functional.relu(norm(w, "bn1", functional.conv2d(x, w["conv1.weight"], stride=2, padding=3)))
    x = functional.max_pool2d(x, 3, stride=2, padding=1)
    for stage, count in enumerate(counts, start=1):
        for index in range(count):
            x = block_by_hand(w, f"layer{stage}.{index}", x, 2 if stage > 1 and index == 0 else 1)
    return x


@pytest.mark.parametrize("block", [basic_block, bottleneck])
@pytest.mark.parametrize("counts", [(1, 1, 1, 1), (2, 1, 2, 1)])
def test_a_trunk_is_its_definition(block, counts: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    network = lively(resnet(block, counts=counts, widths=(4, 6, 8, 10)))
    x = torch.randn(2, 3, 64, 32)
    with torch.inference_mode():
        found = network(x)
        torch.testing.assert_close(found, trunk_by_hand(network.state_dict(), x, counts), atol=1e-4, rtol=1e-4)
    assert found.shape == (2, 10 if block is basic_block else 40, 2, 1)


def test_the_public_layout_knows_four_stages() -> None:
    with pytest.raises(ValueError, match="got 1 stages"):
        ResNet(conv1=nn.Conv2d(3, 4, 7), bn1=nn.BatchNorm2d(4), pool=nn.Identity(), stages=[nn.Identity()])


def test_pixels_of_imagenet() -> None:
    image = torch.tensor([[[[124, 116, 104]]], [[[255, 0, 0]]]], dtype=torch.uint8)
    found = ImageNetPixels()(image).squeeze()
    # The common form: of 0..1, minus (.485, .456, .406), by (.229, .224, .225).
    expected = (image.float().squeeze() / 255 - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor(
        [0.229, 0.224, 0.225]
    )
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert not ImageNetPixels().state_dict()


def test_magnitudes_lose_their_mean_and_nothing_else() -> None:
    """iQIYI-VID, section 5.1: mean-subtracted, no variance normalisation, divided by 50."""
    windows = torch.rand(2, 9, 5) * 100.0
    found = MagnitudeInput()(windows)
    assert found.shape == (2, 1, 5, 9)
    for window in range(2):
        for frequency in range(5):
            row = windows[window, :, frequency]
            torch.testing.assert_close(found[window, 0, frequency], (row - row.mean()) / 50.0)
    torch.testing.assert_close(MagnitudeInput()(3.0 * windows), 3.0 * found)


def test_log_mel_loses_its_loudness_and_keeps_its_shape() -> None:
    windows = torch.randn(2, 9, 5)
    found = LogMelInput()(windows)
    assert found.shape == (2, 1, 5, 9)
    torch.testing.assert_close(LogMelInput()(windows + 4.0), found, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[0, 0, 1] - found[0, 0, 0], (windows[0, :, 1] - windows[0, :, 0]) / 2.0)


def test_cepstra_go_in_as_they_are() -> None:
    windows = torch.randn(2, 9, 13)
    assert torch.equal(MfccInput()(windows).squeeze(1).transpose(1, 2), windows)


@pytest.mark.parametrize(
    ("build", "front_end", "frames"),
    [(speaker_magnitude_small, linear_magnitudes, 128), (speaker_mel_small, log_mel, 45)],
    ids=["magnitude", "mel"],
)
def test_a_voice_is_embedded_from_its_spectrum(build, front_end, frames: int) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, 32_000).astype(np.float32)
    windows = torch.from_numpy(snippets(front_end(sound), [0, 60], frames=frames))
    network = lively(build())
    with torch.inference_mode():
        found = network(windows)
    assert found.shape == (2, 192)
    assert not torch.allclose(found[0], found[1])


def test_heads_of_both_sizes_that_recipes_use() -> None:
    network = head_encoder().eval()
    for side in (64, 32):
        crop = torch.randint(0, 256, (2, side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            assert network(crop).shape == (2, 192)
