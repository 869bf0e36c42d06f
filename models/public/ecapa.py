"""ECAPA-TDNN, a network of voices, with the keys of SpeechBrain's weights.

Sources: Desplanques et al., "ECAPA-TDNN", arXiv:2005.07143v3; speechbrain/speechbrain at 9c826ef39,
`speechbrain/lobes/models/ECAPA_TDNN.py`; keys: methods.md 7.5 and `papers/state_dicts/SpeechBrain_ECAPA_TDNN.tsv`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.public.waveform import SpeechBrainBands

# A variance under this counts as this.
LEAST_VARIANCE = 1e-12


class Convolution(nn.Module):
    """A convolution over time that mirrors the sequence beyond its ends.

    Args:
        channels_in: channels of the input.
        channels: channels of the answer.
        kernel: frames of the kernel, odd.
        dilation: frames between its taps.
    """

    def __init__(self, channels_in: int, channels: int, *, kernel: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels_in, channels, kernel, dilation=dilation)
        self._reach = dilation * (kernel - 1) // 2

    def forward(self, x: Tensor) -> Tensor:
        """Convolve: [B, C, T] -> [B, D, T], float32. Shape legend: B sounds, C, D channels, T frames."""
        mirrored = functional.pad(x, (self._reach, self._reach), mode="reflect") if self._reach else x
        y: Tensor = self.conv(mirrored)
        return y


class Norm(nn.Module):
    """Batch normalisation under the name that SpeechBrain gives it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise [B, C] or [B, C, T], float32. Shape legend: B sounds, C channels, T frames."""
        y: Tensor = self.norm(x)
        return y


class TimeDelay(nn.Module):
    """Convolution, ReLU, normalisation, in this order.

    Args:
        conv: the convolution.
        norm: normalisation of what it gives.
    """

    def __init__(self, *, conv: Convolution, norm: Norm) -> None:
        super().__init__()
        self.conv = conv
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        """Apply it: [B, C, T] -> [B, D, T], float32. Shape legend: B sounds, C, D channels, T frames."""
        y: Tensor = self.norm(functional.relu(self.conv(x)))
        return y


class Res2Net(nn.Module):
    """Channels in groups; each group but the first is convolved with the answer of the one before added.

    Args:
        blocks: one for each group but the first.
    """

    def __init__(self, *, blocks: Sequence[TimeDelay]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Apply it: [B, C, T] -> the same, float32. Shape legend: B sounds, C channels, T frames."""
        groups = x.chunk(len(self.blocks) + 1, dim=1)
        answers = [groups[0]]
        for index, block in enumerate(self.blocks):
            part = groups[index + 1]
            answers.append(block(part if index == 0 else part + answers[-1]))
        return torch.cat(answers, dim=1)


class SqueezeExcitation(nn.Module):
    """Weighs channels by their mean over time.

    Args:
        channels: channels that are weighed.
        hidden: channels of the layer between.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.conv1 = Convolution(channels, hidden)
        self.conv2 = Convolution(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Weigh: [B, C, T] -> the same, float32. Shape legend: B sounds, C channels, T frames."""
        # [B, C, 1]
        weights = self.conv2(functional.relu(self.conv1(x.mean(dim=2, keepdim=True)))).sigmoid()
        weighed: Tensor = weights * x
        return weighed


