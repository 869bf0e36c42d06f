"""Encoders for bodies of which only a part is seen (CMPS's visual branch with FPR matching)."""

from models.partial.encoder import (
    Foreground,
    PartialBodies,
    PartialEncoder,
    PartialGraph,
    Pyramid,
    partial_encoder,
)
from models.partial.matching import fpr_distances, gallery_inverse
from models.partial.mobilenet import InvertedResidual, mobilenet_features
from models.partial.presets import cmps_body, cmps_body_small

__all__ = [
    "Foreground",
    "InvertedResidual",
    "PartialBodies",
    "PartialEncoder",
    "PartialGraph",
    "Pyramid",
    "cmps_body",
    "cmps_body_small",
    "fpr_distances",
    "gallery_inverse",
    "mobilenet_features",
    "partial_encoder",
]
