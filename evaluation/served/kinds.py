"""What the product answers to each kind of query: mAP, open set and calibration, of its own scores.

Kinds: a portrait (`SEEN`), a voice clip (`HEARD`), a hit that was found already (`SEEN`, with all that is known of it),
and a typed description (`SEEN`, alone: of a person in those clothes; the same person in others is not described).
Non-mated searches ask in a gallery without their people, from which everything is linked anew; what a hit shows of
somebody else in a part of it is no wrong find.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluation.datasets.tracklets import CastSearch, Flags, Tracklets
from evaluation.protocols.csm.besides import (
    Asked,
    KindFigures,
    as_heard,
    heard_pool,
    kind_figures,
    strange_to,
    without_people,
)
from evaluation.served.product import ServedGallery
from packs.arrays import F64
from packs.manifest import Pack
from packs.spec import Modality
from services.search.query import Task
from services.search.retrieved import QueryVector

__all__ = [
    "FOLDS",
    "Kind",
    "as_dressed",
    "asked_of",
    "asked_scores",
    "hits_of",
    "kinds_of",
    "served_kinds",
    "strangers_of",
]

FOLDS = 5
# Hits that are asked with, of each person: as a user goes on from what was found.
HITS_OF_EACH = 2


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One kind of query.

    Attributes:
        name: For tables.
        task: What is asked.
        queries: Q of them, each with its vectors.
        tracklets: N, each as whom it answers the task with.
        pool: bool[N], what can answer the task.
        wanted: What each query asks for, in the words of the tracklets' identities; whom it shows when left out.
        named: Whether a query is one of the tracklets, by its id.
    """

    name: str
    task: Task
    queries: Tracklets
    tracklets: Tracklets
    pool: Flags
    wanted: tuple[str | None, ...] = ()
    named: bool = False

    def figures(self, asked: Asked) -> KindFigures:
        """What was found."""
        queries = replace(self.queries, identities=self.wanted) if self.wanted else self.queries
        return kind_figures(queries, self.tracklets, asked, self.pool, self.pool)


def kinds_of(search: CastSearch) -> list[Kind]:
    """The kinds that some data has queries of."""
    tracklets = search.tracklets
    kinds = [Kind("portrait", Task.SEEN, search.portraits, tracklets, tracklets.on_screen)]
    if search.voices is not None:
        kinds.append(Kind("voice", Task.HEARD, search.voices, as_heard(tracklets), heard_pool(tracklets)))
    hits = hits_of(tracklets)
    if len(hits):
        kinds.append(Kind("hit", Task.SEEN, hits, tracklets, tracklets.on_screen, named=True))
    if search.texts is not None and Modality.TEXT in tracklets.rows:
        texts = search.texts
        pool = tracklets.on_screen & tracklets.present(Modality.TEXT)
        kinds.append(Kind("text", Task.SEEN, texts, as_dressed(tracklets), pool, wanted=texts.outfits))
    return kinds


def as_dressed(tracklets: Tracklets) -> Tracklets:
    """The same, each as who wears what, as descriptions have it."""
    names = zip(tracklets.identities, tracklets.outfits, strict=True)
    worn = tuple(f"{name}/{outfit.rpartition('/')[2]}" if name and outfit else None for name, outfit in names)
    return replace(tracklets, identities=worn)


