"""Active-speaker networks, as named functions of nothing."""

from __future__ import annotations

from models.speaking.network import ActiveSpeaker, active_speaker


def active_speaker_paper() -> ActiveSpeaker:
    """Build Light-ASD: grey faces of 112x112 and 13 cepstra, 1.02 M parameters without the auxiliary classifier."""
    return active_speaker(widths=(32, 64, 128))


def active_speaker_small() -> ActiveSpeaker:
    """Build one that trains on a few cores: grey faces of 48x48 and 13 cepstra, about 0.06 M parameters."""
    return active_speaker(widths=(8, 16, 32))
