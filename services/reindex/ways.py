"""How the embeddings of a modality come to be in the new pack: taken over, from the key frame, or from the sound."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from packs.manifest import Pack
from packs.spec import Modality, ModelSpec, Preprocessing, SoundPreprocessing

__all__ = ["Way", "ways_between"]


class Way(StrEnum):
    """Where an embedding of the new pack comes from."""

    COPY = "copy"  # both packs embed it with the same network: what is there is what the new one would make
    KEY_FRAME = "key frame"
    SOUND = "sound"
    NONE = "none"  # the network takes neither a picture nor sound


def ways_between(old: Pack | None, new: Pack) -> Mapping[Modality, Way]:
    """Choose a way for each modality of the new pack; `old` is None where the old pack's folder is not known."""
    return {modality: _way(old, new, modality) for modality in new.modalities}


def _way(old: Pack | None, new: Pack, modality: Modality) -> Way:
    spec = new.model_for(modality)
    if old is not None and modality in old.modalities and _is_same(old.model_for(modality), spec):
        return Way.COPY
    if isinstance(spec.preprocessing, Preprocessing):
        return Way.KEY_FRAME
    if isinstance(spec.preprocessing, SoundPreprocessing) and new.manifest.hearing is not None:
        return Way.SOUND
    return Way.NONE


def _is_same(one: ModelSpec, other: ModelSpec) -> bool:
    """Whether two networks embed alike: the same weights, fed in the same way and read from the same output."""
    return (
        one.sha256 == other.sha256
        and one.preprocessing == other.preprocessing
        and [tensor.name for tensor in one.inputs] == [tensor.name for tensor in other.inputs]
        and one.outputs[0].name == other.outputs[0].name
        and one.embedding_dim == other.embedding_dim
    )
