"""Pairs of embeddings as the product really makes and compares them, with the truth: what a calibration is fitted on.

Crops of a data set are kinder than what ingest gives: there a tracker has chosen the boxes, a detector has cut the
faces, a link may have given somebody else's words to a tracklet. So validation films go through the whole product, and
two kinds of pairs are written down for each modality:

- `query`: a portrait, a voice clip or a description against an appearance, as a search compares them;
- `link`: two appearances that association may compare: faces and voices across the whole gallery, bodies of one video
  that are not on screen together and lie within the window in which clothes hold.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.asking import TOP_K, IngestedFilm, Question, ingest_film, questions, search
from evaluation.matching import assign, assign_speech
from evaluation.predictions import predicted_speech, predicted_tracklets
from evaluation.truth import Film, TruthTracklet
from evaluation.truth_words import Description
from packs.spec import Modality
from personsearch.client import PersonSearchClient
from personsearch.query import text as text_part
from personsearch.v1 import appearance_pb2, modality_pb2
from services.association.evidence import LONG_TERM
from services.association.settings import LinkingSettings
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import EmbeddingRow, Scope

__all__ = ["Pairs", "collect_pairs", "described_pairs", "link_pairs", "write_pairs"]


# What association compares; a modality that a pack lacks has no rows.
COMPARED = (Modality.FACE, Modality.HEAD, Modality.BODY, Modality.VOICE)


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Compared embeddings of one modality and kind.

    Attributes:
        cosines: float32[N].
        same: bool[N], whether they are of one person.
        qualities: float32[N], 0..1, of the weaker of the two.
    """

    cosines: NDArray[np.float32]
    same: NDArray[np.bool_]
    qualities: NDArray[np.float32]


async def collect_pairs(
    films: Sequence[Film],
    client: PersonSearchClient,
    index: VectorIndex,
    say: Callable[[str], None],
    *,
    with_text: bool = False,
) -> dict[tuple[Modality, str], Pairs]:
    """Take films in, ask with their portraits and voices, and compare; the gallery is deleted at the end.

    Args:
        films: Validation films: nobody in them was trained on, and no figure is published of them.
        client: The services.
        index: The record that the services write.
        say: Receives lines of progress.
        with_text: Whether the pack has a text pair: then with their descriptions too, of those that are not held out.
    """
    gallery = f"pairs-{uuid.uuid4().hex[:12]}"
    await client.create_gallery(gallery)
    try:
        ingested = [await ingest_film(client, film, gallery, say) for film in films]
        shown: dict[str, TruthTracklet] = {}
        who: dict[str, str] = {}
        for one in ingested:
            seen, heard = await _truth_of(one, client, gallery)
            shown |= seen
            who |= {key: truth.identity for key, truth in seen.items()} | heard
        found: dict[tuple[Modality, str], Pairs] = {}
        rows = {modality: await index.list_embeddings(modality, Scope(gallery)) for modality in COMPARED}
        for modality, some in rows.items():
            if some:
                found[modality, "link"] = link_pairs(some, who, modality)
        alone = [question for question in questions(films) if not question.expand]
        portraits, voices = ([one for one in alone if one.kind == kind] for kind in ("portrait", "voice"))
        for modality, asked in ((Modality.FACE, portraits), (Modality.VOICE, voices)):
            if asked:
                clear = {row.appearance_id: row.quality for row in rows[modality]}
                found[modality, "query"] = await _asked(client, gallery, asked, who, modality, clear)
        if with_text:
            said = [one for film in films for one in film.descriptions if not one.held_out]
            found[Modality.TEXT, "query"] = await described_pairs(client, gallery, said, shown)
        return found
    finally:
        await client.delete_gallery(gallery)


