"""Networks that fuse, as training leaves them: an ONNX file and the card beside it, run in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from evaluation.fusers.fuser import Weighing
from evaluation.fusers.representation import NetworkRepresenter, RepresentationFuser
from packs.arrays import AnyArray
from packs.engine import Engine
from packs.errors import PackError
from packs.fuser import FuserCard, card_beside
from packs.fusers import FUSERS_DIR, FuserPack

__all__ = ["FileBackend", "packed_fusers", "trained_fuser"]

# Bounds the memory of a run.
MOST_ROWS = 1024


class FileBackend:
    """An `InferenceBackend` of one ONNX file, whatever its model is called. Full precision: it is a measurement."""

    def __init__(self, path: Path) -> None:
        self._engine = Engine(path, threads=1, precision="f32")

    @property
    def names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Of the inputs and the outputs."""
        return self._engine.input_names, self._engine.output_names

    async def infer(
        self, model: str, inputs: Mapping[str, AnyArray], *, deadline_s: float | None = None
    ) -> dict[str, AnyArray]:
        """See `InferenceBackend.infer`; a deadline does not apply to what runs in this process."""
        # What a network does not look at (the attention at the quality) is not in its graph.
        inputs = {name: inputs[name] for name in self._engine.input_names}
        count = len(next(iter(inputs.values())))
        parts = [
            await asyncio.to_thread(
                self._engine.run, {name: value[first : first + MOST_ROWS] for name, value in inputs.items()}
            )
            for first in range(0, count, MOST_ROWS)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    async def ready(self, model: str) -> bool:
        """It is, once it is there."""
        return True

    async def aclose(self) -> None:
        """Nothing is held open."""


def trained_fuser(network: Path, weighing: Weighing, pack: str | None = None) -> RepresentationFuser:
    """Open a network that fuses.

    Args:
        network: ONNX file; its card lies beside it.
        weighing: For the priors.
        pack: Digest of the pack whose embeddings it will be given; None where nobody knows.

    Raises:
        PackError: If the file or its card is missing or does not fit, or if it learned from another pack's embeddings.
    """
    if not network.is_file():
        raise PackError(f"no network at {network}: `python -m training fuser` writes one")
    card = card_beside(network)
    if pack is not None and pack != card.pack:
        raise PackError(f"{network} fuses embeddings of the pack {card.pack[:12]}, not of {pack[:12]}: train it anew")
    return _fuser(network, card, weighing)


def packed_fusers(weighing: Weighing, pack: str | None, directory: Path | None = None) -> list[RepresentationFuser]:
    """Open the networks of a pack of those that fuse, as they are served.

    Args:
        weighing: For the priors.
        pack: Digest of the pack whose embeddings they will be given; None where nobody knows.
        directory: Where they lie; those of this source tree when None.

    Returns:
        None of them where they learned from another pack's embeddings, or nobody knows whose these are.

    Raises:
        PackError: If the folder is not sound.
    """
    found = FuserPack.load(directory or FUSERS_DIR)
    fusers = [one for one in found.fusers.values() if one.card.pack == pack]
    return [_fuser(found.pack.file_of(one.spec), one.card, weighing) for one in fusers]


def _fuser(network: Path, card: FuserCard, weighing: Weighing) -> RepresentationFuser:
    representer = NetworkRepresenter(_opened(network, card), network.stem, card.modalities)
    return RepresentationFuser(card.name, representer, card.lines, weighing, card.dims)


def _opened(network: Path, card: FuserCard) -> FileBackend:
    try:
        backend = FileBackend(network)
    except RuntimeError as error:
        raise PackError(f"{network} is no network that can be run: {error}") from error
    inputs, outputs = backend.names
    wanted = {"present", "quality", *(str(part.modality) for part in card.parts)}
    if not wanted - {"quality"} <= set(inputs) <= wanted or not {"together", "weights"} <= set(outputs):
        raise PackError(f"{network} takes {sorted(inputs)} and gives {sorted(outputs)}, its card says {sorted(wanted)}")
    return backend
