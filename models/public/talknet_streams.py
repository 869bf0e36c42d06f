"""The two streams of TalkNet: faces through space and time, cepstra through a residual network.

Sources: those of `models.public.talknet`; the visual front end is that of Afouras et al., "Deep Audio-Visual Speech
Recognition", arXiv:1809.02108v2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

FACE = 512
GROUND = 1e-8  # added to the variance of a whole track


class FaceLayer(nn.Module):
    """Two residual blocks that normalise after the sum; the first changes the width.

    Args:
        channels_in: channels of the input.
        channels: channels of the answer.
        stride: of the first convolution and its shortcut. The file holds a shortcut in any case; at 1 it is not used.
    """

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1a = nn.Conv2d(channels_in, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1a = nn.BatchNorm2d(channels, eps=0.001)
        self.conv2a = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.downsample = nn.Conv2d(channels_in, channels, 1, stride=stride, bias=False)
        self.outbna = nn.BatchNorm2d(channels, eps=0.001)
        self.conv1b = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1b = nn.BatchNorm2d(channels, eps=0.001)
        self.conv2b = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.outbnb = nn.BatchNorm2d(channels, eps=0.001)
        self._stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer: [N, C, H, W] -> [N, D, h, w], float32, not negative.

        Shape legend: N frames, C channels in, D channels out, H, h rows, W, w columns.
        """
        shortcut = x if self._stride == 1 else self.downsample(x)
        between = self.conv2a(functional.relu(self.bn1a(self.conv1a(x)))) + shortcut
        y = functional.relu(self.outbna(between))
        y = self.conv2b(functional.relu(self.bn1b(self.conv1b(y)))) + between
        return functional.relu(self.outbnb(y))


class FaceNet(nn.Module):
    """Four layers, each but the first halves the map; the 4x4 that is left of 112 pixels is averaged."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = FaceLayer(64, 64, 1)
        self.layer2 = FaceLayer(64, 128, 2)
        self.layer3 = FaceLayer(128, 256, 2)
        self.layer4 = FaceLayer(256, FACE, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Describe maps: [N, 64, 28, 28] -> [N, 512], float32. Shape legend: N frames."""
        y = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return functional.avg_pool2d(y, 4, stride=1).flatten(1)


class VisualFrontend(nn.Module):
    """Five frames at a time, then each frame alone."""

    def __init__(self) -> None:
        super().__init__()
        self.frontend3D = nn.Sequential(
            nn.Conv3d(1, 64, (5, 7, 7), stride=(1, 2, 2), padding=(2, 3, 3), bias=False),
            nn.BatchNorm3d(64, eps=0.001),
            nn.ReLU(),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
        )
        self.resnet = FaceNet()

    def forward(self, faces: Tensor) -> Tensor:
        """Describe tracks: [B, T, 112, 112] -> [B, 512, T], float32. Shape legend: B tracks, T frames."""
        # [B, 64, T, 28, 28] -> [B T, 64, 28, 28]
        maps = self.frontend3D(faces.unsqueeze(1)).transpose(1, 2)
        described = self.resnet(maps.flatten(0, 1))
        # [B T, 512] -> [B, T, 512] -> [B, 512, T]
        tracks: Tensor = described.reshape(-1, faces.shape[1], FACE).transpose(1, 2)
        return tracks


class TrackNorm(nn.Module):
    """Takes mean and deviation out over channels and frames of a whole track.

    Args:
        channels: channels; each has a scale and a shift.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(1, channels, 1))
        self.beta = nn.Parameter(torch.zeros(1, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise: [B, C, T] -> the same, float32. Shape legend: B tracks, C channels, T frames."""
        centred = x - x.mean(dim=(1, 2), keepdim=True)
        variance = centred.square().mean(dim=(1, 2), keepdim=True)
        return self.gamma * centred / (variance + GROUND).sqrt() + self.beta


class Residual(nn.Module):
    """Adds what `net` computes to its input."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.net = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Apply it: [B, C, T] -> the same, float32. Shape legend: B tracks, C channels, T frames."""
        y: Tensor = self.net(x) + x
        return y


class Chain(nn.Module):
    """Layers one after the other, under the name `net`."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.net = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Apply them: [B, C, T] -> [B, D, T], float32. Shape legend: B tracks, C, D channels, T frames."""
        y: Tensor = self.net(x)
        return y


class Squeeze(nn.Module):
    """Weighs channels by what they hold on average."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(channels, channels // 8), nn.ReLU(), nn.Linear(channels // 8, channels), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Weigh: [B, C, H, W] -> the same, float32. Shape legend: B sounds, C channels."""
        weights: Tensor = self.fc(x.mean(dim=(2, 3))).unsqueeze(2).unsqueeze(3)
        return x * weights


class AudioBlock(nn.Module):
    """Two 3x3 convolutions and `Squeeze`, with a shortcut; the first activates before it normalises, as published."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.se = Squeeze(channels)
        self.downsample: nn.Module | None = None
        if stride != 1 or channels_in != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride=stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block: [B, C, M, T] -> [B, D, m, t], float32, not negative.

        Shape legend: B sounds, C, D channels, M, m coefficients, T, t frames.
        """
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.bn1(functional.relu(self.conv1(x)))
        return functional.relu(self.se(self.bn2(self.conv2(y))) + shortcut)


class AudioEncoder(nn.Module):
    """A thin residual network over cepstra; two of its stages halve time, so that four frames meet one of picture.

    Args:
        counts: blocks of each stage.
    """

    def __init__(self, counts: Sequence[int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 7, stride=(2, 1), padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        sizes = ((16, 16, 1), (16, 32, 2), (32, 64, 2), (64, 128, 1))
        stages = [_stage(*size, count) for size, count in zip(sizes, counts, strict=True)]
        self.layer1, self.layer2, self.layer3, self.layer4 = stages

    def forward(self, sound: Tensor) -> Tensor:
        """Describe: [B, 1, M, 4 T] -> [B, T, 128], float32. Shape legend: B sounds, M coefficients, T frames."""
        x = functional.relu(self.bn1(self.conv1(sound)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        described: Tensor = x.mean(dim=2).transpose(1, 2)
        return described


def temporal_convolution() -> Chain:
    """Build the network over time of faces: five residual blocks, 512 channels."""
    return Chain(*[_temporal_block() for _ in range(5)])


def visual_projection() -> Chain:
    """Build the layers from 512 channels of faces to 128."""
    return Chain(nn.Conv1d(FACE, 256, 5, padding=2), nn.BatchNorm1d(256), nn.ReLU(), nn.Conv1d(256, 128, 1))


def _temporal_block() -> Residual:
    return Residual(
        nn.ReLU(),
        nn.BatchNorm1d(FACE),
        nn.Conv1d(FACE, FACE, 3, padding=1, groups=FACE, bias=False),
        nn.PReLU(),
        TrackNorm(FACE),
        nn.Conv1d(FACE, FACE, 1, bias=False),
    )


def _stage(channels_in: int, channels: int, stride: int, count: int) -> nn.Sequential:
    first = AudioBlock(channels_in, channels, stride)
    return nn.Sequential(first, *[AudioBlock(channels, channels, 1) for _ in range(count - 1)])
