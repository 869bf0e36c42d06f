"""Who plays: the people of each scene and of each of its shots, so that everyone is seen and a few are seen often."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from synthetic.identity import Identity
from synthetic.types import F64

FACE_KINDS: Final = ("talk", "medium")
# Kind of shot: how often, and from how many to how many people.
KINDS: Final = {
    "talk": (0.22, 2, 3),
    "medium": (0.19, 3, 5),
    "wide": (0.17, 4, 7),
    "behind": (0.19, 3, 5),
    "crowd": (0.10, 8, 10),
    "small": (0.13, 4, 7),
}
CROWD_FROM: Final = 8
_LONG_TAIL: Final = 1.1
_BIG_SCENES: Final = 0.35
_KIN: Final = 4.0


@dataclass(frozen=True, slots=True)
class ShotPlan:
    """Kind of a shot and who plays in it; `shown` must show their face."""

    kind: str
    people: tuple[int, ...]
    shown: tuple[int, ...]


def cast_scenes(
    rng: np.random.Generator, cast: tuple[Identity, ...], sizes: list[int], minutes: float, fame: F64
) -> list[list[int]]:
    """Choose the people of each scene: everyone in two scenes (one, when there is but one), then a long tail.

    Raises:
        ValueError: the film has too few shots for its cast.
    """
    limits = [min(len(cast), 3 * size + 1, 11) for size in sizes]
    wanted = [_headcount(rng, limit) for limit in limits]
    rounds = min(2, len(sizes))
    _make_room(rng, wanted, limits, rounds * len(cast), (len(cast), minutes))
    scenes: list[list[int]] = [[] for _ in sizes]
    for _ in range(rounds):
        for person in (int(k) for k in rng.permutation(len(cast))):
            _place(rng, scenes, wanted, limits, person)
    for members, count in zip(scenes, wanted, strict=True):
        while len(members) < count:
            members.append(_pick(rng, cast, members, fame))
    return scenes


def _headcount(rng: np.random.Generator, limit: int) -> int:
    big, few, many = rng.random() < _BIG_SCENES, int(rng.integers(5, 8)), int(rng.integers(9, 12))
    return min(limit, many if big else few)


def _make_room(
    rng: np.random.Generator, wanted: list[int], limits: list[int], places: int, asked: tuple[int, float]
) -> None:
    while sum(wanted) < places:
        room = [k for k, (have, limit) in enumerate(zip(wanted, limits, strict=True)) if have < limit]
        if not room:
            people, minutes = asked
            need = minutes * places / max(sum(limits), 1)
            raise ValueError(
                f"got {people} people for {minutes} minutes, need about {need:.1f} to show each twice: raise --minutes"
            )
        wanted[int(rng.choice(room))] += 1


def _place(
    rng: np.random.Generator, scenes: list[list[int]], wanted: list[int], limits: list[int], person: int
) -> None:
    """Put a person into the emptiest of three scenes that still want people, enlarging one if none does."""
    free = [k for k in range(len(scenes)) if person not in scenes[k] and len(scenes[k]) < wanted[k]]
    if not free:
        free = [k for k in range(len(scenes)) if person not in scenes[k] and len(scenes[k]) < limits[k]]
    if not free:
        free = [k for k in range(len(scenes)) if person not in scenes[k]]
    tried = [int(k) for k in rng.choice(free, min(3, len(free)), replace=False)]
    best = min(tried, key=lambda k: len(scenes[k]) / wanted[k])
    scenes[best].append(person)
    wanted[best] = max(wanted[best], len(scenes[best]))


def _pick(rng: np.random.Generator, cast: tuple[Identity, ...], members: list[int], fame: F64) -> int:
    """Draw one more member; relatives of those who are there come four times as easily, so that look-alikes meet."""
    free = [k for k in range(len(cast)) if k not in members]
    p = np.array([fame[k] * (_KIN if _has_kin(cast, k, members) else 1.0) for k in free])
    return int(rng.choice(free, p=p / p.sum()))


def _has_kin(cast: tuple[Identity, ...], person: int, members: list[int]) -> bool:
    return any(cast[k].relative == person or cast[person].relative == k for k in members)


def draw_fame(rng: np.random.Generator, count: int) -> F64:
    """Draw how often each of `count` people is wanted, float64[count]: a long tail, in random order."""
    return np.asarray(1 / (1 + rng.permutation(count)) ** _LONG_TAIL, dtype=np.float64)


def cast_shots(rng: np.random.Generator, size: int, members: list[int], unseen: set[int], fame: F64) -> list[ShotPlan]:
    """Choose kinds and players of a scene's `size` shots; whoever is in `unseen` shows the face in one of them."""
    kinds = _kinds(rng, size, len(members), [k for k in members if k in unseen])
    played: list[list[int]] = [[] for _ in kinds]
    shown: list[list[int]] = [[] for _ in kinds]
    facing = [k for k, kind in enumerate(kinds) if kind in FACE_KINDS]
    for person in (int(k) for k in rng.permutation([k for k in members if k in unseen])):
        at = min(facing, key=lambda k: (len(played[k]) / KINDS[kinds[k]][2], k))
        played[at].append(person)
        shown[at].append(person)
    weights = fame[members]
    for _ in range(2):
        for person in (int(k) for k in rng.permutation(members)):
            if sum(person in who for who in played) < min(2, size):
                _add(played, kinds, person)
    for kind, who in zip(kinds, played, strict=True):
        _, low, high = KINDS[kind]
        count = min(int(rng.integers(low, high + 1)), len(members))
        rest = [k for k, person in enumerate(members) if person not in who]
        extra = min(count - len(who), len(rest))
        if extra > 0:
            p = weights[rest] / weights[rest].sum()
            who += [members[int(k)] for k in rng.choice(rest, extra, replace=False, p=p)]
    return [
        ShotPlan(kinds[k], tuple(played[k]), tuple(shown[k])) for k in (int(j) for j in rng.permutation(len(kinds)))
    ]


def _kinds(rng: np.random.Generator, size: int, members: int, unseen: list[int]) -> list[str]:
    """Draw the kinds of a scene, with enough shots that show faces for those not seen before."""
    facing = min(size, -(-len(unseen) // 3))
    allowed = [k for k in KINDS if k != "crowd" or members >= CROWD_FROM]
    p = np.array([KINDS[k][0] for k in allowed])
    # Where a crowd can gather it does so more often, since few scenes are big enough.
    p[[k == "crowd" for k in allowed]] *= 2.5
    kinds = [str(k) for k in rng.choice(allowed, size, p=p / p.sum())]
    for k in range(size):
        if sum(kind in FACE_KINDS for kind in kinds) >= facing:
            break
        if kinds[k] not in FACE_KINDS:
            kinds[k] = str(rng.choice(FACE_KINDS))
    return kinds


def _add(played: list[list[int]], kinds: list[str], person: int) -> None:
    """Put a person into the shot that is emptiest for its kind; a full one takes them only when all are full."""
    free = [k for k in range(len(played)) if person not in played[k]]
    if free:
        played[min(free, key=lambda k: (len(played[k]) / KINDS[kinds[k]][2], k))].append(person)
