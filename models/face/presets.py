"""Networks of faces and heads, as named functions of nothing."""

from __future__ import annotations

from models.face.iresnet import IResNet, iresnet
from models.face.sphereface import SphereFace, sphereface


def iresnet18() -> IResNet:
    """Build the public IResNet-18: 112x112 to 512 dimensions, 24.0 M parameters."""
    return iresnet(counts=(2, 2, 2, 2))


def iresnet34() -> IResNet:
    """Build the public IResNet-34: 112x112 to 512 dimensions, 34.1 M parameters."""
    return iresnet(counts=(3, 4, 6, 3))


def iresnet50() -> IResNet:
    """Build the public IResNet-50: 112x112 to 512 dimensions, 43.6 M parameters."""
    return iresnet(counts=(3, 4, 14, 3))


def iresnet100() -> IResNet:
    """Build the public IResNet-100: 112x112 to 512 dimensions, 65.2 M parameters."""
    return iresnet(counts=(3, 13, 30, 3))


def iresnet_small() -> IResNet:
    """Build an IResNet that trains on a few cores: 96x96 to 256 dimensions, about 1.6 M parameters."""
    return iresnet(counts=(1, 1, 2, 1), widths=(16, 32, 64, 128), embedding_dim=256, side_px=96)


def sphereface20() -> SphereFace:
    """Build the 20-layer SphereFace of table 2: 112x96 to 512 dimensions, 22.7 M parameters."""
    return sphereface(counts=(1, 2, 4, 1), widths=(64, 128, 256, 512), embedding_dim=512, height_px=112, width_px=96)


def sphereface_small() -> SphereFace:
    """Build a SphereFace that trains on a few cores: 96x96 to 256 dimensions, about 1.7 M parameters."""
    return sphereface(counts=(1, 1, 1, 1), widths=(16, 32, 64, 128), embedding_dim=256, height_px=96, width_px=96)


def head_encoder_paper() -> IResNet:
    """Build the head encoder of iQIYI-VID (section 5.1, "based on the ArcFace model"): an IResNet-50 on heads.

    The paper names neither size nor input; the size of the face network and 112x112 crops of heads are our choice
    (methods.md 7.3).
    """
    return iresnet50()
