"""Embeds films, each once, and measures encoders and baselines on all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from evaluation.encoders.embedding import embed_film, read_embeddings, write_embeddings
from evaluation.encoders.figures import EncoderFigures, encoder_figures
from evaluation.truth import Film
from packs.manifest import Pack
from services.backends.inference.local import LocalInferenceBackend

__all__ = ["measure_encoders"]


async def measure_encoders(
    films: Sequence[Film], pack: Pack, folder: Path, say: Callable[[str], None]
) -> dict[str, EncoderFigures]:
    """Measure on films; what `folder` holds of an earlier run, with the same pack and films, is not embedded again."""
    folder.mkdir(parents=True, exist_ok=True)
    backend = LocalInferenceBackend(pack)
    try:
        found = []
        for film in films:
            path = folder / f"{_name(film, pack)}.npz"
            if not path.exists():
                write_embeddings(path, await embed_film(film, pack, backend))
            found.append(read_embeddings(path))
            say(f"{film.name}: crops and lines embedded")
    finally:
        await backend.aclose()
    return encoder_figures(found)


def _name(film: Film, pack: Pack) -> str:
    truth = film.path.with_name("truth.json").read_bytes()
    return hashlib.sha256(truth + pack.digest.encode() + film.name.encode()).hexdigest()[:32]
