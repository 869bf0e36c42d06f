"""Torch definitions of the networks: modules take modules, builders take numbers, presets are named functions."""

from models.blocks import ConvUnit, PixelInput, ResidualBlock, conv_unit, residual_block
from models.detector import Detections, Detector, DetectorGraph, FeaturePyramid, LevelHead, box_head
from models.encoder import Encoder, pooled_projection
from models.presets import (
    DETECTOR_CLASSES,
    body_encoder,
    face_encoder,
    head_encoder,
    person_detector,
    voice_activity,
    voice_encoder,
)
from models.sound import ActivityGraph, AttentiveStatistics, SpectrogramInput, VoiceActivity, VoiceEncoder

__all__ = [
    "DETECTOR_CLASSES",
    "ActivityGraph",
    "AttentiveStatistics",
    "ConvUnit",
    "Detections",
    "Detector",
    "DetectorGraph",
    "Encoder",
    "FeaturePyramid",
    "LevelHead",
    "PixelInput",
    "ResidualBlock",
    "SpectrogramInput",
    "VoiceActivity",
    "VoiceEncoder",
    "body_encoder",
    "box_head",
    "conv_unit",
    "face_encoder",
    "head_encoder",
    "person_detector",
    "pooled_projection",
    "residual_block",
    "voice_activity",
    "voice_encoder",
]
