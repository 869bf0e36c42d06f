"""The two streams of the active-speaker network: space and time apart, at two sizes of kernel.

Source: Liao et al., "A Light Weight Model for Active Speaker Detection", arXiv:2303.04439v1, section 3; key layout:
methods.md 7.7 and `papers/state_dicts/Light-ASD_model.tsv`.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional


class VisualBlock(nn.Module):
    """Each frame alone, then each place through time, with kernels of 3 and of 5, added and mixed.

    Args:
        s_3: over space, 3x3.
        bn_s_3: normalisation after it.
        t_3: over time, 3.
        bn_t_3: normalisation after it.
        s_5: over space, 5x5.
        bn_s_5: normalisation after it.
        t_5: over time, 5.
        bn_t_5: normalisation after it.
        last: 1x1x1 after the sum.
        bn_last: normalisation after it.
    """

    def __init__(
        self,
        *,
        s_3: nn.Module,
        bn_s_3: nn.Module,
        t_3: nn.Module,
        bn_t_3: nn.Module,
        s_5: nn.Module,
        bn_s_5: nn.Module,
        t_5: nn.Module,
        bn_t_5: nn.Module,
        last: nn.Module,
        bn_last: nn.Module,
    ) -> None:
        super().__init__()
        self.s_3, self.bn_s_3, self.t_3, self.bn_t_3 = s_3, bn_s_3, t_3, bn_t_3
        self.s_5, self.bn_s_5, self.t_5, self.bn_t_5 = s_5, bn_s_5, t_5, bn_t_5
        self.last, self.bn_last = last, bn_last

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block.

        Args:
            x: [B, C, T, H, W], float32.

        Returns:
            [B, D, T, H / stride, W / stride], float32, not negative.

        Shape legend: B tracks, C channels in, D channels out, T frames, H rows, W columns.
        """
        fine = functional.relu(self.bn_s_3(self.s_3(x)))
        fine = functional.relu(self.bn_t_3(self.t_3(fine)))
        wide = functional.relu(self.bn_s_5(self.s_5(x)))
        wide = functional.relu(self.bn_t_5(self.t_5(wide)))
        return functional.relu(self.bn_last(self.last(fine + wide)))


