"""Trunks that several networks of the papers share: residual networks in torchvision's layout, and their inputs."""

from models.trunks.inputs import ImageNetPixels, LogMelInput, MagnitudeInput, MfccInput
from models.trunks.residual import BasicBlock, Bottleneck, ResNet, basic_block, bottleneck, resnet

__all__ = [
    "BasicBlock",
    "Bottleneck",
    "ImageNetPixels",
    "LogMelInput",
    "MagnitudeInput",
    "MfccInput",
    "ResNet",
    "basic_block",
    "bottleneck",
    "resnet",
]
