"""The networks of the demo pack, as named functions of nothing: what they return is what its weights fit."""

from __future__ import annotations

from torch import nn

from models.blocks import ConvUnit, PixelInput, conv_unit, residual_block, separable_unit
from models.detector import Detector, FeaturePyramid, box_head
from models.encoder import Encoder, pooled_projection
from models.sound import SpectrogramInput, VoiceActivity, VoiceEncoder, attentive_projection, frame_block, frame_unit

DETECTOR_CLASSES = ("face", "head", "person")
# Bins of the spectrogram that `packs.sound` makes.
FREQUENCIES = 257
# Rows and columns of a face crop.
FACE_IMAGE = (96, 96)
# Channels of the body encoder's trunk, which the text pair looks through too.
BODY_WIDTHS = (48, 96, 144)


def person_detector() -> Detector:
    """Build the detector: strides 8, 16 and 32, about 0.6 M parameters and 0.5 G multiplications at 640x384."""
    widths = (48, 80, 128)
    common = 48
    # No normalisation at full width: on a CPU it would cost as much as all that follows at stride 16.
    first = nn.Conv2d(3, 12, 3, stride=2, padding=1)
    stem = nn.Sequential(first, nn.ReLU(inplace=True), conv_unit(12, 24, stride=2))
    stages = [
        nn.Sequential(conv_unit(24, widths[0], stride=2), residual_block(widths[0], hidden=24)),
        nn.Sequential(
            conv_unit(widths[0], widths[1], stride=2),
            residual_block(widths[1], hidden=40),
            residual_block(widths[1], hidden=40),
        ),
        nn.Sequential(
            conv_unit(widths[1], widths[2], stride=2),
            residual_block(widths[2], hidden=64),
            residual_block(widths[2], hidden=64),
        ),
    ]
    pyramid = FeaturePyramid(
        laterals=[conv_unit(width, common, kernel=1) for width in widths],
        smooth=[separable_unit(common) for _ in widths],
    )
    head = box_head(common, levels=len(widths), classes=len(DETECTOR_CLASSES), prior=0.01)
    return Detector(pixels=PixelInput(), stem=stem, stages=stages, pyramid=pyramid, head=head, strides_px=(8, 16, 32))


def face_encoder() -> Encoder:
    """Build the face encoder: 96x96 crops to 256 dimensions, about 1.8 M parameters."""
    widths = (64, 128, 160)
    projection = pooled_projection(widths[2], grid=(3, 3), embedding_dim=256)
    return Encoder(pixels=PixelInput(), trunk=patch_trunk(widths), projection=projection, mirrored=True)


def body_encoder() -> Encoder:
    """Build the body encoder: 128x64 crops to 256 dimensions, about 1.3 M parameters; patches first, as for faces."""
    projection = pooled_projection(BODY_WIDTHS[2], grid=(4, 2), embedding_dim=256)
    return Encoder(pixels=PixelInput(), trunk=body_trunk(), projection=projection, mirrored=True)


def body_trunk() -> nn.Sequential:
    """Build the trunk of the body encoder: 128x64 crops to a map of 144 channels, 8 by 4."""
    return patch_trunk(BODY_WIDTHS)


def head_encoder() -> Encoder:
    """Build the head encoder: 64x64 crops to 192 dimensions, about 0.47 M parameters; patches first, as for faces."""
    widths = (32, 64, 88)
    projection = pooled_projection(widths[2], grid=(2, 2), embedding_dim=192)
    return Encoder(pixels=PixelInput(), trunk=patch_trunk(widths), projection=projection, mirrored=True)


def patch_trunk(widths: tuple[int, int, int]) -> nn.Sequential:
    """Build a trunk that looks at patches of 8x8 pixels every 4, then works at a quarter to a sixteenth of the size.

    As in a vision transformer, what a processor spends goes into wide convolutions at a quarter of the resolution, that
    it multiplies fast, and not into moving thin maps at full size.
    """
    patches = nn.Conv2d(3, widths[0], 8, stride=4, padding=2, bias=False)
    return nn.Sequential(
        ConvUnit(conv=patches, norm=nn.BatchNorm2d(widths[0]), activation=nn.ReLU(inplace=True)),
        residual_block(widths[0], hidden=widths[0]),
        residual_block(widths[0], hidden=widths[0]),
        conv_unit(widths[0], widths[1], stride=2),
        residual_block(widths[1], hidden=widths[1]),
        residual_block(widths[1], hidden=widths[1]),
        conv_unit(widths[1], widths[2], stride=2),
        residual_block(widths[2], hidden=widths[2]),
    )


def voice_encoder() -> VoiceEncoder:
    """Build the voice encoder: windows of 1.28 s to 192 dimensions, about 1.3 M parameters."""
    width = 256
    trunk = nn.Sequential(
        frame_unit(FREQUENCIES, width, kernel=5, stride=2),
        *[frame_block(width, dilation=dilation) for dilation in (1, 2, 3)],
    )
    return VoiceEncoder(
        spectrogram=SpectrogramInput(level=True),
        trunk=trunk,
        projection=attentive_projection(width, hidden=64, embedding_dim=192),
    )


def voice_activity() -> VoiceActivity:
    """Build voice activity: windows of 1.28 s to one score a frame, about 60 k parameters, sees 0.32 s both ways."""
    width = 48
    trunk = nn.Sequential(
        frame_unit(FREQUENCIES, width, kernel=3),
        *[frame_block(width, dilation=dilation, depthwise=True) for dilation in (1, 2, 4, 8, 16)],
    )
    return VoiceActivity(spectrogram=SpectrogramInput(level=False), trunk=trunk, score=nn.Conv2d(width, 1, 1))
