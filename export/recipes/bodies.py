"""Networks of bodies: OSNet and OSNet-AIN of torchreid, and CLIP-ReID."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import nn

from export.recipes.matching import Candidate, Served
from export.recipes.shapes import crop_encoder
from export.recipes.source import Source
from models.public.clip_reid import clip_reid
from models.public.osnet_presets import EMBEDDING_DIM, osnet, osnet_ain
from packs.spec import Modality, Preprocessing

BODY = Preprocessing(kind="stretch", height=256, width=128)
# The classifier has as many rows as the people that were trained on.
CLASSIFIER = ("classifier.",)
# CLIP-ReID keeps what it learned with: words, classifiers, norms before them, and vectors of cameras.
LEARNED_WITH = ("classifier", "bottleneck", "prompt_learner.", "text_encoder.", "cv_embed")
CLIP_REID_DIM = 1280


def candidates(recipe: str, source: Source) -> Sequence[Candidate]:
    """OSNet in its four widths and AIN, or CLIP-ReID with patches apart or overlapping."""
    if recipe == "clip-reid":
        return [
            Candidate(
                f"clip_reid_stride_{stride}", partial(clip_reid, stride=stride), _serve_clip, ignored=LEARNED_WITH
            )
            for stride in (16, 12)
        ]
    sizes = [
        Candidate(f"osnet_x{scale:g}", partial(osnet, scale), _serve, ignored=CLASSIFIER)
        for scale in (1.0, 0.75, 0.5, 0.25)
    ]
    return [*sizes, Candidate("osnet_ain_x1", osnet_ain, _serve, ignored=CLASSIFIER)]


def _serve(network: nn.Module) -> Sequence[Served]:
    return [Served(crop_encoder(Modality.BODY, BODY, EMBEDDING_DIM), network)]


def _serve_clip(network: nn.Module) -> Sequence[Served]:
    return [Served(crop_encoder(Modality.BODY, BODY, CLIP_REID_DIM), network)]
