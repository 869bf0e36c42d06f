"""Losses, each with a slow oracle in its test."""

from training.losses.arcface import ArcFace
from training.losses.detection import Assignment, DetectionLoss, Truth
from training.losses.traits import TraitReader

__all__ = ["ArcFace", "Assignment", "DetectionLoss", "TraitReader", "Truth"]