class SqueezedRes2Net(nn.Module):
    """Pointwise, `Res2Net`, pointwise, `SqueezeExcitation`, with a shortcut.

    Args:
        tdnn1: pointwise, before.
        res2net_block: groups of channels through time.
        tdnn2: pointwise, after.
        se_block: weighs channels.
    """

    def __init__(
        self, *, tdnn1: TimeDelay, res2net_block: Res2Net, tdnn2: TimeDelay, se_block: SqueezeExcitation
    ) -> None:
        super().__init__()
        self.tdnn1 = tdnn1
        self.res2net_block = res2net_block
        self.tdnn2 = tdnn2
        self.se_block = se_block

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block: [B, C, T] -> the same, float32. Shape legend: B sounds, C channels, T frames."""
        y: Tensor = self.se_block(self.tdnn2(self.res2net_block(self.tdnn1(x)))) + x
        return y


class AttentivePooling(nn.Module):
    """Weighted mean and deviation over time; weights see each frame beside mean and deviation of the whole.

    Args:
        tdnn: [B, 3 C, T] -> [B, H, T].
        conv: [B, H, T] -> [B, C, T], scores before the softmax over T.
    """

    def __init__(self, *, tdnn: TimeDelay, conv: Convolution) -> None:
        super().__init__()
        self.tdnn = tdnn
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        """Pool: [B, C, T] -> [B, 2 C], float32. Shape legend: B sounds, C channels, T frames, H hidden channels."""
        # [B, C]
        mean, deviation = _statistics(x, torch.full_like(x, 1.0) / x.shape[2])
        whole = torch.cat([mean, deviation], dim=1).unsqueeze(2).expand(-1, -1, x.shape[2])
        # [B, C, T]
        weights = self.conv(self.tdnn(torch.cat([x, whole], dim=1)).tanh()).softmax(dim=2)
        return torch.cat(_statistics(x, weights), dim=1)


class Ecapa(nn.Module):
    """Maps a sound of one voice to an embedding.

    Args:
        features: [B, N] samples -> [B, F, T]; it holds no weights, so that the keys are the public ones.
        blocks: a `TimeDelay`, then blocks that keep the shape; all but the first answer together.
        mfa: over all their answers.
        asp: pools over time.
        asp_bn: normalisation of what was pooled.
        fc: to the embedding.
    """

    def __init__(
        self,
        *,
        features: nn.Module,
        blocks: Sequence[nn.Module],
        mfa: TimeDelay,
        asp: AttentivePooling,
        asp_bn: Norm,
        fc: Convolution,
    ) -> None:
        super().__init__()
        self.features = features
        self.blocks = nn.ModuleList(blocks)
        self.mfa = mfa
        self.asp = asp
        self.asp_bn = asp_bn
        self.fc = fc

    def forward(self, sound: Tensor) -> Tensor:
        """Embed voices.

        Args:
            sound: [B, N], float32, -1..1, 16 kHz.

        Returns:
            [B, D], float32, not normalised.

        Shape legend: B sounds, N samples, F bands, T frames, C channels, D embedding dimensions.
        """
        # [B, C, T]
        answers = [self.blocks[0](self.features(sound))]
        for block in list(self.blocks)[1:]:
            answers.append(block(answers[-1]))
        # [B, 3 C, T] -> [B, 6 C]
        pooled = self.asp_bn(self.asp(self.mfa(torch.cat(answers[1:], dim=1))))
        # [B, D, 1] -> [B, D]
        embedding: Tensor = self.fc(pooled.unsqueeze(2)).squeeze(2)
        return embedding


def ecapa(*, channels: int = 1024, embedding_dim: int = 192, bands: int = 80) -> Ecapa:
    """Build SpeechBrain's ECAPA-TDNN; at 1024 channels 20.8 M parameters.

    Args:
        channels: channels of the blocks, a multiple of 8.
        embedding_dim: length of the embedding.
        bands: mel bands of the features.
    """
    blocks: list[nn.Module] = [time_delay(bands, channels, kernel=5)]
    blocks += [_squeezed(channels, dilation) for dilation in (2, 3, 4)]
    wide = 3 * channels
    return Ecapa(
        features=SpeechBrainBands(),
        blocks=blocks,
        mfa=time_delay(wide, wide),
        asp=AttentivePooling(tdnn=time_delay(3 * wide, 128), conv=Convolution(128, wide)),
        asp_bn=Norm(2 * wide),
        fc=Convolution(2 * wide, embedding_dim),
    )


def time_delay(channels_in: int, channels: int, *, kernel: int = 1, dilation: int = 1) -> TimeDelay:
    """Build a `TimeDelay`."""
    conv = Convolution(channels_in, channels, kernel=kernel, dilation=dilation)
    return TimeDelay(conv=conv, norm=Norm(channels))


def _squeezed(channels: int, dilation: int, scale: int = 8) -> SqueezedRes2Net:
    width = channels // scale
    return SqueezedRes2Net(
        tdnn1=time_delay(channels, channels),
        res2net_block=Res2Net(blocks=[time_delay(width, width, kernel=3, dilation=dilation) for _ in range(scale - 1)]),
        tdnn2=time_delay(channels, channels),
        se_block=SqueezeExcitation(channels, 128),
    )


def _statistics(x: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean and deviation over time: [B, C, T] each -> two of [B, C]."""
    mean = (weights * x).sum(dim=2)
    variance = (weights * (x - mean.unsqueeze(2)).square()).sum(dim=2)
    return mean, variance.clamp(min=LEAST_VARIANCE).sqrt()
