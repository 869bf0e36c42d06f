"""YOLOX, of whose 80 kinds of things persons are kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import nn

from export.recipes.matching import Candidate, Served
from export.recipes.shapes import PROPOSALS, detector
from export.recipes.source import Source
from models.public.yolox import Yolox
from packs.manifest import DetectionSettings

SIDE = 640
# What its authors use, but for the least score: theirs are for a curve, not for a decision.
THRESHOLD, IOU = 0.4, 0.45
SIZES = {"tiny": (0.33, 0.375), "s": (0.33, 0.5), "m": (0.67, 0.75), "l": (1.0, 1.0), "x": (1.33, 1.25)}


def candidates(recipe: str, source: Source) -> Sequence[Candidate]:
    """The sizes of YOLOX; its nano is built of other layers and is none of them."""
    return [
        Candidate(f"yolox_{name}", partial(Yolox, depth=depth, width=width, side=SIDE, proposals=PROPOSALS), _serve)
        for name, (depth, width) in SIZES.items()
    ]


def _serve(network: nn.Module) -> Sequence[Served]:
    spec = detector(SIDE, SIDE, PROPOSALS)
    settings = DetectionSettings(model=spec.name, thresholds=(1.0, 1.0, THRESHOLD), iou=IOU)
    return [Served(spec, network, detection=settings)]
