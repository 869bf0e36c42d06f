"""The typed declaration of a served network.

Everything that must agree about a model (``config.pbtxt``, TensorRT profiles, the client's checks, batch
splitting, preprocessing) is derived from its `ModelSpec`, which is written once, into the pack's manifest.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
File = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]*$")]


class Modality(StrEnum):
    """What an embedding was made of. Face and voice hold across videos; body and text only briefly."""

    FACE = "face"
    HEAD = "head"
    BODY = "body"
    VOICE = "voice"
    TEXT = "text"


class FrozenModel(BaseModel):
    """Base of the values in a manifest: immutable, and closed against misspelt keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Tolerance(FrozenModel):
    """How far a served output may lie from the reference (torch, float32) before it counts as broken.

    Attributes:
        absolute: Largest absolute difference of any output value.
        cosine: Smallest cosine between an output row and its reference; only asked of embeddings.
    """

    absolute: PositiveFloat = 0.05
    cosine: Annotated[float, Field(gt=0.0, le=1.0)] = 0.999


NUMPY_DTYPES: Mapping[str, type[np.generic]] = MappingProxyType(
    {
        "UINT8": np.uint8,
        "FP32": np.float32,
        "FP16": np.float16,
        "INT32": np.int32,
        "INT64": np.int64,
        "BOOL": np.bool_,
    }
)


class TensorSpec(FrozenModel):
    """One input or output of a network. ``shape`` has no batch axis: that is always axis 0 and dynamic.

    Attributes:
        name: Name in the ONNX file, in Triton and in `InferenceBackend.infer`.
        dtype: Type of its values, as Triton spells it.
        shape: Sizes behind the batch.
        tolerance: Of an output, when it is held to other bounds than the model's; None takes those.
    """

    name: Name
    dtype: Literal["UINT8", "FP32", "FP16", "INT32", "INT64", "BOOL"]
    shape: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    tolerance: Tolerance | None = None

    @property
    def numpy_dtype(self) -> np.dtype[np.generic]:
        """The dtype of an array that holds this tensor."""
        return np.dtype(NUMPY_DTYPES[self.dtype])


class Preprocessing(FrozenModel):
    """How a region of an image becomes the network's input.

    Attributes:
        kind: ``letterbox`` (whole image, aspect kept), ``square`` (square about a box), ``stretch`` (box, aspect
            lost) or ``aligned`` (a face turned and scaled so that its five points lie where ArcFace has them).
        height: Rows of the input, in pixels.
        width: Columns of the input, in pixels.
        enlarge: Factor on the box before it is cut out; 1.0 cuts exactly the box.
    """

    kind: Literal["letterbox", "square", "stretch", "aligned"]
    height: PositiveInt
    width: PositiveInt
    enlarge: PositiveFloat = 1.0

    @model_validator(mode="after")
    def _square_is_square(self) -> Self:
        if self.kind in ("square", "aligned") and self.height != self.width:
            raise ValueError(f"a crop of kind {self.kind} needs height == width, got {self.height}x{self.width}")
        return self


class SoundPreprocessing(FrozenModel):
    """How sound becomes the network's input: windows of the spectrogram that `packs.sound` makes, or of the sound.

    Attributes:
        kind: ``wrapped`` (a clip of one voice, wrapped round when it is shorter than a window) or ``overlapped`` (a
            whole sound; of each window the middle ``hop`` frames count).
        frames: Frames of one window, 10 ms each.
        hop: Frames from one window to the next.
        front_end: Name of the spectrogram, since a network means nothing to another one; ``waveform-1`` is the sound
            itself, 160 samples a frame, for networks whose own front end is inside their graph.
    """

    kind: Literal["wrapped", "overlapped"]
    frames: PositiveInt
    hop: PositiveInt
    front_end: Literal["log-magnitude-1", "waveform-1"] = "log-magnitude-1"

    @model_validator(mode="after")
    def _windows_meet(self) -> Self:
        if self.hop > self.frames:
            raise ValueError(f"windows of {self.frames} frames every {self.hop} leave gaps: hop must not be larger")
        return self


