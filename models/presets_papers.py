"""The networks of sight, sound and fusion of the five papers, by name: at the papers' size, and small.

Those that words need are in `models.text` and `models.speech`; those of the demo pack in `models.presets`.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from models.body import aligned_body_paper, aligned_body_small
from models.face import (
    head_encoder_paper,
    iresnet18,
    iresnet34,
    iresnet50,
    iresnet100,
    iresnet_small,
    sphereface20,
    sphereface_small,
)
from models.fusion import (
    associative_paper,
    associative_small,
    clip_identifier_paper,
    clip_identifier_small,
    two_stream_mfcc_published,
    two_stream_paper,
    two_stream_small,
)
from models.speaker import (
    speaker_magnitude_paper,
    speaker_magnitude_small,
    speaker_mel_paper,
    speaker_mel_small,
)
from models.speaking import active_speaker_paper, active_speaker_small

PAPER_PRESETS: dict[str, Callable[[], nn.Module]] = {
    "active_speaker_paper": active_speaker_paper,
    "aligned_body_paper": aligned_body_paper,
    "associative_paper": associative_paper,
    "clip_identifier_paper": clip_identifier_paper,
    "head_encoder_paper": head_encoder_paper,
    "iresnet18": iresnet18,
    "iresnet34": iresnet34,
    "iresnet50": iresnet50,
    "iresnet100": iresnet100,
    "speaker_magnitude_paper": speaker_magnitude_paper,
    "speaker_mel_paper": speaker_mel_paper,
    "sphereface20": sphereface20,
    "two_stream_mfcc_published": two_stream_mfcc_published,
    "two_stream_paper": two_stream_paper,
}

SMALL_PRESETS: dict[str, Callable[[], nn.Module]] = {
    "active_speaker_small": active_speaker_small,
    "aligned_body_small": aligned_body_small,
    "associative_small": associative_small,
    "clip_identifier_small": clip_identifier_small,
    "iresnet_small": iresnet_small,
    "speaker_magnitude_small": speaker_magnitude_small,
    "speaker_mel_small": speaker_mel_small,
    "sphereface_small": sphereface_small,
    "two_stream_small": two_stream_small,
}
