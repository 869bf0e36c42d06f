"""WeSpeaker's ResNet-34, a network of voices, with the public keys.

Sources: Wang et al., "Wespeaker", arXiv:2210.17016v2; Zeinali et al., "BUT System Description to VoxCeleb Speaker
Recognition Challenge 2019", arXiv:1910.12592v1; wenet-e2e/wespeaker at dfa7419,
`wespeaker/models/{resnet,pooling_layers}.py`; keys: methods.md 7.5 and `papers/state_dicts/wespeaker_ResNet34.tsv`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.public.waveform import KaldiBands

BANDS = 80
# Added to the variance before its root, as published.
VARIANCE_FLOOR = 1e-7


class ShortcutBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut.

    Args:
        channels_in: channels of the input.
        channels: channels of the answer.
        stride: of the first convolution.
    """

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or channels_in != channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride=stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block: [B, C, F, T] -> [B, D, f, t], float32, not negative.

        Shape legend: B sounds, C channels in, D channels out, F, f frequencies, T, t frames.
        """
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class WeSpeakerResNet(nn.Module):
    """Maps a sound of one voice to an embedding.

    Args:
        features: [B, N] samples -> [B, F, T]; it holds no weights, so that the keys are the public ones.
        stages: four of them.
        seg_1: from means and deviations to the embedding.
        width: channels of the first convolution.
    """

    def __init__(self, *, features: nn.Module, stages: Sequence[nn.Module], seg_1: nn.Linear, width: int) -> None:
        super().__init__()
        self.features = features
        self.conv1 = nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.seg_1 = seg_1

    def forward(self, sound: Tensor) -> Tensor:
        """Embed voices.

        Args:
            sound: [B, N], float32, -1..1, 16 kHz.

        Returns:
            [B, D], float32, not normalised.

        Shape legend: B sounds, N samples, F bands, T frames, C channels, D embedding dimensions.
        """
        # [B, 1, F, T]
        x = self.features(sound).unsqueeze(1)
        x = functional.relu(self.bn1(self.conv1(x)))
        # [B, 8 C, F / 8, T / 8]
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        # [B, C F, T / 8] -> [B, 2 C F]
        frames = x.flatten(1, 2)
        mean = frames.mean(dim=2)
        variance = (frames - mean.unsqueeze(2)).square().sum(dim=2) / (frames.shape[2] - 1)
        pooled = torch.cat([mean, (variance + VARIANCE_FLOOR).sqrt()], dim=1)
        embedding: Tensor = self.seg_1(pooled)
        return embedding


def wespeaker_resnet34(width: int = 32, embedding_dim: int = 256) -> WeSpeakerResNet:
    """Build WeSpeaker's ResNet-34, 6.6 M parameters at a width of 32."""
    stages = []
    channels = width
    for index, count in enumerate((3, 4, 6, 3)):
        wide = width * 2**index
        blocks = [ShortcutBlock(channels, wide, stride=2 if index else 1)]
        blocks += [ShortcutBlock(wide, wide, stride=1) for _ in range(count - 1)]
        stages.append(nn.Sequential(*blocks))
        channels = wide
    pooled = 2 * channels * (BANDS // 8)
    return WeSpeakerResNet(features=KaldiBands(), stages=stages, seg_1=nn.Linear(pooled, embedding_dim), width=width)
