"""Voices as pictures: a residual network over a spectrogram (iQIYI-VID's magnitudes, APES's mel snippets)."""

from models.speaker.encoder import SpeakerEncoder, speaker_encoder
from models.speaker.presets import (
    speaker_magnitude_paper,
    speaker_magnitude_small,
    speaker_mel_paper,
    speaker_mel_small,
)

__all__ = [
    "SpeakerEncoder",
    "speaker_encoder",
    "speaker_magnitude_paper",
    "speaker_magnitude_small",
    "speaker_mel_paper",
    "speaker_mel_small",
]
