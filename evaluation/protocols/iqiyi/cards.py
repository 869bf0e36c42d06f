"""What lies beside a network that names clips, and what such a network takes.

A network knows the people of one training split, so it can name the clips of that split's test and of no other: the
card has a digest of the clips that it learned from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from evaluation.datasets.tracklets import Tracklets
from packs.arrays import F32
from packs.fuser import FuserPart
from packs.spec import FrozenModel, Modality

__all__ = ["ClipCard", "clip_inputs", "digest_of_clips"]


class ClipCard(FrozenModel):
    """What is known of a network that names clips.

    Attributes:
        name: Row of the table.
        people: Whom it knows, in the order of its answer.
        clips: Digest of the clips that it learned from.
        parts: Modalities in the order of `present`.
        recipe: How it was trained, for people.
    """

    format: Literal["personsearch-clips/1"] = "personsearch-clips/1"
    name: str
    people: Annotated[tuple[str, ...], Field(min_length=2)]
    clips: str
    parts: Annotated[tuple[FuserPart, ...], Field(min_length=1)]
    recipe: dict[str, Any]


def clip_inputs(clips: Tracklets, parts: Sequence[tuple[Modality, int]]) -> tuple[F32, dict[Modality, F32]]:
    """What a network takes of N clips: present float32[N, M], 1 or 0, and of each modality float32[N, 1, D_m].

    A clip has one feature of each modality: the index keeps one embedding an appearance.

    Raises:
        ValueError: If embeddings have other lengths.
    """
    present = np.zeros((len(clips), len(parts)), np.float32)
    vectors: dict[Modality, F32] = {}
    for column, (modality, dim) in enumerate(parts):
        rows = clips.rows.get(modality)
        held = np.zeros((len(clips), dim), np.float32) if rows is None else rows.vectors
        if held.shape[1] != dim:
            raise ValueError(f"got {modality} embeddings of length {held.shape[1]}, expected {dim}")
        present[:, column] = clips.present(modality)
        vectors[modality] = (held * present[:, column : column + 1])[:, None, :]
    return present, vectors


def digest_of_clips(clips: Tracklets) -> str:
    """Digest of ids, people and embeddings, in whatever order they come: 64 hexadecimal digits."""
    digest = hashlib.sha256()
    order = sorted(range(len(clips)), key=lambda row: clips.ids[row])
    for row in order:
        digest.update(f"{clips.ids[row]}\t{clips.identities[row]}\n".encode())
    for modality in sorted(clips.rows):
        digest.update(modality.encode() + clips.rows[modality].vectors[order].astype("<f4").tobytes())
    return digest.hexdigest()
