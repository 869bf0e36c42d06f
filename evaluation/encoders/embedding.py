"""Embeds a film's samples by the pack's encoders and by the naive baselines: the same crops, the same lines."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.encoders.footage import SAMPLE_RATE, chosen_frames, sound_of
from evaluation.encoders.samples import Label, places_by_frame, voice_labels
from evaluation.naive import colour_histogram, pixels
from evaluation.truth import Film
from packs.arrays import F32, U8
from packs.manifest import Pack
from packs.spec import Modality
from services.backends.hearing import HearingModels
from services.backends.inference.protocol import InferenceBackend
from services.backends.vision import VisionModels

__all__ = ["Embeddings", "embed_film", "read_embeddings", "write_embeddings"]

NAIVE = {Modality.FACE: pixels, Modality.BODY: colour_histogram}


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """Samples of one modality, one for each label.

    Attributes:
        labels: Whose they are.
        ours: float32[N, D], by the pack.
        naive: float32[N, D], by the baseline; None for voices, whose baseline needs all clips of a comparison at once.
        clips: float32[T] each, mono, 16 kHz; of voices only.
    """

    labels: tuple[Label, ...]
    ours: F32
    naive: F32 | None = None
    clips: tuple[F32, ...] = ()


async def embed_film(film: Film, pack: Pack, backend: InferenceBackend) -> dict[Modality, Embeddings]:
    """Embed the crops and the lines of a film; what the pack cannot embed, or has no samples, is left out."""
    vision = VisionModels(backend, pack)
    found: dict[Modality, Embeddings] = {}
    for modality, (crops, labels) in (await asyncio.to_thread(_crops, film, vision, pack)).items():
        stacked = np.stack(crops)
        ours = (await vision.embed(modality, stacked)).vectors
        naive = await asyncio.to_thread(NAIVE[modality], stacked)
        found[modality] = Embeddings(tuple(labels), ours, naive)
    hearing = HearingModels(backend, pack)
    clips, labels = await asyncio.to_thread(_clips, film)
    if hearing.can_hear and clips:
        ours = (await hearing.embed(clips)).vectors
        found[Modality.VOICE] = Embeddings(tuple(labels), ours, clips=tuple(clips))
    return found


def write_embeddings(path: Path, embeddings: Mapping[Modality, Embeddings]) -> None:
    """Write embeddings to an .npz file, whole or not at all."""
    arrays: dict[str, NDArray[Any]] = {}
    for modality, one in embeddings.items():
        labels = [(label.identity, label.group, label.scene) for label in one.labels]
        arrays |= {f"{modality}.labels": np.array(labels), f"{modality}.ours": one.ours}
        if one.naive is not None:
            arrays[f"{modality}.naive"] = one.naive
        if one.clips:
            arrays[f"{modality}.clips"] = np.concatenate(one.clips)
            arrays[f"{modality}.lengths"] = np.array([len(clip) for clip in one.clips])
    part = path.with_suffix(".part.npz")
    np.savez(part, allow_pickle=False, **arrays)
    part.replace(path)


def read_embeddings(path: Path) -> dict[Modality, Embeddings]:
    """Read what `write_embeddings` wrote."""
    with np.load(path) as arrays:
        names = sorted({name.rpartition(".")[0] for name in arrays.files})
        return {Modality(name): _read(dict(arrays), name) for name in names}


def _read(arrays: Mapping[str, NDArray[Any]], name: str) -> Embeddings:
    labels = tuple(Label(*row) for row in arrays[f"{name}.labels"].tolist())
    clips: tuple[F32, ...] = ()
    if f"{name}.clips" in arrays:
        clips = tuple(np.split(arrays[f"{name}.clips"], np.cumsum(arrays[f"{name}.lengths"])[:-1]))
    return Embeddings(labels, arrays[f"{name}.ours"], arrays.get(f"{name}.naive"), clips)


def _crops(film: Film, vision: VisionModels, pack: Pack) -> dict[Modality, tuple[list[U8], list[Label]]]:
    places = places_by_frame(film)
    found: dict[Modality, tuple[list[U8], list[Label]]] = {}
    for number, picture in chosen_frames(film.path, places.keys()):
        for place in places[number]:
            if place.modality in pack.modalities:
                crops, labels = found.setdefault(place.modality, ([], []))
                crops.append(vision.crop(place.modality, picture, place.box.tolist()))
                labels.append(place.label)
    return found


def _clips(film: Film) -> tuple[Sequence[F32], list[Label]]:
    lines = voice_labels(film)
    if not lines:
        return [], []
    samples = sound_of(film.path)
    kept = [(round(start_s * SAMPLE_RATE), round(end_s * SAMPLE_RATE), label) for (start_s, end_s), label in lines]
    kept = [(start, end, label) for start, end, label in kept if end <= len(samples)]
    return [samples[start:end] for start, end, _ in kept], [label for _, _, label in kept]
