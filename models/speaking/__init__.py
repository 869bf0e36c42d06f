"""Who of the people in view speaks: faces and sound of the same moments, in the manner of Light-ASD."""

from models.speaking.network import ActiveSpeaker, SpeakingGraph, SpeakingScores, TwoWayMemory, active_speaker
from models.speaking.presets import active_speaker_paper, active_speaker_small
from models.speaking.streams import AudioBlock, AudioStream, VisualBlock, VisualStream, audio_block, visual_block

__all__ = [
    "ActiveSpeaker",
    "AudioBlock",
    "AudioStream",
    "SpeakingGraph",
    "SpeakingScores",
    "TwoWayMemory",
    "VisualBlock",
    "VisualStream",
    "active_speaker",
    "active_speaker_paper",
    "active_speaker_small",
    "audio_block",
    "visual_block",
]
