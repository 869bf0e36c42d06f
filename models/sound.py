"""Networks of sound: whose voice a window of spectrogram holds, and in which of its frames somebody speaks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.blocks import ConvUnit, ResidualBlock


class SpectrogramInput(nn.Module):
    """Turns windows of log-magnitudes into network input, inside the graph, so that no client has to know how.

    Args:
        level: Whether the loudness of the whole window is taken out. The shape of the spectrum stays: a mean of each
            frequency over a second of one voice is a good part of what makes the voice.
    """

    # About the mean and the spread of log-magnitudes over sound as it is heard in films.
    CENTRE = -2.0
    SPREAD = 2.0

    def __init__(self, *, level: bool) -> None:
        super().__init__()
        self.level = level

    def forward(self, windows: Tensor) -> Tensor:
        """Normalise and transpose.

        Args:
            windows: [B, T, F], float32, natural logarithms of magnitudes.

        Returns:
            [B, F, 1, T], float32, about -3..3: frequencies are channels, and the row of one makes it a picture, for
            which convolutions are twice as fast on a CPU.

        Shape legend: B windows, T frames of 10 ms, F frequencies.
        """
        centre = windows.mean(dim=(1, 2), keepdim=True) if self.level else self.CENTRE
        # [B, F, 1, T]
        return ((windows - centre) / self.SPREAD).transpose(1, 2).unsqueeze(2)


class AttentiveStatistics(nn.Module):
    """Weighted mean and standard deviation over time; what the weights are is learned, each channel has its own.

    Source: Okabe, Koshinaka, Shinoda, "Attentive Statistics Pooling for Deep Speaker Embedding", arXiv:1803.10963v2,
    equations 4 to 7, with one weight for each channel.

    Args:
        attention: [B, C, 1, T] -> [B, C, 1, T], scores before the softmax over T.
    """

    def __init__(self, *, attention: nn.Module) -> None:
        super().__init__()
        self.attention = attention

    def forward(self, x: Tensor) -> Tensor:
        """Pool.

        Args:
            x: [B, C, 1, T], float32.

        Returns:
            [B, 2C], float32: means, then standard deviations.

        Shape legend: B batch, C channels, T frames.
        """
        # bfloat16 keeps 8 bits, too few for a difference of squares.
        # [B, C, T]
        frames = x.float().flatten(2)
        weights = self.attention(x).float().flatten(2).softmax(dim=2)
        # [B, C]
        mean = (weights * frames).sum(dim=2)
        variance = (weights * (frames - mean.unsqueeze(2)).square()).sum(dim=2)
        return torch.cat([mean, (variance + 1e-4).sqrt()], dim=1)


class VoiceEncoder(nn.Module):
    """Maps a window of one voice to an embedding whose direction says who, and whose norm says how clearly.

    Args:
        spectrogram: normalisation of log-magnitudes.
        trunk: [B, F, 1, T] -> [B, C, 1, t].
        projection: [B, C, 1, t] -> [B, D].
    """

    def __init__(self, *, spectrogram: SpectrogramInput, trunk: nn.Module, projection: nn.Module) -> None:
        super().__init__()
        self.spectrogram = spectrogram
        self.trunk = trunk
        self.projection = projection

    def forward(self, windows: Tensor) -> Tensor:
        """Embed windows.

        Args:
            windows: [B, T, F], float32, log-magnitudes as `packs.sound` makes them.

        Returns:
            [B, D], float32, not normalised.

        Shape legend: B windows, T frames, F frequencies, C channels, D embedding dimensions.
        """
        # [B, C, 1, t]
        features = self.trunk(self.spectrogram(windows))
        # [B, D]
        embedding: Tensor = self.projection(features)
        return embedding


class VoiceActivity(nn.Module):
    """Says of each frame of a window how likely somebody speaks in it.

    Args:
        spectrogram: normalisation of log-magnitudes.
        trunk: [B, F, 1, T] -> [B, C, 1, T].
        score: [B, C, 1, T] -> [B, 1, 1, T].
    """

    def __init__(self, *, spectrogram: SpectrogramInput, trunk: nn.Module, score: nn.Conv2d) -> None:
        super().__init__()
        self.spectrogram = spectrogram
        self.trunk = trunk
        self.score = score

    def forward(self, windows: Tensor) -> Tensor:
        """Score frames.

        Args:
            windows: [B, T, F], float32, log-magnitudes.

        Returns:
            [B, T], float32, log-odds of speech.

        Shape legend: B windows, T frames, F frequencies.
        """
        # [B, 1, 1, T] -> [B, T]
        scores: Tensor = self.score(self.trunk(self.spectrogram(windows))).flatten(1)
        return scores


class ActivityGraph(nn.Module):
    """The served form of voice activity: probabilities instead of log-odds.

    Args:
        network: the trained network.
    """

    def __init__(self, *, network: VoiceActivity) -> None:
        super().__init__()
        self.network = network

    def forward(self, windows: Tensor) -> Tensor:
        """Give the probability of speech in each frame.

        Args:
            windows: [B, T, F], float32, log-magnitudes.

        Returns:
            [B, T], float32, 0..1.

        Shape legend: B windows, T frames, F frequencies.
        """
        return functional.sigmoid(self.network(windows))


def frame_unit(
    in_channels: int,
    out_channels: int,
    *,
    kernel: int = 1,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    activate: bool = True,
) -> ConvUnit:
    """Build a `ConvUnit` over time, [B, C, 1, T] -> [B, D, 1, T / stride], with "same" padding and ReLU."""
    conv = nn.Conv2d(
        in_channels,
        out_channels,
        (1, kernel),
        stride=(1, stride),
        padding=(0, dilation * (kernel // 2)),
        dilation=(1, dilation),
        groups=groups,
        bias=False,
    )
    activation: nn.Module = nn.ReLU(inplace=True) if activate else nn.Identity()
    return ConvUnit(conv=conv, norm=nn.BatchNorm2d(out_channels), activation=activation)


def frame_block(channels: int, *, dilation: int, depthwise: bool = False) -> ResidualBlock:
    """Build three frames, `dilation` apart, then each frame alone, with a shortcut."""
    groups = channels if depthwise else 1
    wide = frame_unit(channels, channels, kernel=3, dilation=dilation, groups=groups, activate=not depthwise)
    body = nn.Sequential(wide, frame_unit(channels, channels, activate=False))
    return ResidualBlock(body=body, activation=nn.ReLU(inplace=True))


def attentive_projection(channels: int, *, hidden: int, embedding_dim: int) -> nn.Sequential:
    """Build the layer from frames to embedding: attentive statistics, project, normalise.

    Args:
        channels: channels of the frames.
        hidden: channels of the attention.
        embedding_dim: length of the embedding.
    """
    attention = nn.Sequential(nn.Conv2d(channels, hidden, 1), nn.Tanh(), nn.Conv2d(hidden, channels, 1))
    return nn.Sequential(
        AttentiveStatistics(attention=attention),
        nn.Linear(2 * channels, embedding_dim, bias=False),
        nn.BatchNorm1d(embedding_dim),
    )