def link_pairs(rows: Sequence[EmbeddingRow], who: Mapping[str, str], modality: Modality) -> Pairs:
    """Compare all rows that association may compare; rows of nobody known are left out."""
    known = [row for row in rows if row.appearance_id in who]
    if not known:
        return Pairs(np.zeros(0, np.float32), np.zeros(0, np.bool_), np.zeros(0, np.float32))
    first, second = np.triu_indices(len(known), k=1)
    start, end = (np.array([getattr(row, name) for row in known]) for name in ("start_s", "end_s"))
    one_video = _equal([row.video_id for row in known], first, second)
    gap_s = np.maximum(start[first] - end[second], start[second] - end[first])
    chosen = ~one_video | (gap_s >= 0)
    if modality not in LONG_TERM:
        chosen = one_video & (gap_s >= 0) & (gap_s <= LinkingSettings().short_term_window_s)
    first, second = first[chosen], second[chosen]
    vectors = np.stack([row.vector for row in known])
    cosines = np.einsum("nd,nd->n", vectors[first], vectors[second])
    clear = np.array([row.quality for row in known], dtype=np.float32)
    same = _equal([who[row.appearance_id] for row in known], first, second)
    return Pairs(cosines.astype(np.float32), same, np.minimum(clear[first], clear[second]))


def write_pairs(pairs: Mapping[tuple[Modality, str], Pairs], path: Path) -> None:
    """Write `{modality}_{kind}_cosine`, `..._same` and `..._quality` into an npz file."""
    columns: dict[str, NDArray[np.generic]] = {}
    for (modality, kind), part in pairs.items():
        columns[f"{modality}_{kind}_cosine"] = part.cosines
        columns[f"{modality}_{kind}_same"] = part.same
        columns[f"{modality}_{kind}_quality"] = part.qualities
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, allow_pickle=False, **columns)


async def _truth_of(
    one: IngestedFilm, client: PersonSearchClient, gallery: str
) -> tuple[dict[str, TruthTracklet], dict[str, str]]:
    """What the appearances of a film show, and whom those let hear that show nobody."""
    appearances: list[appearance_pb2.Appearance] = await client.list_appearances(one.video_id, gallery=gallery)
    shown = assign(predicted_tracklets(appearances, one.film), one.film.tracklets)
    held = assign_speech(predicted_speech(appearances), one.film.speech)
    return shown, {key: line.identity for key, line in held.items()}


async def described_pairs(
    client: PersonSearchClient, gallery: str, said: Sequence[Description], shown: Mapping[str, TruthTracklet]
) -> Pairs:
    """Compare each description with every appearance that it retrieves; the person in other clothes is neither."""
    cosines: list[float] = []
    same: list[bool] = []
    for one in said:
        answer = await client.search([text_part(one.text)], gallery=gallery, top_k=TOP_K, expand=False)
        for hit in answer.hits:
            truth = shown.get(hit.appearance.appearance_id)
            steps = [step for step in hit.evidence if step.modality == modality_pb2.MODALITY_TEXT]
            if truth is not None and steps and (truth.dress == one.dress or truth.identity != one.identity):
                cosines.append(steps[0].cosine)
                same.append(truth.dress == one.dress)
    return Pairs(np.array(cosines, np.float32), np.array(same, np.bool_), np.ones(len(same), np.float32))


async def _asked(
    client: PersonSearchClient,
    gallery: str,
    asked: Sequence[Question],
    who: Mapping[str, str],
    modality: Modality,
    clear: Mapping[str, float],
) -> Pairs:
    """Compare each query file with every appearance that it retrieves by itself; refused files have none.

    Files show a person well: the quality is that of the appearance, in `clear`.
    """
    cosines: list[float] = []
    same: list[bool] = []
    qualities: list[float] = []
    wire = modality_pb2.Modality.Value(f"MODALITY_{modality.upper()}")
    for question in asked:
        answer = await search(client, question, gallery)
        for hit in () if isinstance(answer, str) else answer.hits:
            steps = [step for step in hit.evidence if step.modality == wire and step.HasField("cosine")]
            if steps and hit.appearance.appearance_id in who:
                cosines.append(steps[0].cosine)
                same.append(who[hit.appearance.appearance_id] == question.file.identity)
                qualities.append(clear.get(hit.appearance.appearance_id, 1.0))
    return Pairs(np.array(cosines, np.float32), np.array(same, np.bool_), np.array(qualities, np.float32))


def _equal(names: Sequence[str], first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.bool_]:
    codes = np.unique(np.array(names), return_inverse=True)[1]
    return np.asarray(codes[first] == codes[second])
