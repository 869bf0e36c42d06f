"""The plan of a film: scenes, shots, and who plays in each; drawn from the seed alone."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from synthetic.identity import Identity, make_identity
from synthetic.outfit import Outfit, make_outfit
from synthetic.types import generator

FPS: Final = 25
FACE_KINDS: Final = ("talk", "medium")
KINDS: Final = (("talk", 0.20), ("medium", 0.14), ("wide", 0.31), ("behind", 0.35))
CAPACITY: Final = {"talk": 3, "medium": 4, "wide": 5, "behind": 3}
MAX_CAPACITY: Final = 6
_LONG_TAIL: Final = 0.9
_WARDROBE: Final = 1_000_003


@dataclass(frozen=True, slots=True)
class FilmSpec:
    """What to film: `identities` people of cast `cast_seed`, `minutes` long, everything else drawn from `seed`."""

    seed: int
    cast_seed: int
    identities: int
    minutes: float

    @property
    def frames(self) -> int:
        """Length in frames."""
        return round(self.minutes * 60 * FPS)


@dataclass(frozen=True, slots=True)
class Shot:
    """A run of frames [start, end) of one kind, with cast members by number."""

    number: int
    scene: int
    kind: str
    start: int
    end: int
    people: tuple[int, ...]

    @property
    def shot_id(self) -> str:
        """Id within the film."""
        return f"s{self.number:03d}"


@dataclass(frozen=True, slots=True)
class Scene:
    """Consecutive shots in one room; `outfits` maps a cast number to what they wear here."""

    number: int
    start: int
    end: int
    outfits: dict[int, Outfit]

    @property
    def scene_id(self) -> str:
        """Id within the film."""
        return f"scene{self.number:02d}"


@dataclass(frozen=True, slots=True)
class Script:
    """The whole plan."""

    spec: FilmSpec
    cast: tuple[Identity, ...]
    scenes: tuple[Scene, ...]
    shots: tuple[Shot, ...]


def write_script(spec: FilmSpec) -> Script:
    """Plan a film.

    Raises:
        ValueError: the film is too short to show everyone twice.
    """
    rng = generator(spec.cast_seed, spec.seed, 201)
    cast = tuple(make_identity(spec.cast_seed, k) for k in range(spec.identities))
    lengths = _lengths(rng, spec.frames)
    groups = _groups(rng, len(lengths))
    members = _members(rng, spec, groups)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    scenes, shots = [], []
    first = 0
    weights = _weights(rng, spec.identities)
    for number, (size, people) in enumerate(zip(groups, members, strict=True)):
        for k, (kind, played) in enumerate(_casting(rng, size, people, weights)):
            at = first + k
            shots.append(Shot(at, number, kind, int(starts[at]), int(starts[at + 1]), tuple(played)))
        scenes.append(
            Scene(number, int(starts[first]), int(starts[first + size]), _clothes(cast, people, spec.seed, number))
        )
        first += size
    return Script(spec, cast, tuple(scenes), tuple(shots))


def _lengths(rng: np.random.Generator, frames: int) -> list[int]:
    """Cut the film into shots of 4 to 9 s (at least two, however short the film)."""
    if frames < 2 * FPS:
        raise ValueError(
            f"got a film of {frames} frames, need at least {2 * FPS} (two shots of a second): raise --minutes"
        )
    if frames < 8 * FPS:
        return [frames // 2, frames - frames // 2]
    lengths: list[int] = []
    left = frames
    while left > 9 * FPS:
        length = int(rng.integers(4 * FPS, 9 * FPS + 1))
        if left - length < 4 * FPS:
            length = left // 2
        lengths.append(length)
        left -= length
    return [*lengths, left] if lengths else [left // 2, left - left // 2]


def _groups(rng: np.random.Generator, shots: int) -> list[int]:
    """Split the shots into scenes of 3 to 6."""
    if shots < 4:
        return [shots]
    groups: list[int] = []
    left = shots
    while left > 6:
        size = int(rng.integers(3, 7))
        if left - size < 2:
            size = left - 3
        groups.append(size)
        left -= size
    return [*groups, left] if groups else [left // 2, left - left // 2]


def _members(rng: np.random.Generator, spec: FilmSpec, groups: list[int]) -> list[list[int]]:
    """Choose the people of each scene: everyone once, then the long tail."""
    limit = [min(spec.identities, 2 * size + 1, 8) for size in groups]
    wanted = [min(int(rng.integers(3, 7)), most) for most in limit]
    while sum(wanted) < spec.identities:
        room = [k for k in range(len(groups)) if wanted[k] < limit[k]]
        if not room:
            need = spec.identities / max(sum(limit), 1) * spec.minutes
            raise ValueError(
                f"got {spec.identities} people for {spec.minutes} minutes, need about {need:.1f} to show each twice: "
                "raise --minutes"
            )
        wanted[int(rng.choice(room))] += 1
    people: list[list[int]] = [[] for _ in groups]
    order = [int(k) for k in rng.permutation(spec.identities)]
    places = [k for k, count in enumerate(wanted) for _ in range(count)]
    for person, place in zip(order, rng.permutation(places), strict=False):
        people[place].append(person)
    weights = _weights(rng, spec.identities)
    for scene, count in zip(people, wanted, strict=True):
        free = [k for k in range(spec.identities) if k not in scene]
        extra = min(count - len(scene), len(free))
        if extra > 0:
            p = weights[free] / weights[free].sum()
            scene += [int(k) for k in rng.choice(free, extra, replace=False, p=p)]
    return people


def _weights(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.asarray(1 / (1 + rng.permutation(count)) ** _LONG_TAIL)


def _casting(
    rng: np.random.Generator, shots: int, people: list[int], weights: np.ndarray
) -> list[tuple[str, list[int]]]:
    """Choose the kinds of a scene's shots and who plays in each: everyone in two shots, once with the face shown."""
    facing = min(shots, max(1, -(-len(people) // 3)))
    kinds = [str(rng.choice(FACE_KINDS)) for _ in range(facing)]
    kinds += [str(rng.choice([k for k, _ in KINDS], p=[w for _, w in KINDS])) for _ in range(shots - facing)]
    played: list[list[int]] = [[] for _ in kinds]
    for k, person in enumerate(rng.permutation(people)):
        played[k % facing].append(int(person))
    for person in rng.permutation(people):
        free = [k for k in range(shots) if person not in played[k] and len(played[k]) < MAX_CAPACITY]
        if free:
            least = min(free, key=lambda k: (len(played[k]) / CAPACITY[kinds[k]], k))
            played[least].append(int(person))
    for kind, who in zip(kinds, played, strict=True):
        count = int(rng.integers(2, CAPACITY[kind] + 1))
        rest = [k for k in people if k not in who]
        extra = min(count - len(who), len(rest))
        if extra > 0:
            p = weights[rest] / weights[rest].sum()
            who += [int(k) for k in rng.choice(rest, extra, replace=False, p=p)]
    order = rng.permutation(shots)
    return [(kinds[k], played[k]) for k in order]


def _clothes(cast: tuple[Identity, ...], people: list[int], seed: int, scene: int) -> dict[int, Outfit]:
    """Dress the people of a scene so that no two tops look alike."""
    chosen: dict[int, Outfit] = {}
    for person in sorted(people):
        for attempt in range(12):
            outfit = make_outfit(cast[person], _WARDROBE + seed, scene + 1000 * attempt)
            if all(_differ(outfit, other) for other in chosen.values()):
                break
        chosen[person] = outfit
    return chosen


def _differ(a: Outfit, b: Outfit) -> bool:
    return sum(abs(x - y) for x, y in zip(a.top.color, b.top.color, strict=True)) > 0.45
