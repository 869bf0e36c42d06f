"""The plan of a film: scenes, shots, and who plays in each; drawn from the seed alone."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from synthetic.dress import dress_scene
from synthetic.film.casting import cast_scenes, cast_shots, draw_fame
from synthetic.film.cutting import cut_scenes, cut_shots, draw_transition
from synthetic.identity import Identity, make_identity
from synthetic.outfit import Outfit
from synthetic.types import generator

FPS: Final = 25
_WARDROBE: Final = 1_000_003
_DARK: Final = 0.12


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
    """A run of frames [start, end) of one kind (see `casting.KINDS`), with cast members by number.

    `shown` are the people whose face is sure to be seen in it. `transition` is how the shot begins: "cut", or
    "dissolve" of `transition_frames` frames with `start` in their middle.
    """

    number: int
    scene: int
    kind: str
    start: int
    end: int
    people: tuple[int, ...]
    shown: tuple[int, ...] = ()
    transition: str = "cut"
    transition_frames: int = 0

    @property
    def shot_id(self) -> str:
        """Id within the film."""
        return f"s{self.number:03d}"


@dataclass(frozen=True, slots=True)
class Scene:
    """Consecutive shots in one room; `outfits` maps a cast number to what they wear here; `dark`: with little light."""

    number: int
    start: int
    end: int
    outfits: dict[int, Outfit]
    dark: bool = False

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
    lengths = cut_shots(rng, spec.frames, FPS)
    sizes = cut_scenes(rng, len(lengths))
    fame = draw_fame(rng, spec.identities)
    people = cast_scenes(rng, cast, sizes, spec.minutes, fame)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    unseen = set(range(spec.identities))
    scenes: list[Scene] = []
    shots: list[Shot] = []
    for number, (size, members) in enumerate(zip(sizes, people, strict=True)):
        first = len(shots)
        for plan in cast_shots(rng, size, members, unseen, fame):
            at = len(shots)
            into = draw_transition(rng, lengths, at, opens_scene=at == first) if len(lengths) > 2 else 0
            shots.append(
                Shot(
                    number=at,
                    scene=number,
                    kind=plan.kind,
                    start=int(starts[at]),
                    end=int(starts[at + 1]),
                    people=plan.people,
                    shown=plan.shown,
                    transition="dissolve" if into else "cut",
                    transition_frames=into,
                )
            )
            unseen -= set(plan.shown)
        scenes.append(_scene(spec, cast, number, members, int(starts[first]), int(starts[len(shots)])))
    return Script(spec, cast, tuple(scenes), tuple(shots))


def _scene(spec: FilmSpec, cast: tuple[Identity, ...], number: int, members: list[int], start: int, end: int) -> Scene:
    rng = generator(spec.cast_seed, spec.seed, 202, number)
    outfits = dress_scene(_WARDROBE + spec.seed, number, [cast[k] for k in sorted(members)])
    return Scene(number, start, end, outfits, dark=bool(rng.random() < _DARK))
