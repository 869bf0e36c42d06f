"""From raw values to network input, inside the graph, so that no client has to know how."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# RGB, of pixels in 0..255: the statistics that every set of public ImageNet weights was trained with.
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


class ImageNetPixels(nn.Module):
    """Pixels with the mean and the spread of ImageNet taken out, for trunks that begin with its weights."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).reshape(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Normalise and transpose.

        Args:
            image: [B, H, W, 3], uint8 or float, 0..255, RGB.

        Returns:
            [B, 3, H, W], float32, about -2.1..2.7.

        Shape legend: B images, H rows, W columns.
        """
        # [B, 3, H, W]
        channels_first = image.permute(0, 3, 1, 2).to(torch.float32)
        return (channels_first - self.mean) / self.std


class MagnitudeInput(nn.Module):
    """Magnitudes of a spectrum as the iQIYI-VID audio stream takes them: mean out, no variance, divided by 50.

    Source: Liu et al., "iQIYI-VID", section 5.1. Which mean goes out, and the scale of the sound, are not stated. Here
    it is the mean of each frequency over the window, and sound is in -1..1, for which 50.0 gives values of about one.
    """

    SCALE = 50.0

    def forward(self, windows: Tensor) -> Tensor:
        """Normalise and make it a picture.

        Args:
            windows: [B, T, F], float32, magnitudes, not negative.

        Returns:
            [B, 1, F, T], float32.

        Shape legend: B windows, T frames of 10 ms, F frequencies.
        """
        centred = (windows - windows.mean(dim=1, keepdim=True)) / self.SCALE
        return centred.transpose(1, 2).unsqueeze(1)


class LogMelInput(nn.Module):
    """Log-mel windows without their loudness; the paper of APES states no normalisation, this one is ours."""

    SPREAD = 2.0

    def forward(self, windows: Tensor) -> Tensor:
        """Normalise and make it a picture.

        Args:
            windows: [B, T, M], float32, natural logarithms.

        Returns:
            [B, 1, M, T], float32, about -3..3.

        Shape legend: B windows, T frames of 10 ms, M mel bands.
        """
        level = windows.mean(dim=(1, 2), keepdim=True)
        return ((windows - level) / self.SPREAD).transpose(1, 2).unsqueeze(1)


class MfccInput(nn.Module):
    """Cepstra as they are: the published code of APES feeds them raw, and so does Light-ASD."""

    def forward(self, windows: Tensor) -> Tensor:
        """Make it a picture.

        Args:
            windows: [B, T, M], float32, cepstral coefficients.

        Returns:
            [B, 1, M, T], float32.

        Shape legend: B windows, T frames of 10 ms, M coefficients.
        """
        return windows.transpose(1, 2).unsqueeze(1)
