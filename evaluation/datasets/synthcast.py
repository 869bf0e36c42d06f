"""SynthCast films as the product holds them: read back from the index, with what the truth says of each appearance.

Tracklets are the product's own, not the truth's: what ingest cut in two is two tracklets, and what it never followed
is not there (that is `tracklet_recall` of the protocol `spine`). Which person a tracklet shows, or a stretch of
speech lets hear, is assigned as everywhere (`evaluation.matching`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.asking import IngestedFilm
from evaluation.datasets.presence import heard_in, in_part
from evaluation.datasets.queries import read_portraits, read_texts, read_voices
from evaluation.datasets.tracklets import CastSearch, ModalityRows, Tracklets
from evaluation.matching import assign, assign_speech
from evaluation.predictions import predicted_speech, predicted_tracklets
from evaluation.truth import Film, TruthTracklet
from packs.manifest import Pack
from packs.spec import Modality
from personsearch.client import PersonSearchClient
from personsearch.v1 import appearance_pb2
from services.backends.index.protocol import VectorIndex
from services.backends.inference.protocol import InferenceBackend
from services.backends.schemas import EmbeddingRow, Scope, SpeechSpan
from services.runtime.trust import confidence_of

__all__ = ["MODALITIES", "facts_of", "read_back", "tracklets_of_film", "truths_of"]

MODALITIES = (Modality.FACE, Modality.HEAD, Modality.BODY, Modality.VOICE, Modality.TEXT)
Wire = appearance_pb2.Appearance


async def read_back(
    ingested: Sequence[IngestedFilm],
    client: PersonSearchClient,
    index: VectorIndex,
    gallery: str,
    pack: Pack,
    backend: InferenceBackend,
) -> CastSearch:
    """Read what the index holds of films that are ready, and embed the films' query files."""
    held = [modality for modality in MODALITIES if modality in pack.modalities]
    parts: list[Tracklets] = []
    for one in ingested:
        appearances = await client.list_appearances(one.video_id, gallery=gallery)
        scope = Scope(gallery, video_ids=(one.video_id,))
        rows = {modality: await index.list_embeddings(modality, scope) for modality in held}
        parts.append(tracklets_of_film(one.film, appearances, rows))
    films = [one.film for one in ingested]
    return CastSearch(
        name=f"SynthCast {', '.join(film.name for film in films)}",
        tracklets=joined(parts),
        portraits=await read_portraits(films, pack, backend),
        voices=await read_voices(films, pack, backend),
        texts=await read_texts(films, pack, backend),
        attributes={identity: dict(facts) for film in films for identity, facts in film.attributes.items()},
    )


def facts_of(films: Sequence[Film], pack: Pack) -> dict[str, Any]:
    """What a read-back is of: films with the digests of their truths, and the pack."""
    return {
        "films": truths_of([film.path.parent for film in films]),
        "pack": {"name": pack.name, "version": pack.version, "digest": pack.digest},
    }


def truths_of(folders: Sequence[Path]) -> dict[str, str]:
    """Digest of the truth in each film's folder, by the film's name."""
    return {
        folder.resolve().name: hashlib.sha256((folder / "truth.json").read_bytes()).hexdigest() for folder in folders
    }


def tracklets_of_film(
    film: Film, appearances: Sequence[Wire], embeddings: Mapping[Modality, Sequence[EmbeddingRow]]
) -> Tracklets:
    """The appearances of one film with their embeddings, by time, then id."""
    predicted = predicted_tracklets(appearances, film)
    shown = assign(predicted, film.tracklets)
    held = assign_speech(predicted_speech(appearances), film.speech)
    speaking = {line.tracklet for line in film.speech if line.tracklet is not None}
    kept = sorted(appearances, key=lambda one: (one.span.start_s, one.appearance_id))
    ids = [one.appearance_id for one in kept]
    alone = [one.kind == appearance_pb2.APPEARANCE_KIND_SPEECH for one in kept]
    whom = [shown.get(name) or held.get(name) for name in ids]
    told = [heard_in(one, film) for one in kept]
    present = in_part(predicted, film, shown)
    return Tracklets.of(
        ids,
        [film.name] * len(ids),
        [one.identity if one else None for one in whom],
        {modality: _rows(ids, rows) for modality, rows in embeddings.items() if rows},
        spans_s=[(one.span.start_s, one.span.end_s) for one in kept],
        on_screen=~np.array(alone, dtype=bool),
        face_visible=[name in shown and shown[name].face_visible for name in ids],
        speaks=[name in held or (name in shown and shown[name].key in speaking) for name in ids],
        speaker=[1.0 if spoken else _confidence(one) for one, spoken in zip(kept, alone, strict=True)],
        outfits=[f"{film.name}/{_outfit(shown[name])}" if name in shown and shown[name].dress else "" for name in ids],
        heard=[one for one, _ in told],
        partly=[
            (others | present.get(name, frozenset())) - {one.identity if one else ""}
            for name, one, (_, others) in zip(ids, whom, told, strict=True)
        ],
    )


def joined(parts: Sequence[Tracklets]) -> Tracklets:
    """Several films' tracklets as one; a modality that some lack is missing there."""
    dims = {modality: one.vectors.shape[1] for part in parts for modality, one in part.rows.items()}
    rows = {
        modality: ModalityRows(
            *(np.concatenate(columns) for columns in zip(*_parts(parts, modality, dim), strict=True))
        )
        for modality, dim in dims.items()
    }
    return Tracklets.of(
        [name for part in parts for name in part.ids],
        [name for part in parts for name in part.movies],
        [name for part in parts for name in part.identities],
        rows,
        spans_s=np.concatenate([part.spans_s for part in parts]),
        on_screen=np.concatenate([part.on_screen for part in parts]),
        face_visible=np.concatenate([part.face_visible for part in parts]),
        speaks=np.concatenate([part.speaks for part in parts]),
        speaker=np.concatenate([part.speaker for part in parts]),
        outfits=[name for part in parts for name in part.outfits],
        heard=[name for part in parts for name in part.heard],
        partly=[names for part in parts for names in part.partly],
    )


def _parts(parts: Sequence[Tracklets], modality: Modality, dim: int) -> list[tuple[Any, Any, Any]]:
    found = []
    for part in parts:
        one = part.rows.get(modality)
        empty = np.zeros((len(part), dim), np.float32), np.zeros(len(part), bool), np.zeros(len(part), np.float32)
        found.append(empty if one is None else (one.vectors, one.present, one.quality))
    return found


def _rows(ids: Sequence[str], rows: Sequence[EmbeddingRow]) -> ModalityRows:
    """Vectors without an appearance are leftovers of an ingest that was cut off."""
    places = {name: row for row, name in enumerate(ids)}
    vectors = np.zeros((len(ids), len(rows[0].vector)), np.float32)
    present, quality = np.zeros(len(ids), dtype=bool), np.zeros(len(ids), np.float32)
    for one in rows:
        if one.appearance_id in places:
            row = places[one.appearance_id]
            vectors[row], quality[row], present[row] = one.vector, one.quality, True
    return ModalityRows.of(vectors, present, quality)


def _outfit(shown: TruthTracklet) -> str:
    """What is worn, without who wears it: two people in one uniform have the same."""
    return shown.dress.rpartition("/")[2]


def _confidence(one: Wire) -> float:
    spans = [SpeechSpan(each.span.start_s, each.span.end_s, each.confidence) for each in one.speech]
    return confidence_of(spans) if spans else 1.0