class AudioBlock(nn.Module):
    """Each frame's coefficients alone, then each coefficient through time, with kernels of 3 and of 5.

    Args:
        m_3: over coefficients, 3.
        bn_m_3: normalisation after it.
        t_3: over time, 3.
        bn_t_3: normalisation after it.
        m_5: over coefficients, 5.
        bn_m_5: normalisation after it.
        t_5: over time, 5.
        bn_t_5: normalisation after it.
        last: 1x1 after the sum.
        bn_last: normalisation after it.
    """

    def __init__(
        self,
        *,
        m_3: nn.Module,
        bn_m_3: nn.Module,
        t_3: nn.Module,
        bn_t_3: nn.Module,
        m_5: nn.Module,
        bn_m_5: nn.Module,
        t_5: nn.Module,
        bn_t_5: nn.Module,
        last: nn.Module,
        bn_last: nn.Module,
    ) -> None:
        super().__init__()
        self.m_3, self.bn_m_3, self.t_3, self.bn_t_3 = m_3, bn_m_3, t_3, bn_t_3
        self.m_5, self.bn_m_5, self.t_5, self.bn_t_5 = m_5, bn_m_5, t_5, bn_t_5
        self.last, self.bn_last = last, bn_last

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block.

        Args:
            x: [B, C, M, T], float32.

        Returns:
            [B, D, M, T], float32, not negative.

        Shape legend: B tracks, C channels in, D channels out, M coefficients, T frames of 10 ms.
        """
        fine = functional.relu(self.bn_m_3(self.m_3(x)))
        fine = functional.relu(self.bn_t_3(self.t_3(fine)))
        wide = functional.relu(self.bn_m_5(self.m_5(x)))
        wide = functional.relu(self.bn_t_5(self.t_5(wide)))
        return functional.relu(self.bn_last(self.last(fine + wide)))


class VisualStream(nn.Module):
    """Three blocks, halved in space between them; the strongest answer in space is what a frame says.

    Args:
        blocks: three of them.
    """

    def __init__(self, *, blocks: Sequence[VisualBlock]) -> None:
        super().__init__()
        self.block1, self.block2, self.block3 = blocks
        self.pool = nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))

    def forward(self, faces: Tensor) -> Tensor:
        """Describe each frame of each track.

        Args:
            faces: [B, 1, T, H, W], float32, normalised.

        Returns:
            [B, T, D], float32.

        Shape legend: B tracks, T frames, H rows, W columns, D channels of the last block.
        """
        # [B, D, T, H / 8, W / 8]
        features = self.block3(self.pool(self.block2(self.pool(self.block1(faces)))))
        # [B, D, T] -> [B, T, D]
        described: Tensor = features.amax(dim=(3, 4)).transpose(1, 2)
        return described


class AudioStream(nn.Module):
    """Three blocks, halved in time between them, so that four frames of sound meet one of picture.

    Args:
        blocks: three of them.
    """

    def __init__(self, *, blocks: Sequence[AudioBlock]) -> None:
        super().__init__()
        self.block1, self.block2, self.block3 = blocks
        self.pool = nn.MaxPool2d((1, 3), stride=(1, 2), padding=(0, 1))

    def forward(self, sound: Tensor) -> Tensor:
        """Describe each moment of the sound.

        Args:
            sound: [B, 1, M, 4 T], float32.

        Returns:
            [B, T, D], float32.

        Shape legend: B tracks, M coefficients, T frames of picture, D channels of the last block.
        """
        # [B, D, M, T]
        features = self.block3(self.pool(self.block2(self.pool(self.block1(sound)))))
        # [B, D, T] -> [B, T, D]
        described: Tensor = features.mean(dim=2).transpose(1, 2)
        return described


def visual_block(in_channels: int, width: int, *, stride: int = 1) -> VisualBlock:
    """Build a `VisualBlock` that gives `width` channels."""

    def space(kernel: int) -> nn.Conv3d:
        padding = (0, kernel // 2, kernel // 2)
        step = (1, stride, stride)
        return nn.Conv3d(in_channels, width, (1, kernel, kernel), stride=step, padding=padding, bias=False)

    def time(kernel: int) -> nn.Conv3d:
        return nn.Conv3d(width, width, (kernel, 1, 1), padding=(kernel // 2, 0, 0), bias=False)

    def norm() -> nn.BatchNorm3d:
        return nn.BatchNorm3d(width, eps=0.001, momentum=0.01)

    return VisualBlock(
        s_3=space(3),
        bn_s_3=norm(),
        t_3=time(3),
        bn_t_3=norm(),
        s_5=space(5),
        bn_s_5=norm(),
        t_5=time(5),
        bn_t_5=norm(),
        last=nn.Conv3d(width, width, 1, bias=False),
        bn_last=norm(),
    )


def audio_block(in_channels: int, width: int) -> AudioBlock:
    """Build an `AudioBlock` that gives `width` channels."""

    def bands(kernel: int) -> nn.Conv2d:
        return nn.Conv2d(in_channels, width, (kernel, 1), padding=(kernel // 2, 0), bias=False)

    def time(kernel: int) -> nn.Conv2d:
        return nn.Conv2d(width, width, (1, kernel), padding=(0, kernel // 2), bias=False)

    def norm() -> nn.BatchNorm2d:
        return nn.BatchNorm2d(width, eps=0.001, momentum=0.01)

    return AudioBlock(
        m_3=bands(3),
        bn_m_3=norm(),
        t_3=time(3),
        bn_t_3=norm(),
        m_5=bands(5),
        bn_m_5=norm(),
        t_5=time(5),
        bn_t_5=norm(),
        last=nn.Conv2d(width, width, 1, bias=False),
        bn_last=norm(),
    )
