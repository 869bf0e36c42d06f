"""Front ends of public networks of sound, inside the graph: from the waveform to what their authors trained on.

A spectrum is a convolution whose kernels are the windowed waves of a Fourier transform, so that it exports as any
convolution does and no client has to know which of the many ways to make a mel band a network learned from.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models.public.bands import F64, kaldi_bands, speechbrain_bands, waves

SAMPLE_RATE_HZ = 16_000
WINDOW = 400  # samples: 25 ms
HOP = 160  # samples: 10 ms


class FramedPower(nn.Module):
    """Power of each frequency in frames of a sound.

    Args:
        basis: [2 F, W], what multiplies the samples of a frame: F cosines, then F sines.
        hop: samples from one frame to the next.
    """

    basis: Tensor

    def __init__(self, basis: F64, *, hop: int = HOP) -> None:
        super().__init__()
        kernels = torch.from_numpy(np.ascontiguousarray(basis, np.float32)).unsqueeze(1)
        self.register_buffer("basis", kernels, persistent=False)
        self.hop = hop

    def forward(self, sound: Tensor) -> Tensor:
        """Transform.

        Args:
            sound: [B, N], float32.

        Returns:
            [B, F, T], float32, not negative, T = 1 + (N - W) // hop.

        Shape legend: B sounds, N samples, F frequencies, T frames, W samples of a window.
        """
        # [B, 2 F, T]
        projected = functional.conv1d(sound.unsqueeze(1), self.basis, stride=self.hop)
        cosines, sines = projected.square().chunk(2, dim=1)
        return cosines + sines


class Bands(nn.Module):
    """Sums of power over bands.

    Args:
        filters: [M, F], weights of each frequency in each band.
    """

    filters: Tensor

    def __init__(self, filters: F64) -> None:
        super().__init__()
        self.register_buffer("filters", torch.from_numpy(filters.astype(np.float32)), persistent=False)

    def forward(self, power: Tensor) -> Tensor:
        """Sum: [B, F, T] -> [B, M, T], float32. Shape legend: B sounds, F frequencies, M bands, T frames."""
        return torch.matmul(self.filters, power)


class SpeechBrainBands(nn.Module):
    """The features of SpeechBrain's speaker recognition: decibels of 80 mel bands, the mean of each taken out.

    Source: speechbrain/speechbrain at 9c826ef39, `speechbrain/processing/features.py` with the settings of
    `recipes/VoxCeleb/SpeakerRec/hparams/train_ecapa_tdnn.yaml`. Frames are centred; beyond its ends
    the sound is silent.
    """

    FLOOR = 1e-10
    RANGE_DB = 80.0

    def __init__(self) -> None:
        super().__init__()
        # The window is that of a period of 400, as torch makes one for spectra.
        window = 0.54 - 0.46 * np.cos(2.0 * np.pi * np.arange(WINDOW) / WINDOW)
        self.power = FramedPower(waves(WINDOW, WINDOW) * window)
        self.bands = Bands(speechbrain_bands())

    def forward(self, sound: Tensor) -> Tensor:
        """Make the features.

        Args:
            sound: [B, N], float32, -1..1, 16 kHz.

        Returns:
            [B, 80, 1 + N // 160], float32, in dB about the mean of each band.

        Shape legend: B sounds, N samples.
        """
        padded = functional.pad(sound, (WINDOW // 2, WINDOW // 2))
        decibels = 10.0 * self.bands(self.power(padded)).clamp(min=self.FLOOR).log10()
        floor = decibels.amax(dim=(1, 2), keepdim=True) - self.RANGE_DB
        decibels = torch.maximum(decibels, floor)
        return decibels - decibels.mean(dim=2, keepdim=True)


class KaldiBands(nn.Module):
    """Kaldi's logarithmic mel bands with a Hamming window, 80 of them, the mean of each taken out.

    Source: wenet-e2e/wespeaker at dfa7419, `wespeaker/bin/infer_onnx.py`: samples count as 16-bit integers; there
    is no dither; frames that the sound does not fill are left out. Offset of each frame, pre-emphasis (0.97), window
    and transform are all linear, hence one convolution.
    """

    SCALE = 32768.0
    EMPHASIS = 0.97
    FFT = 512
    FLOOR = float(np.finfo(np.float32).eps)

    def __init__(self) -> None:
        super().__init__()
        self.power = FramedPower(self.SCALE * waves(self.FFT, WINDOW) @ _kaldi_frame(self.EMPHASIS))
        self.bands = Bands(kaldi_bands(self.FFT))

    def forward(self, sound: Tensor) -> Tensor:
        """Make the features.

        Args:
            sound: [B, N], float32, -1..1, 16 kHz, N >= 400.

        Returns:
            [B, 80, 1 + (N - 400) // 160], float32, natural logarithms about the mean of each band.

        Shape legend: B sounds, N samples.
        """
        logarithms: Tensor = self.bands(self.power(sound)).clamp(min=self.FLOOR).log()
        return logarithms - logarithms.mean(dim=2, keepdim=True)


class WhisperBands(nn.Module):
    """Whisper's features: logarithms of mel bands, cut off 80 dB under the loudest, about -1..1.

    Source: openai/whisper at c0d2f62, `whisper/audio.py`: Hann windows of 400 samples, frames centred and the sound
    mirrored beyond its ends, the last frame dropped.

    Args:
        filters: [M, 201], weights of each frequency in each band.
    """

    FLOOR = 1e-10

    def __init__(self, filters: F64) -> None:
        super().__init__()
        window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(WINDOW) / WINDOW)
        self.power = FramedPower(waves(WINDOW, WINDOW) * window)
        self.bands = Bands(filters)

    def forward(self, sound: Tensor) -> Tensor:
        """Make the features.

        Args:
            sound: [B, N], float32, -1..1, 16 kHz, padded with silence to what the network takes.

        Returns:
            [B, M, N // 160], float32.

        Shape legend: B sounds, N samples, M bands.
        """
        mirrored = functional.pad(sound.unsqueeze(1), (WINDOW // 2, WINDOW // 2), mode="reflect").squeeze(1)
        logarithms = self.bands(self.power(mirrored)[:, :, :-1]).clamp(min=self.FLOOR).log10()
        loudest = logarithms.amax(dim=(1, 2), keepdim=True)
        return (torch.maximum(logarithms, loudest - 8.0) + 4.0) / 4.0


def _kaldi_frame(emphasis: float) -> NDArray[np.float64]:
    """What Kaldi does to the samples of a frame before it is transformed, as a matrix [400, 400]."""
    centred = np.eye(WINDOW) - 1.0 / WINDOW
    emphasised = np.eye(WINDOW) - emphasis * np.eye(WINDOW, k=-1)
    # The first sample has none before it and is taken for its own.
    emphasised[0, 0] = 1.0 - emphasis
    return np.diag(np.hamming(WINDOW)) @ emphasised @ centred
