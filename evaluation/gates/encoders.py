"""Embeds the samples by a pack, to see whether the world is too easy for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import numpy as np

from evaluation.gates.samples import Clips, Crops
from packs.arrays import F32, U8
from packs.manifest import Pack
from packs.preprocessing import prepare_crop
from packs.spec import Modality, ModelSpec, Preprocessing
from services.backends.hearing import HearingModels
from services.backends.inference.local import LocalInferenceBackend
from services.backends.vision import VisionModels

# How the stored crops were cut, as factors on the box (synthetic/SCHEMA.md).
STORED_ENLARGE = {Modality.FACE: 1.5, Modality.BODY: 1.1}
_DEADLINE_S = 600.0
_CLIPS_AT_ONCE = 64


def embed_samples(pack: Pack, faces: Crops, bodies: Crops, clips: Clips) -> Mapping[Modality, F32]:
    """Embed what the pack can: float32[N, D] of each modality."""
    return asyncio.run(_embed(pack, {Modality.FACE: faces.images, Modality.BODY: bodies.images}, clips))


def as_served(images: U8, modality: Modality, spec: ModelSpec) -> U8:
    """Cut stored crops uint8[N, h, w, 3] to what the network would be given: uint8[N, H, W, 3]."""
    how = spec.preprocessing
    if not isinstance(how, Preprocessing):
        raise ValueError(f"got the network {spec.name} for {modality}, expected one that takes images")
    height, width = images.shape[1:3]
    stored = STORED_ENLARGE[modality]
    aside_x, aside_y = width * (1 - 1 / stored) / 2, height * (1 - 1 / stored) / 2
    box = (aside_x, aside_y, width - aside_x, height - aside_y)
    return np.stack([prepare_crop(image, box, how) for image in images])


async def _embed(pack: Pack, images: Mapping[Modality, U8], clips: Clips) -> dict[Modality, F32]:
    backend = LocalInferenceBackend(pack, deadline_s=_DEADLINE_S)
    found: dict[Modality, F32] = {}
    try:
        vision, hearing = VisionModels(backend, pack), HearingModels(backend, pack)
        for modality, stored in images.items():
            if modality in pack.modalities:
                served = as_served(stored, modality, pack.model_for(modality))
                found[modality] = (await vision.embed(modality, served)).vectors
        if hearing.can_hear:
            parts = [
                (await hearing.embed(clips.sounds[start : start + _CLIPS_AT_ONCE])).vectors
                for start in range(0, len(clips.sounds), _CLIPS_AT_ONCE)
            ]
            found[Modality.VOICE] = np.concatenate(parts)
    finally:
        await backend.aclose()
    return found
