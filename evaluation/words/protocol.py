"""The protocol: films in one gallery, every typed description of their queries asked through the services.

Right is every tracklet of the truth that counts and shows whom the sentence describes, in those clothes; other
tracklets of the same person are neither right nor wrong. With associations followed, right is the person in any
clothes.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evaluation.asking import TOP_K, IngestedFilm, ingest_film, ranked_hits
from evaluation.matching import assign
from evaluation.naive import BagOfWords
from evaluation.predictions import predicted_tracklets
from evaluation.truth import Film, TruthTracklet
from evaluation.truth_words import Description
from evaluation.words.baseline import colours_of, rank_by_colours
from evaluation.words.figures import Ranking, chance_figures, figures_of, groups_of
from packs.arrays import F32
from packs.words import words_of
from personsearch.client import PersonSearchClient
from personsearch.errors import PersonSearchError
from personsearch.query import text as text_part
from personsearch.v1 import query_pb2

__all__ = ["Asked", "Gallery", "ask_descriptions", "report_of_words", "run_words", "table_of"]

# What may come of a sentence itself.
REFUSALS = ("NO_KNOWN_WORDS", "INVALID_FIELD")


@dataclass(slots=True)
class Gallery:
    """What the product holds of the films.

    Attributes:
        shown: What each appearance shows; those of nobody known are left out.
        appearances: How many tracklets there are, of nobody known too.
        colours: float32[F] by appearance id, for the baseline.
        wanted: Keys of the truth tracklets that count, by who wears what, and by who it is.
    """

    shown: dict[str, TruthTracklet] = field(default_factory=dict)
    appearances: int = 0
    colours: dict[str, F32] = field(default_factory=dict)
    wanted: dict[str, set[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Asked:
    """The product's answers.

    Attributes:
        direct: By the sentence alone.
        expanded: With associations followed.
        refused: How many were refused, by reason.
        unknown: How many had words that the pack does not know.
    """

    direct: list[Ranking] = field(default_factory=list)
    expanded: list[Ranking] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    unknown: int = 0


async def run_words(
    films: Sequence[Film], client: PersonSearchClient, bag: BagOfWords, say: Callable[[str], None]
) -> tuple[Gallery, Asked]:
    """Take films in, ask, and rank by colours; the gallery is deleted at the end."""
    name = f"words-{uuid.uuid4().hex[:12]}"
    await client.create_gallery(name)
    try:
        gallery = Gallery()
        for film in films:
            await _hold(gallery, await ingest_film(client, film, name, say), client, name)
        descriptions = [one for film in films for one in film.descriptions]
        say(f"asking {len(descriptions)} descriptions of {gallery.appearances} appearances")
        return gallery, await ask_descriptions(client, descriptions, name)
    finally:
        await client.delete_gallery(name)


async def ask_descriptions(client: PersonSearchClient, descriptions: Sequence[Description], gallery: str) -> Asked:
    """Ask each description alone, without associations and with them.

    Raises:
        PersonSearchError: For whatever a sentence itself is not to blame for: what is broken is not measured.
    """
    asked = Asked()
    for one in descriptions:
        for rankings, expand in ((asked.direct, False), (asked.expanded, True)):
            try:
                answer = await client.search(
                    [text_part(one.text)], gallery=gallery, top_k=TOP_K, expand=expand, task=query_pb2.TASK_SEEN
                )
            except PersonSearchError as error:
                if error.reason not in REFUSALS:
                    raise
                asked.refused[error.reason] = asked.refused.get(error.reason, 0) + (not expand)
                rankings.append(Ranking(one, ()))
                continue
            rankings.append(Ranking(one, tuple(ranked_hits(answer.hits))))
            if not expand:
                asked.unknown += any(reading.unknown_words for reading in answer.text_readings)
    return asked


def report_of_words(gallery: Gallery, asked: Asked, bag: BagOfWords) -> dict[str, Any]:
    """The figures of each way of asking for each group of descriptions, as plain values."""
    descriptions = [ranking.asked for ranking in asked.direct]
    by_colours = rank_by_colours(bag, gallery.colours, descriptions)
    groups = groups_of(descriptions, frozenset(bag.vocabulary.numbers), words_of)
    ways: dict[str, tuple[Sequence[Ranking], Callable[[Description], str]]] = {
        "text": (asked.direct, _dress),
        "bag_of_words": (by_colours, _dress),
        "text_expanded": (asked.expanded, _person),
    }
    report: dict[str, Any] = {
        "appearances": gallery.appearances,
        "descriptions": len(descriptions),
        "with_unknown_words": asked.unknown,
        "refused": dict(sorted(asked.refused.items())),
        "groups": {},
    }
    for name, some in groups.items():
        kept = frozenset(some)
        found: dict[str, Any] = {}
        for way, (rankings, key) in ways.items():
            figures = figures_of([one for one in rankings if one.asked in kept], gallery.wanted, gallery.shown, key)
            found[way] = None if figures is None else figures.as_json()
        found["chance"] = chance_figures(some, gallery.wanted, gallery.appearances, _dress)
        report["groups"][name] = found
    return report


async def _hold(gallery: Gallery, one: IngestedFilm, client: PersonSearchClient, name: str) -> None:
    tracklets = predicted_tracklets(await client.list_appearances(one.video_id, gallery=name), one.film)
    gallery.appearances += len(tracklets)
    gallery.shown |= assign(tracklets, one.film.tracklets)
    gallery.colours |= colours_of(one.film, tracklets)
    _want(gallery.wanted, one.film)


def _want(wanted: dict[str, set[str]], film: Film) -> None:
    for tracklet in film.tracklets:
        if tracklet.counts:
            for key in filter(None, (tracklet.dress, tracklet.identity)):
                wanted.setdefault(key, set()).add(tracklet.key)


def _dress(description: Description) -> str:
    return description.dress


def _person(description: Description) -> str:
    return description.identity


def table_of(report: Mapping[str, Any]) -> str:
    """The report for people, as a Markdown table."""
    lines = ["| descriptions | by | R@1 | R@10 | mAP | 95 % of mAP | queries |", "|---|---|---|---|---|---|---|"]
    for group, ways in report["groups"].items():
        for way, found in ways.items():
            if found is not None:
                lines.append(_row(group, way, found))
    return "\n".join(lines) + "\n"


def _row(group: str, way: str, found: Mapping[str, Any]) -> str:
    names = f"| {group.replace('_', ' ')} | {way.replace('_', ' ')} "
    if way == "chance":
        return names + f"| {found['rank1']:.3f} | {found['rank10']:.3f} | {found['map']:.3f} | | |"
    low, high = found["map"]["interval"]
    values = " | ".join(f"{found[name]['value']:.3f}" for name in ("rank1", "rank10", "map"))
    return names + f"| {values} | {low:.3f} to {high:.3f} | {found['queries']} |"
