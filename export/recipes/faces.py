"""Networks of faces: ArcFace's IResNet and AdaFace's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from torch import nn

from export.recipes.matching import Candidate, Served
from export.recipes.shapes import crop_encoder
from export.recipes.source import Source
from models.face import iresnet18, iresnet34, iresnet50, iresnet100
from models.public.adaface import adaface
from packs.spec import Modality, Preprocessing

DIMENSION = 512
ALIGNED = Preprocessing(kind="aligned", height=112, width=112)
ARCFACE: tuple[tuple[str, Callable[[], nn.Module]], ...] = (
    ("iresnet18", iresnet18),
    ("iresnet34", iresnet34),
    ("iresnet50", iresnet50),
    ("iresnet100", iresnet100),
)
ADAFACE_DEPTHS = (18, 34, 50, 101)


def candidates(recipe: str, source: Source) -> Sequence[Candidate]:
    """The sizes of the recipe's network."""
    if recipe == "arcface":
        # A classifier of training is kept in files of its own, but some trainers put it beside.
        return [Candidate(name, build, _serve, ignored=("weight_activated", "head.")) for name, build in ARCFACE]
    return [
        Candidate(f"adaface_ir_{depth}", partial(adaface, depth), _serve, ignored=("head.",))
        for depth in ADAFACE_DEPTHS
    ]


def _serve(network: nn.Module) -> Sequence[Served]:
    return [Served(crop_encoder(Modality.FACE, ALIGNED, DIMENSION), network)]