class WordPreprocessing(FrozenModel):
    """How a sentence becomes the network's input: rows of numbers that `packs.words` makes.

    Attributes:
        kind: ``words`` (whole words of a small vocabulary of ours, a JSON file) or ``wordpieces`` (BERT's pieces, a
            ``vocab.txt``).
        length: Numbers in a row, the first and the last mark among them.
        vocabulary: File of the words, relative to the pack's directory.
        vocabulary_sha256: Hex digest of that file; a network means nothing to the numbers of another vocabulary.
    """

    kind: Literal["words", "wordpieces"]
    length: Annotated[int, Field(ge=3)]
    vocabulary: File
    vocabulary_sha256: Sha256

    @model_validator(mode="after")
    def _inside_the_pack(self) -> Self:
        if ".." in self.vocabulary.split("/"):
            raise ValueError(f"the vocabulary must lie inside the pack, got {self.vocabulary!r}")
        return self


class ModelSpec(FrozenModel):
    """One network of a pack.

    Attributes:
        name: Name in the model repository and in `InferenceBackend.infer`.
        modality: Modality of the embedding, None for a network that makes none (a detector).
        file: Weights, relative to the pack's directory.
        sha256: Hex digest of that file.
        inputs: Input tensors, without the batch axis.
        outputs: Output tensors, without the batch axis.
        max_batch: Most rows in one execution; a client splits larger requests.
        warmup_batches: Batch sizes that are run before the model counts as ready.
        preprocessing: How the image or the sound is cut, or a sentence numbered; None when the input is none of them.
        tolerance: Allowed distance from the reference, for outputs that have none of their own.
        embedding_dim: Length of the embedding, None for a network that makes none.
        licence: Under what the weights may be used, for people; None where it is the pack's own business.
        arithmetic: ``f32`` of a network whose answers bfloat16 would change too much; None lets the CPU that serves
            choose. Engines of a GPU have the precision that they were built with.
    """

    name: Name
    modality: Modality | None = None
    file: File
    sha256: Sha256
    inputs: Annotated[tuple[TensorSpec, ...], Field(min_length=1)]
    outputs: Annotated[tuple[TensorSpec, ...], Field(min_length=1)]
    max_batch: PositiveInt
    warmup_batches: tuple[PositiveInt, ...] = (1,)
    preprocessing: (
        Annotated[Preprocessing | SoundPreprocessing | WordPreprocessing, Field(discriminator="kind")] | None
    ) = None
    tolerance: Tolerance = Tolerance()
    embedding_dim: PositiveInt | None = None
    licence: str | None = None
    arithmetic: Literal["f32"] | None = None

    def tolerance_of(self, output: TensorSpec) -> Tolerance:
        """What one output is held to."""
        return output.tolerance or self.tolerance

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [tensor.name for tensor in (*self.inputs, *self.outputs)]
        if len(set(names)) != len(names):
            raise ValueError(f"model {self.name}: tensor names must differ, got {names}")
        if ".." in self.file.split("/"):
            raise ValueError(f"model {self.name}: file must lie inside the pack, got {self.file!r}")
        too_large = [size for size in self.warmup_batches if size > self.max_batch]
        if too_large:
            raise ValueError(f"model {self.name}: warm-up {too_large} exceed max_batch {self.max_batch}")
        embeds = self.modality is not None or self.embedding_dim is not None
        if embeds and self.embedding_dim != self.outputs[0].shape[-1]:
            raise ValueError(
                f"model {self.name}: embedding_dim is {self.embedding_dim}, but its first output has shape "
                f"{self.outputs[0].shape}"
            )
        if isinstance(self.preprocessing, WordPreprocessing):
            self._check_words(self.preprocessing)
        return self

    def _check_words(self, how: WordPreprocessing) -> None:
        found = [(tensor.dtype, tensor.shape) for tensor in self.inputs]
        if found != [("INT32", (how.length,))]:
            raise ValueError(f"model {self.name}: rows of {how.length} words are INT32[{how.length}], got {found}")