def hits_of(tracklets: Tracklets, of_each: int = HITS_OF_EACH) -> Tracklets:
    """Tracklets of each person that are asked with: spread over those on screen, in order of film and time."""
    rows: dict[str, list[int]] = {}
    for row, (name, seen) in enumerate(zip(tracklets.identities, tracklets.on_screen, strict=True)):
        if name is not None and seen and any(tracklets.present(modality)[row] for modality in tracklets.rows):
            rows.setdefault(name, []).append(row)
    chosen = [of[len(of) * place // of_each] for of in rows.values() for place in range(min(of_each, len(of)))]
    return tracklets.take(np.array(sorted(chosen), dtype=np.intp))


async def served_kinds(
    search: CastSearch,
    pack: Pack,
    say: Callable[[str], None],
    kinds: Sequence[Kind] | None = None,
    whole: ServedGallery | None = None,
) -> dict[str, KindFigures]:
    """Measure every kind.

    Args:
        search: People and tracklets, read back.
        pack: Whose embeddings they are.
        say: Receives lines of progress.
        kinds: Which; all that there are when left out.
        whole: The gallery with everybody, where it is there already.
    """
    several = list(kinds if kinds is not None else kinds_of(search))
    asked = await asked_of(search.tracklets, pack, several, say, whole)
    return {kind.name: kind.figures(asked[kind.name]) for kind in several}


async def asked_of(
    tracklets: Tracklets,
    pack: Pack,
    kinds: Sequence[Kind],
    say: Callable[[str], None],
    whole: ServedGallery | None = None,
) -> Mapping[str, Asked]:
    """Ask all queries, in the whole gallery and in galleries without their people."""
    whole = whole or await ServedGallery.of(tracklets, pack)
    scores: dict[str, F64] = {}
    for kind in kinds:
        scores[kind.name] = await asked_scores(whole, kind)
        say(f"{kind.name}: {len(kind.queries)} asked")
    strangers = {kind.name: np.zeros(len(kind.queries)) for kind in kinds}
    people = sorted({name for kind in kinds for name in kind.queries.identities if name is not None})
    for fold in range(min(FOLDS, len(people))):
        gone = frozenset(people[fold::FOLDS])
        for turn in range(HITS_OF_EACH):
            await _ask_strangers(tracklets, pack, kinds, gone, turn, strangers)
        say(f"without people: {fold + 1} of {FOLDS}")
    return {kind.name: Asked(scores[kind.name], strangers[kind.name]) for kind in kinds}


async def asked_scores(gallery: ServedGallery, kind: Kind) -> F64:
    """Scores of all queries of a kind, float64[Q, N]."""
    return np.stack([await _ask(gallery, kind, row) for row in range(len(kind.queries))])


async def _ask_strangers(
    tracklets: Tracklets,
    pack: Pack,
    kinds: Sequence[Kind],
    gone: frozenset[str],
    turn: int,
    strangers: Mapping[str, F64],
) -> None:
    """Ask for people who are not in the gallery, but for the hits that are asked with in this turn."""
    rows = {kind.name: _rows_of(kind, gone, turn) for kind in kinds}
    named = {kind.queries.ids[row] for kind in kinds if kind.named for row in rows[kind.name]}
    stays = np.array([one in named for one in tracklets.ids], dtype=bool)
    kept = np.flatnonzero(without_people(tracklets, gone) | stays)
    gallery = await ServedGallery.of(tracklets.take(kept), pack)
    for kind in kinds:
        for row in rows[kind.name]:
            far = (kind.pool & ~stays & strangers_of(kind, row))[kept]
            strangers[kind.name][row] = (await _ask(gallery, kind, row))[far].max(initial=0.0)


def strangers_of(kind: Kind, row: int) -> Flags:
    """Whose finding is wrong when the person of a query is absent, bool[N].

    A hit that shows or lets hear somebody else in a part of it asks for them too: they are neither right nor wrong.
    """
    strange = strange_to(kind.tracklets, kind.queries.identities[row])
    if not kind.named:
        return strange
    also = {*kind.queries.partly[row], kind.queries.heard[row]} - {None}
    return strange & np.array([name not in also for name in kind.tracklets.identities], dtype=np.bool_)


def _rows_of(kind: Kind, gone: frozenset[str], turn: int) -> list[int]:
    """Queries of some people; a person's hits have a turn each, all other queries the first."""
    rows = [row for row, name in enumerate(kind.queries.identities) if name in gone]
    if not kind.named:
        return rows if turn == 0 else []
    seen: Counter[str | None] = Counter()
    chosen = []
    for row in rows:
        name = kind.queries.identities[row]
        if seen[name] == turn:
            chosen.append(row)
        seen[name] += 1
    return chosen


async def _ask(gallery: ServedGallery, kind: Kind, row: int) -> F64:
    queries = kind.queries
    if kind.named:
        return await gallery.ask_like(queries.ids[row], kind.task)
    vectors = [
        QueryVector(0, modality, 1.0, rows.vectors[row], quality=float(rows.quality[row]))
        for modality, rows in queries.rows.items()
        if rows.present[row]
    ]
    return await gallery.ask(vectors, kind.task)
