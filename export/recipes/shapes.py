"""Declarations that several recipes share: what their models are called, eat and give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from export.samples import Feed
from export.specs import UNWRITTEN
from packs.sound import HOP, SAMPLE_RATE
from packs.spec import Modality, ModelSpec, Preprocessing, SoundPreprocessing, TensorSpec, Tolerance

# Proposals of a detector that leave the graph, the best ones.
PROPOSALS = 300
# What a voice encoder hears at once: 3 s.
VOICE_FRAMES = 300
# Embeddings of public networks are as long as their authors left them, so the direction is what is held.
EMBEDDINGS = Tolerance(absolute=0.05, cosine=0.9999)


def crop_encoder(modality: Modality, how: Preprocessing, dimension: int) -> ModelSpec:
    """A network from crops uint8[height, width, 3] to embeddings."""
    source = TensorSpec(name="crop", dtype="UINT8", shape=(how.height, how.width, 3))
    return _encoder(modality, source, how, dimension, max_batch=64)


def voice_encoder(dimension: int, frames: int = VOICE_FRAMES) -> ModelSpec:
    """A network from the sound itself, float32[160 frames], to embeddings of a voice."""
    how = SoundPreprocessing(kind="wrapped", frames=frames, hop=frames // 2, front_end="waveform-1")
    source = TensorSpec(name="sound", dtype="FP32", shape=(frames * HOP,))
    return _encoder(Modality.VOICE, source, how, dimension, max_batch=32)


def detector(height: int, width: int, rows: int, extra: Sequence[TensorSpec] = ()) -> ModelSpec:
    """A network from whole pictures to boxes and scores of face, head and person, as `packs.detections` reads them."""
    boxes = TensorSpec(name="boxes", dtype="FP32", shape=(rows, 4))
    scores = TensorSpec(name="scores", dtype="FP32", shape=(rows, 3))
    return ModelSpec(
        name="person_detector",
        file="person_detector.onnx",
        sha256=UNWRITTEN,
        inputs=(TensorSpec(name="image", dtype="UINT8", shape=(height, width, 3)),),
        outputs=(boxes, scores, *extra),
        max_batch=8,
        warmup_batches=(1, 8),
        preprocessing=Preprocessing(kind="letterbox", height=height, width=width),
        # Pixels and probabilities.
        tolerance=Tolerance(absolute=0.5),
    )


def sounds(spec: ModelSpec, rows: int = 3) -> Feed:
    """Seeded sounds to compare on: a few tones that come and go over faint noise, about what a voice reaches."""
    tensor = spec.inputs[0]
    rng = np.random.default_rng(0)
    seconds = np.arange(tensor.shape[0]) / SAMPLE_RATE
    tones = rng.uniform(90.0, 3000.0, size=(rows, 6, 1))
    swells = np.square(np.sin(np.pi * rng.uniform(0.5, 4.0, size=(rows, 6, 1)) * seconds))
    sound = 0.08 * (swells * np.sin(2.0 * np.pi * tones * seconds)).sum(axis=1)
    return {tensor.name: (sound + rng.normal(0.0, 0.003, size=sound.shape)).astype(np.float32)}


def plain(
    name: str, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], *, max_batch: int, absolute: float = 0.01
) -> ModelSpec:
    """A network that makes no embedding of a person."""
    return ModelSpec(
        name=name,
        file=f"{name}.onnx",
        sha256=UNWRITTEN,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        max_batch=max_batch,
        tolerance=Tolerance(absolute=absolute),
    )


def _encoder(
    modality: Modality, source: TensorSpec, how: Preprocessing | SoundPreprocessing, dimension: int, *, max_batch: int
) -> ModelSpec:
    return ModelSpec(
        name=f"{modality}_encoder",
        modality=modality,
        file=f"{modality}_encoder.onnx",
        sha256=UNWRITTEN,
        inputs=(source,),
        outputs=(TensorSpec(name="embedding", dtype="FP32", shape=(dimension,)),),
        max_batch=max_batch,
        warmup_batches=(1, max_batch),
        preprocessing=how,
        tolerance=EMBEDDINGS,
        embedding_dim=dimension,
    )
