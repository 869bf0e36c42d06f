"""Encoders of partial bodies as named functions."""

from __future__ import annotations

from models.partial.encoder import PartialEncoder, partial_encoder


def cmps_body() -> PartialEncoder:
    """Build CMPS's visual branch: 224x224 crops, a 7x7 map, 14 local vectors, 1024 dimensions, 66.5 M parameters.

    Nearly all of them stand in the 7x7 convolution from 1280 channels that replaces the pooling.
    """
    return partial_encoder(width=1.0, channels=1280, last_stride=2, grid=(7, 7), kernels=(2, 4, 6), embedding_dim=1024)


def cmps_body_small() -> PartialEncoder:
    """Build it for 128x64 crops: an 8x4 map, 11 local vectors of 128, 128 dimensions, about 1.0 M parameters."""
    return partial_encoder(width=0.5, channels=128, last_stride=1, grid=(8, 4), kernels=(2, 4), embedding_dim=128)
