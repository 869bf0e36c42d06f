import pytest
import torch

import models
from models.sound import AttentiveStatistics, SpectrogramInput, frame_block, frame_unit


def windows(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 2.0 - 2.0


def test_frequencies_become_channels() -> None:
    x = windows(2, 7, 5)
    normalised = SpectrogramInput(level=False)(x)
    assert normalised.shape == (2, 5, 1, 7)
    torch.testing.assert_close(normalised[1, 3, 0, 4], (x[1, 4, 3] + 2.0) / 2.0)


def test_loudness_is_taken_out_but_not_the_shape_of_the_spectrum() -> None:
    x = windows(2, 9, 5)
    level = SpectrogramInput(level=True)
    torch.testing.assert_close(level(x + 3.0), level(x))
    torch.testing.assert_close(level(x).mean(dim=(1, 2, 3)), torch.zeros(2), atol=1e-6, rtol=0.0)
    tilted = x + torch.linspace(-1.0, 1.0, 5)
    assert (level(tilted) - level(x)).abs().max() > 0.4


def slow_statistics(x: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    """Equations 5 to 7 of the paper, one channel and one frame at a time."""
    batch, channels, frames = x.shape
    result = torch.zeros(batch, 2 * channels)
    for b in range(batch):
        for c in range(channels):
            exps = [torch.exp(scores[b, c, t]) for t in range(frames)]
            alphas = [value / sum(exps) for value in exps]
            mean = sum(alphas[t] * x[b, c, t] for t in range(frames))
            square = sum(alphas[t] * x[b, c, t] ** 2 for t in range(frames))
            result[b, c], result[b, channels + c] = mean, torch.sqrt(square - mean**2 + 1e-4)
    return result


def test_attentive_statistics_are_the_formula() -> None:
    torch.manual_seed(2)
    attention = torch.nn.Conv2d(3, 3, 1)
    x = torch.randn(2, 3, 1, 6)
    with torch.no_grad():
        found = AttentiveStatistics(attention=attention)(x)
        expected = slow_statistics(x.squeeze(2), attention(x).squeeze(2))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("frames", [64, 128])
def test_the_voice_encoder_takes_both_lengths_that_its_recipe_uses(frames: int) -> None:
    encoder = models.voice_encoder().eval()
    with torch.inference_mode():
        assert encoder(windows(2, frames, 257)).shape == (2, 192)


def test_a_louder_voice_is_the_same_voice() -> None:
    encoder = models.voice_encoder().eval()
    x = windows(2, 64, 257)
    with torch.inference_mode():
        torch.testing.assert_close(encoder(x + 1.5), encoder(x), atol=1e-4, rtol=1e-3)


def test_activity_answers_each_frame_and_sees_a_third_of_a_second() -> None:
    torch.manual_seed(1)
    network = models.voice_activity().eval()
    x = windows(1, 128, 257)
    changed = x.clone()
    changed[0, 64] += 3.0
    with torch.inference_mode():
        assert network(x).shape == (1, 128)
        moved = (network(changed) - network(x)).abs()[0] > 0.0
        probabilities = models.ActivityGraph(network=network).eval()(x)
    reached = torch.nonzero(moved).flatten()
    assert (int(reached.min()), int(reached.max())) == (64 - 32, 64 + 32)
    torch.testing.assert_close(probabilities, network(x).sigmoid())


def test_units_keep_or_halve_their_frames() -> None:
    x = torch.randn(1, 4, 1, 16)
    assert frame_unit(4, 6, kernel=5, stride=2)(x).shape == (1, 6, 1, 8)
    assert frame_unit(4, 6, kernel=3, dilation=4)(x).shape == (1, 6, 1, 16)
    assert frame_block(4, dilation=2, depthwise=True)(x).shape == x.shape


def test_sound_networks_stay_small() -> None:
    sizes = {
        build: sum(p.numel() for p in build().parameters()) for build in (models.voice_encoder, models.voice_activity)
    }
    assert sizes[models.voice_encoder] <= 1_500_000
    assert sizes[models.voice_activity] <= 100_000
