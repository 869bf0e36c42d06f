"""The protocol `spine`: films with their own casts in one gallery, people asked for by portrait.

All films go into one fresh gallery through the ingest service, every portrait of every film is asked alone, with and
without expansion, and the answers are compared with the truth. docs/evaluation.md defines the figures and what counts.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from evaluation.asking import Answer, IngestedFilm, ask, ingest_films
from evaluation.following import Followed, follow
from evaluation.matching import assign
from evaluation.portraits import PortraitFigures, calibration_of, portrait_figures
from evaluation.predictions import predicted_tracklets
from evaluation.truth import Film, TruthTracklet
from personsearch.client import PersonSearchClient
from services.backends.schemas import Appearance

__all__ = ["BOUNDS", "SpineResult", "run_spine"]

ReadGallery = Callable[[str], Awaitable[Sequence[Appearance]]]

# What issue "The spine" asks for: (figure, at least or at most, bound).
BOUNDS = (
    ("tracklet_recall", ">=", 0.85),
    ("identity_switch_rate", "<=", 0.08),
    ("portrait_map_face_visible", ">=", 0.75),
)
# Scores below are nearly all hits of a long answer and nearly all wrong: over them alone the error says little.
LIKELY = 0.1


@dataclass(frozen=True, slots=True)
class SpineResult:
    """All that was measured.

    Attributes:
        films: The films with their ingest times.
        followed: Tracklet counts of each film, in the order of `films`.
        assigned_count: How many appearances show somebody of the truth.
        face_visible: Figures over tracklets that count and show the face, with expansion.
        everything: Figures over all tracklets that count, with expansion.
        face_only: The same without expansion: what the portrait matches by itself.
        calibration_error: Over all hits, with expansion.
        calibration_error_likely: Over hits scored 0.1 or more.
        answers: The answers with expansion.
    """

    films: tuple[IngestedFilm, ...]
    followed: tuple[Followed, ...]
    assigned_count: int
    face_visible: PortraitFigures
    everything: PortraitFigures
    face_only: PortraitFigures
    calibration_error: float
    calibration_error_likely: float
    answers: tuple[Answer, ...]

    def headline(self) -> dict[str, float]:
        """Return the figures that the protocol is about."""
        truth_count = sum(one.truth_count for one in self.followed)
        return {
            "tracklet_recall": sum(one.covered_count for one in self.followed) / truth_count,
            "identity_switch_rate": sum(one.switch_count for one in self.followed) / truth_count,
            "portrait_map_face_visible": self.face_visible.mean_average_precision,
            "portrait_map_all": self.everything.mean_average_precision,
            "portrait_map_all_face_only": self.face_only.mean_average_precision,
        }

    def verdicts(self) -> dict[str, bool]:
        """Say of each requirement whether it holds."""
        figures = self.headline()
        held = {
            f"{name} {sign} {bound}": figures[name] >= bound if sign == ">=" else figures[name] <= bound
            for name, sign, bound in BOUNDS
        }
        held["portrait_map_all > portrait_map_all_face_only"] = (
            figures["portrait_map_all"] > figures["portrait_map_all_face_only"]
        )
        return held


async def run_spine(
    films: Sequence[Film], client: PersonSearchClient, read: ReadGallery, say: Callable[[str], None]
) -> SpineResult:
    """Measure films through the services; the gallery made for it is deleted at the end.

    `read` lists all appearances of a gallery: no call of the public API does.
    """
    gallery = f"evaluation-{uuid.uuid4().hex[:12]}"
    await client.create_gallery(gallery)
    try:
        return await _measure(films, client, read, gallery, say)
    finally:
        await client.delete_gallery(gallery)


async def _measure(
    films: Sequence[Film], client: PersonSearchClient, read: ReadGallery, gallery: str, say: Callable[[str], None]
) -> SpineResult:
    ingested = await ingest_films(client, films, gallery, say)
    followed, shown = _compare_tracklets(ingested, await read(gallery))
    portraits = [portrait for film in films for portrait in film.portraits]
    say(f"asking with {len(portraits)} portraits, with and without expansion")
    expanded = [await ask(client, portrait, gallery, expand=True) for portrait in portraits]
    direct = [await ask(client, portrait, gallery, expand=False) for portrait in portraits]
    truth = [tracklet for film in films for tracklet in film.tracklets]
    pool_size = sum(one.predicted_count for one in followed)
    return SpineResult(
        films=tuple(ingested),
        followed=tuple(followed),
        assigned_count=len(shown),
        face_visible=portrait_figures(expanded, truth, shown, pool_size, lambda one: one.counts and one.face_visible),
        everything=portrait_figures(expanded, truth, shown, pool_size, lambda one: one.counts),
        face_only=portrait_figures(direct, truth, shown, pool_size, lambda one: one.counts),
        calibration_error=calibration_of(expanded, shown, 0.0),
        calibration_error_likely=calibration_of(expanded, shown, LIKELY),
        answers=tuple(expanded),
    )


def _compare_tracklets(
    ingested: Sequence[IngestedFilm], appearances: Sequence[Appearance]
) -> tuple[list[Followed], dict[str, TruthTracklet]]:
    """Compare what the index holds with the truth, film by film; also say what each appearance shows."""
    followed: list[Followed] = []
    shown: dict[str, TruthTracklet] = {}
    for one in ingested:
        own = [appearance for appearance in appearances if appearance.video_id == one.video_id]
        predicted = predicted_tracklets(own, one.film)
        followed.append(follow(one.film, predicted))
        shown |= assign(predicted, one.film.tracklets)
    return followed, shown
