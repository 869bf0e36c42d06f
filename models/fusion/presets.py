"""Networks that fuse, as named functions of nothing."""

from __future__ import annotations

from torch import nn

from models.blocks import PixelInput
from models.fusion.associative import AssociativeNetwork, associative_network
from models.fusion.attentive import AttentiveNetwork, attentive_network
from models.fusion.clip import ClipIdentifier, clip_identifier
from models.fusion.netvlad import NetVlad, netvlad
from models.fusion.two_stream import TwoStream, two_stream
from models.trunks import ImageNetPixels, LogMelInput, MfccInput

RESNET18 = (2, 2, 2, 2)
# Classes of the 2018 challenge of iQIYI-VID (methods.md 5.2).
IQIYI_IDENTITIES = 4934
# Face, head, body and voice of the demo pack.
TRACKLET_DIMS = (256, 192, 256, 192)
# Identities of the demonstration: those of one SynthCast world.
SMALL_IDENTITIES = 64


def two_stream_paper() -> TwoStream:
    """Build APES as its paper says: faces of 124x124, log-mel snippets [45, 64], 512 dimensions, 22.9 M parameters."""
    return _apes(sound=LogMelInput())


def two_stream_mfcc_published() -> TwoStream:
    """Build APES as its code was published: the same network on 13 raw cepstra a frame instead of the mel snippet."""
    return _apes(sound=MfccInput())


def two_stream_small() -> TwoStream:
    """Build one that trains on a few cores: faces of 64x64, snippets [45, 64], 128 dimensions, 0.6 M parameters."""
    return two_stream(
        pixels=PixelInput(),
        sound=LogMelInput(),
        counts=(1, 1, 1, 1),
        widths=(16, 32, 64, 128),
        embedding_dim=128,
        pooled_stem=False,
    )


def clip_identifier_paper() -> ClipIdentifier:
    """Build iQIYI-VID's fusion: three face features, head, body and voice; D = 512 and 64, 23.1 M parameters.

    Order of the streams: face, face, face (512 each), head (512), body (2,048), voice (512).
    """
    return clip_identifier(
        face_dims=(512, 512, 512),
        other_dims=(512, 2048, 512),
        common_dim=512,
        comparison_dim=64,
        clusters=8,
        identities=IQIYI_IDENTITIES,
    )


def clip_identifier_small() -> ClipIdentifier:
    """Build one that trains on a few cores: face (256), head (192), body (256), voice (192), about 0.4 M parameters."""
    return clip_identifier(
        face_dims=(256,),
        other_dims=(192, 256, 192),
        common_dim=128,
        comparison_dim=32,
        clusters=8,
        identities=SMALL_IDENTITIES,
    )


def associative_paper() -> AssociativeNetwork:
    """Build the associative network at the size of its design: face 512, body 2,048, voice 512 to 512 dimensions."""
    return associative_network(dims=(512, 2048, 512), common_dim=512, hidden_dim=256, dropout=0.3)


def associative_small() -> AssociativeNetwork:
    """Build one for the demo pack's encoders: face 256, body 256, voice 192 to 128 dimensions, 0.1 M parameters."""
    return associative_network(dims=(256, 256, 192), common_dim=128, hidden_dim=64, dropout=0.3)


def associative_tracklets() -> AssociativeNetwork:
    """Build one for all that ingest embeds: face 256, head 192, body 256, voice 192, in this order; 0.86 M parameters.

    960 dimensions have room for all four beside each other, so that it can begin as a weighted sum of their cosines;
    the gate sees quality alone: 8 of the parameters.
    """
    return associative_network(dims=TRACKLET_DIMS, common_dim=960, hidden_dim=None, dropout=0.3)


def attentive_tracklets() -> AttentiveNetwork:
    """Build multi-modal attention over the same four: to 256 dimensions, compared in 64; 0.25 M parameters."""
    return attentive_network(dims=TRACKLET_DIMS, common_dim=256, comparison_dim=64, dropout=0.3)


def _apes(*, sound: nn.Module) -> TwoStream:
    return two_stream(
        pixels=ImageNetPixels(),
        sound=sound,
        counts=RESNET18,
        widths=(64, 128, 256, 512),
        embedding_dim=512,
        pooled_stem=True,
    )


def netvlad_small() -> NetVlad:
    """Build one for the embeddings of the demo pack's faces: 256 dimensions in and out, 8 centres, 0.5 M parameters."""
    return netvlad(256, clusters=8, embedding_dim=256)
