"""The protocol `spine`: films in one gallery, people asked for by portrait and by voice.

All films go into one gallery through the ingest service, every portrait and every voice clip of every film is asked
alone, with and without expansion, and the answers are compared with the truth. docs/evaluation.md defines the figures
and what counts.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evaluation.asking import Answer, IngestedFilm, ask, ingest_film, questions
from evaluation.encoders.figures import EncoderFigures
from evaluation.following import Followed, follow
from evaluation.heard import HeardFigures, heard_figures
from evaluation.linking import FilmSpeech, LinkFigures, film_speech, link_figures
from evaluation.matching import assign, assign_speech
from evaluation.predictions import PredictedSpeech, predicted_speech, predicted_tracklets
from evaluation.rankings import RankedFigures, Verdicts, keys_by_identity, ranked_figures, verdicts_of
from evaluation.truth import Film, TruthTracklet
from evaluation.truth_speech import TruthSpeech
from personsearch.client import PersonSearchClient
from personsearch.v1 import appearance_pb2

__all__ = ["Appearances", "SpineResult", "evaluate_spine", "run_spine"]

# What the index holds of each video.
Appearances = Mapping[str, Sequence[appearance_pb2.Appearance]]


@dataclass(frozen=True, slots=True)
class SpineResult:
    """All that was measured.

    Attributes:
        films: The films with their ingest times.
        followed: Tracklet counts of each film, in the order of `films`.
        assigned_count: How many predicted tracklets show somebody of the truth.
        speech_count: How many predicted appearances are speech that stands alone.
        face_visible: Figures over tracklets that count and show the face, with expansion.
        everything: Figures over all tracklets that count, with expansion.
        face_only: The same without expansion: what the portrait matches by itself.
        verdicts: Of all hits of portraits, with expansion.
        heard: Of voice queries; None when the films have none.
        linked: Of speech and its speakers.
        encoders: Of the pack's encoders and the naive baselines on the films' own crops; empty when not asked for.
        answers: All answers.
    """

    films: tuple[IngestedFilm, ...]
    followed: tuple[Followed, ...]
    assigned_count: int
    speech_count: int
    face_visible: RankedFigures
    everything: RankedFigures
    face_only: RankedFigures
    verdicts: Verdicts
    heard: HeardFigures | None
    linked: LinkFigures
    encoders: Mapping[str, EncoderFigures]
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class _Compared:
    """What the index holds beside the truth."""

    followed: tuple[Followed, ...]
    spoken: tuple[FilmSpeech, ...]
    shown: Mapping[str, TruthTracklet]
    held: Mapping[str, tuple[PredictedSpeech, TruthSpeech]]
    speech_count: int
    speaking_count: int


async def run_spine(
    films: Sequence[Film],
    client: PersonSearchClient,
    say: Callable[[str], None],
    encoders: Mapping[str, EncoderFigures] | None = None,
) -> SpineResult:
    """Measure films through the services; the gallery made for it is deleted at the end."""
    gallery = f"evaluation-{uuid.uuid4().hex[:12]}"
    await client.create_gallery(gallery)
    try:
        ingested = [await ingest_film(client, film, gallery, say) for film in films]
        appearances = {one.video_id: await client.list_appearances(one.video_id, gallery=gallery) for one in ingested}
        asked = questions(films)
        say(f"asking {len(asked)} questions")
        answers = [await ask(client, question, gallery) for question in asked]
    finally:
        await client.delete_gallery(gallery)
    return evaluate_spine(ingested, appearances, answers, encoders or {})


def evaluate_spine(
    ingested: Sequence[IngestedFilm],
    appearances: Appearances,
    answers: Sequence[Answer],
    encoders: Mapping[str, EncoderFigures],
) -> SpineResult:
    """Compare what the product holds and answered with the truth."""
    films = [one.film for one in ingested]
    compared = _compare(ingested, appearances)
    seen, seen_direct = (_of(answers, "portrait", expand) for expand in (True, False))
    heard, heard_direct = (_of(answers, "voice", expand) for expand in (True, False))
    counting = [tracklet for film in films for tracklet in film.tracklets if tracklet.counts]
    with_face = keys_by_identity(tracklet for tracklet in counting if tracklet.face_visible)
    wanted, pool_size = keys_by_identity(counting), sum(one.predicted_count for one in compared.followed)
    return SpineResult(
        films=tuple(ingested),
        followed=compared.followed,
        assigned_count=len(compared.shown),
        speech_count=compared.speech_count,
        face_visible=ranked_figures(seen, with_face, compared.shown, pool_size),
        everything=ranked_figures(seen, wanted, compared.shown, pool_size),
        face_only=ranked_figures(seen_direct, wanted, compared.shown, pool_size),
        verdicts=verdicts_of(seen, compared.shown),
        heard=heard_figures(films, heard, heard_direct, compared.shown, compared.held, compared.speaking_count),
        linked=link_figures(compared.spoken),
        encoders=encoders,
        answers=tuple(answers),
    )


def _of(answers: Sequence[Answer], kind: str, expand: bool) -> list[Answer]:
    return [answer for answer in answers if answer.question.kind == kind and answer.question.expand is expand]


def _compare(ingested: Sequence[IngestedFilm], appearances: Appearances) -> _Compared:
    """Compare what the index holds with the truth, film by film; also say what each appearance shows."""
    followed: list[Followed] = []
    spoken: list[FilmSpeech] = []
    shown: dict[str, TruthTracklet] = {}
    held: dict[str, tuple[PredictedSpeech, TruthSpeech]] = {}
    speech_count = speaking_count = 0
    for one in ingested:
        tracklets = predicted_tracklets(appearances[one.video_id], one.film)
        speech = predicted_speech(appearances[one.video_id])
        followed.append(follow(one.film, tracklets))
        shown |= assign(tracklets, one.film.tracklets)
        lines = assign_speech(speech, one.film.speech)
        held |= {
            part.appearance_id: (part, lines[part.appearance_id]) for part in speech if part.appearance_id in lines
        }
        spoken.append(film_speech(one.film, tracklets, speech, shown))
        speech_count += len(speech)
        speaking_count += len(speech) + sum(bool(tracklet.speech_s) for tracklet in tracklets)
    return _Compared(tuple(followed), tuple(spoken), shown, held, speech_count, speaking_count)
