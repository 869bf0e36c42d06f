"""Networks that name clips, as `python -m training clips` writes them: an ONNX file and the card beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from evaluation.datasets.errors import DataError
from evaluation.datasets.tracklets import Tracklets
from evaluation.fusers.trained import FileBackend
from evaluation.protocols.iqiyi.cards import ClipCard, clip_inputs, digest_of_clips
from packs.arrays import F64, AnyArray

__all__ = ["NetworkIdentifier", "read_clip_network"]


class NetworkIdentifier:
    """Names clips by a network that was trained on the same training clips.

    Args:
        path: The ONNX file: inputs `present` and one named as each modality, output `probabilities`.
        card: What it knows.
    """

    def __init__(self, path: Path, card: ClipCard) -> None:
        self._path = path
        self._card = card
        self._backend = FileBackend(path)

    @property
    def name(self) -> str:
        """For the table."""
        return self._card.name

    def probabilities(self, train: Tracklets, test: Tracklets, people: Sequence[str]) -> F64:
        """See `Identifier.probabilities`; each clip's add up to 1, for these networks know no stranger.

        Raises:
            DataError: If it learned from other clips, or people.
        """
        if digest_of_clips(train) != self._card.clips or tuple(people) != self._card.people:
            raise DataError(self._path, "learned from other clips than these: run `python -m training clips` on them")
        present, vectors = clip_inputs(test, [(part.modality, part.dim) for part in self._card.parts])
        there = np.flatnonzero(present.any(axis=1))
        found = np.zeros((len(people), len(test)))
        if len(there):
            inputs: dict[str, AnyArray] = {"present": present[there]}
            inputs |= {str(modality): rows[there] for modality, rows in vectors.items()}
            answer = asyncio.run(self._backend.infer(self._path.stem, inputs))
            found[:, there] = np.asarray(answer["probabilities"], dtype=np.float64).T
        return found


def read_clip_network(path: Path) -> NetworkIdentifier:
    """Open a network and its card. Raises DataError."""
    try:
        card = ClipCard.model_validate_json(path.with_suffix(".json").read_text(encoding="utf-8"))
        return NetworkIdentifier(path, card)
    except FileNotFoundError as error:
        raise DataError(path.with_suffix(".json"), "is not there: `python -m training clips` writes it") from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise DataError(path.with_suffix(".json"), f"is no card of a network that names clips: {error}") from error
    except RuntimeError as error:
        raise DataError(path, f"is no network that can be run: {error}") from error
