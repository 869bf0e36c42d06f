"""Losses, each with a slow oracle in its test."""

from training.losses.arcface import ArcFace
from training.losses.cmps import CmpsLoss
from training.losses.detection import Assignment, DetectionLoss, Truth
from training.losses.text_image import CrossModalProjection, SharedContrast, SharedIdentity, SimilarityDistribution
from training.losses.traits import TraitReader

__all__ = [
    "ArcFace",
    "Assignment",
    "CmpsLoss",
    "CrossModalProjection",
    "DetectionLoss",
    "SharedContrast",
    "SharedIdentity",
    "SimilarityDistribution",
    "TraitReader",
    "Truth",
]
