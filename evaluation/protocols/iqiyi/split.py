"""A split of one cast by clip, in the proportions of iQIYI-VID, with everybody else as distractors.

Everywhere else identities never cross a split. This protocol alone names clips of people that were seen in training,
as its paper does: of each known person's clips 40 % are for training, 30 % for validation, which nothing here uses,
and 30 % for the test (methods.md 5.2). Known are the people of the cast with the most clips; distractors are the
clips of all other casts and of nobody. Where there is one cast alone, a quarter of its people are held out as
distractors. Who goes where a digest of the ids decides, so it is the same on every machine and in every order.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from evaluation.datasets.iqiyi import ClipIdentification
from evaluation.datasets.tracklets import CastSearch, Flags, Tracklets

__all__ = ["split_cast", "thirds_of"]

TRAIN, VALIDATION = 0.4, 0.3
# Fewer clips than these cannot be split so that both sides have some.
LEAST_CLIPS = 4
HELD_OUT = 0.25
# Of an ensemble.
PARTITIONS = 3


def split_cast(search: CastSearch) -> ClipIdentification:
    """Split the tracklets on screen.

    Raises:
        ValueError: If no cast has two people with enough clips.
    """
    clips = search.tracklets.take(search.tracklets.on_screen)
    cast, known = _known(clips)
    train = np.zeros(len(clips), dtype=bool)
    test = np.array([name not in known for name in clips.identities], dtype=bool)
    for person in sorted(known):
        rows = sorted(_rows(clips, person), key=lambda row: _digest(clips.ids[row]))
        first = max(1, round(TRAIN * len(rows)))
        last = min(len(rows) - 1, first + round(VALIDATION * len(rows)))
        train[rows[:first]] = True
        test[rows[last:]] = True
    strangers = [name if name in known else None for name in clips.identities]
    named = replace(clips, identities=tuple(strangers))
    return ClipIdentification(f"{search.name}, {cast} by clip", named.take(train), named.take(test))


def thirds_of(train: Tracklets, people: Sequence[str]) -> list[Flags]:
    """What each of three of a kind learns from: bool[N] each, two thirds of everybody's clips.

    Whoever has a single clip is in it always.
    """
    place = np.zeros(len(train), dtype=np.intp)
    for person in people:
        rows = [row for row, name in enumerate(train.identities) if name == person]
        place[rows] = np.arange(len(rows)) % PARTITIONS
    single = np.array([train.identities.count(name) == 1 for name in train.identities], dtype=bool)
    return [(place != part) | single for part in range(PARTITIONS)]


def _known(clips: Tracklets) -> tuple[str, set[str]]:
    counts = Counter(name for name in clips.identities if name is not None)
    people = {name for name, count in counts.items() if count >= LEAST_CLIPS}
    sizes = Counter(_cast(name) for name in clips.identities if name in people)
    if not sizes:
        raise ValueError(f"nobody has {LEAST_CLIPS} clips: nothing can be split")
    cast = min(sizes, key=lambda name: (-sizes[name], name))
    members = sorted((name for name in people if _cast(name) == cast), key=_digest)
    if len(sizes) == 1:
        members = members[round(HELD_OUT * len(members)) :]
    if len(members) < 2:
        raise ValueError(f"{cast} has {len(members)} people with {LEAST_CLIPS} clips, expected two or more")
    return cast, set(members)


def _cast(identity: str | None) -> str:
    return (identity or "").partition("/")[0]


def _rows(clips: Tracklets, person: str) -> list[int]:
    return [row for row, name in enumerate(clips.identities) if name == person]


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
