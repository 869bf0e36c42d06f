"""Networks of voices as pictures, as named functions of nothing."""

from __future__ import annotations

from torch import nn

from models.speaker.encoder import SpeakerEncoder, speaker_encoder
from models.trunks import LogMelInput, MagnitudeInput

RESNET34 = (3, 4, 6, 3)
PAPER_WIDTHS = (64, 128, 256, 512)
SMALL_COUNTS = (1, 1, 1, 1)
SMALL_WIDTHS = (16, 32, 64, 128)


def speaker_magnitude_paper() -> SpeakerEncoder:
    """Build iQIYI's speaker encoder: ResNet-34, windows of magnitudes [T, 257] to 512 dimensions, 21.3 M parameters."""
    return _paper(MagnitudeInput())


def speaker_mel_paper() -> SpeakerEncoder:
    """Build the same network on APES's mel snippets [45, 64]: 512 dimensions, 21.3 M parameters."""
    return _paper(LogMelInput())


def speaker_magnitude_small() -> SpeakerEncoder:
    """Build one that trains on a few cores: magnitudes [T, 257] to 192 dimensions, about 0.3 M parameters."""
    return _small(MagnitudeInput(), pooled_stem=True)


def speaker_mel_small() -> SpeakerEncoder:
    """Build one that trains on a few cores: mel snippets [45, 64] to 192 dimensions, about 0.3 M parameters."""
    return _small(LogMelInput(), pooled_stem=False)


def _paper(spectrogram: nn.Module) -> SpeakerEncoder:
    return speaker_encoder(
        spectrogram=spectrogram, counts=RESNET34, widths=PAPER_WIDTHS, embedding_dim=None, pooled_stem=True
    )


def _small(spectrogram: nn.Module, *, pooled_stem: bool) -> SpeakerEncoder:
    return speaker_encoder(
        spectrogram=spectrogram,
        counts=SMALL_COUNTS,
        widths=SMALL_WIDTHS,
        embedding_dim=192,
        pooled_stem=pooled_stem,
    )
