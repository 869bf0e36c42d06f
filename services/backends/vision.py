"""The image networks of a pack as what they are for: detections and embeddings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from packs.arrays import F32, U8
from packs.detections import Detections, decode
from packs.errors import PackError
from packs.manifest import Pack
from packs.preprocessing import Letterboxed, letterbox, prepare_crop
from packs.spec import Modality, ModelSpec, Preprocessing
from services.backends.inference.errors import InferenceOutputError, InferenceUnavailableError
from services.backends.inference.protocol import InferenceBackend


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """Embeddings of some crops.

    Attributes:
        vectors: float32[N, D], each of length 1.
        norms: float32[N], the length before normalisation: a sign of the crop's quality.
    """

    vectors: F32
    norms: F32


class VisionModels:
    """Detects and embeds with one pack.

    Args:
        backend: Where its networks run.
        pack: Their specs, the detector's operating point, the preprocessing.

    Raises:
        PackError: If the pack has no detector.
    """

    def __init__(self, backend: InferenceBackend, pack: Pack) -> None:
        if pack.manifest.detection is None:
            raise PackError(f"pack {pack.name} has no detector; choose one that has `detection` in its manifest")
        self._backend = backend
        self._pack = pack
        self._detection = pack.manifest.detection
        self._detector = pack.model(self._detection.model)

    @property
    def pack(self) -> Pack:
        """The pack."""
        return self._pack

    async def detect(
        self, images: Sequence[U8], *, thresholds: Sequence[float] | None = None, deadline_s: float | None = None
    ) -> list[Detections]:
        """Faces, heads and persons of each image uint8[H, W, 3] (RGB); images may differ in size.

        `thresholds` are least scores of a face, a head and a person, instead of the pack's: a tracker wants weak ones
        too.
        """
        if not images:
            return []
        fitted = await asyncio.to_thread(self._fit, images)
        canvases = np.stack([one.canvas for one in fitted])
        name = self._detector.inputs[0].name
        outputs = await self._backend.infer(self._detector.name, {name: canvases}, deadline_s=deadline_s)
        boxes = np.asarray(outputs["boxes"], dtype=np.float32)
        scores = np.asarray(outputs["scores"], dtype=np.float32)
        return await asyncio.to_thread(self._decode, fitted, boxes, scores, thresholds)

    async def embed(self, modality: Modality, crops: U8, *, deadline_s: float | None = None) -> Embedded:
        """Embeddings of crops uint8[N, h, w, 3], cut by `crop`; N may be 0.

        Raises:
            PackError: If the pack cannot embed the modality.
        """
        spec = self._pack.model_for(modality)
        dimension = spec.embedding_dim or spec.outputs[0].shape[-1]
        if crops.shape[0] == 0:
            return Embedded(np.zeros((0, dimension), np.float32), np.zeros(0, np.float32))
        outputs = await self._backend.infer(spec.name, {spec.inputs[0].name: crops}, deadline_s=deadline_s)
        return normalised(spec, np.asarray(outputs[spec.outputs[0].name], dtype=np.float32))

    def crop(self, modality: Modality, image: U8, box: Sequence[float] | F32) -> U8:
        """Cut box (x0, y0, x1, y1), in pixels, out of image uint8[H, W, 3] as the modality's network wants it.

        Raises:
            PackError: If the pack cannot embed the modality.
            ValueError: If the box is empty.
        """
        spec = self._pack.model_for(modality)
        return prepare_crop(image, box, _preprocessing(spec))

    def alike(self, one: Modality, other: Modality) -> bool:
        """Whether the networks of two modalities want the same crop of a box.

        Raises:
            PackError: If the pack cannot embed one of them.
        """
        return self._pack.model_for(one).preprocessing == self._pack.model_for(other).preprocessing

    async def check_ready(self) -> None:
        """A probe: returns if a real inference of every network succeeds, raises `InferenceUnavailableError` if not."""
        names = list(self._pack.models)
        answers = await asyncio.gather(*(self._backend.ready(name) for name in names))
        absent = [name for name, ready in zip(names, answers, strict=True) if not ready]
        if absent:
            raise InferenceUnavailableError(f"models not ready: {', '.join(absent)}")

    def _fit(self, images: Sequence[U8]) -> list[Letterboxed]:
        how = _preprocessing(self._detector)
        return [letterbox(image, how.height, how.width) for image in images]

    def _decode(
        self, fitted: Sequence[Letterboxed], boxes: F32, scores: F32, thresholds: Sequence[float] | None
    ) -> list[Detections]:
        thresholds, iou = thresholds or self._detection.thresholds, self._detection.iou
        rows = zip(fitted, boxes, scores, strict=True)
        return [decode(row_boxes, row_scores, one, thresholds, iou) for one, row_boxes, row_scores in rows]


def _preprocessing(spec: ModelSpec) -> Preprocessing:
    if not isinstance(spec.preprocessing, Preprocessing):
        raise PackError(f"model {spec.name} takes no image")
    return spec.preprocessing


def normalised(spec: ModelSpec, raw: F32) -> Embedded:
    """Make the rows of float32[N, D], as a network gave them, 1 long.

    Raises:
        InferenceOutputError: If one has the length 0.
    """
    norms = np.linalg.norm(raw, axis=1)
    if not (norms > 0.0).all():
        raise InferenceOutputError(f"{spec.name} gave an embedding of length 0")
    return Embedded(np.asarray(raw / norms[:, None], dtype=np.float32), np.asarray(norms, dtype=np.float32))
