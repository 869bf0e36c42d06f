"""Faces and heads: IResNet, SphereFace, the head encoder, and quality from the length of an embedding."""

from models.face.iresnet import IResidualBlock, IResNet, iresnet
from models.face.presets import (
    head_encoder_paper,
    iresnet18,
    iresnet34,
    iresnet50,
    iresnet100,
    iresnet_small,
    sphereface20,
    sphereface_small,
)
from models.face.quality import NormQuality, QualityGraph
from models.face.sphereface import SphereFace, sphereface

__all__ = [
    "IResNet",
    "IResidualBlock",
    "NormQuality",
    "QualityGraph",
    "SphereFace",
    "head_encoder_paper",
    "iresnet",
    "iresnet18",
    "iresnet34",
    "iresnet50",
    "iresnet100",
    "iresnet_small",
    "sphereface",
    "sphereface20",
    "sphereface_small",
]
