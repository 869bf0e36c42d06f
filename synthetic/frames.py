"""Training data: frames in scenes, with boxes and crops, written in shards that a killed run can resume."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from synthetic.balance import apply_gains, camera_gains
from synthetic.blur import motion_blur
from synthetic.dress import uniformed
from synthetic.identity import Identity, make_identity
from synthetic.lens import Lens, compress
from synthetic.outfit import Outfit, make_outfit, make_uniform
from synthetic.renderer import Renderer
from synthetic.shards import Sighting, body_crop, square_crop, write_index, write_shard
from synthetic.staging import DARK_SHARE, Set, make_set, stage_frame
from synthetic.truth import observe
from synthetic.types import U8, generator
from synthetic.workers import share

SCENE_FRAMES: Final = 5
"""Frames of one scene, which share room, light, people and clothes."""

SHARD_FRAMES: Final = 250
OUTFITS: Final = 4
"""Outfits of each person, numbers 0..3; they return in other scenes."""

UNIFORM_FROM: Final = 100
"""A uniform has this number and more in the column `outfit`."""

_UNIFORMS: Final = 60
_CROWD_SHARE: Final = 0.16
_USUAL_MOST: Final = 6
_CAST_MOST: Final = 10
_MIN_VISIBILITY: Final = 0.05


@dataclass(frozen=True, slots=True)
class FramesJob:
    """What to write: `frames` frames of `people_min`..`people_max` of the `identities` people of cast `seed`."""

    seed: int
    identities: int
    frames: int
    people_min: int
    people_max: int
    out: Path

    def shards(self) -> int:
        """Return the number of shards."""
        return -(-self.frames // SHARD_FRAMES)

    def scenes(self) -> int:
        """Return the number of scenes, the last of which may be cut short."""
        return -(-self.frames // SCENE_FRAMES)


@dataclass(frozen=True, slots=True)
class ScenePlan:
    """One scene: who is in it, and who of them is in each of its frames."""

    number: int
    people: tuple[int, ...]
    hands: tuple[tuple[int, ...], ...]
    crowd: bool


def plan_scenes(job: FramesJob) -> list[ScenePlan]:
    """Deal the identities to scenes like shuffled decks of cards, so that everyone appears about equally often."""
    rng = generator(job.seed, 101)
    deck: list[int] = []
    plans = []
    for number in range(job.scenes()):
        crowd = job.people_max > _USUAL_MOST and bool(rng.random() < _CROWD_SHARE)
        most = job.people_max if crowd else min(job.people_max, _USUAL_MOST)
        # More people than fit one frame, so that a frame does not tell who is in the scene.
        low = max(job.people_min, most)
        count = min(int(rng.integers(low, min(most + 4, _CAST_MOST) + 1)) if low <= _CAST_MOST else low, job.identities)
        if len(deck) < count:
            deck += [int(k) for k in rng.permutation(job.identities)]
        people = _deal(deck, count)
        plans.append(ScenePlan(number, tuple(people), _hands(rng, people, job, most, crowd=crowd), crowd))
    return plans


def _deal(deck: list[int], count: int) -> list[int]:
    hand: list[int] = []
    for card in list(deck):
        if len(hand) == count:
            break
        if card not in hand:
            hand.append(card)
            deck.remove(card)
    return hand


def _hands(
    rng: np.random.Generator, people: list[int], job: FramesJob, most: int, *, crowd: bool
) -> tuple[tuple[int, ...], ...]:
    """Choose who is in each frame; those seen least so far come first, so that all are seen about equally often."""
    seen = dict.fromkeys(people, 0)
    hands = []
    least = max(job.people_min, most - 2) if crowd else job.people_min
    for _ in range(SCENE_FRAMES):
        size = min(int(rng.integers(least, most + 1)), len(people))
        order = sorted(people, key=lambda k: (seen[k] + 0.9 * rng.random(), k))
        hand = tuple(int(k) for k in rng.permutation(order[:size]))
        for k in hand:
            seen[k] += 1
        hands.append(hand)
    return tuple(hands)


def write_frames(job: FramesJob, workers: int) -> Iterator[int]:
    """Write the missing shards with `workers` processes; yields the number of each shard as it is done."""
    (job.out / "frames").mkdir(parents=True, exist_ok=True)
    missing = [k for k in range(job.shards()) if not shard_path(job, k).exists()]
    yield from sorted(set(range(job.shards())) - set(missing))
    yield from share(_ShardWork(job), missing, workers)
    names = [shard_path(job, k).name for k in range(job.shards()) if shard_path(job, k).exists()]
    write_index(job.out, job.seed, job.identities, job.frames, names)


def shard_path(job: FramesJob, shard: int) -> Path:
    """Return the file of a shard."""
    return job.out / f"shard_{shard:04d}.npz"


@dataclass(frozen=True, slots=True)
class _ShardWork:
    job: FramesJob

    def __call__(self, shards: list[int]) -> Iterator[int]:
        if not shards:
            return
        cv2.setNumThreads(1)
        plans = plan_scenes(self.job)
        with Renderer(keep=1600) as renderer:
            for shard in shards:
                yield _write_shard(renderer, self.job, plans, shard)


def _write_shard(renderer: Renderer, job: FramesJob, plans: list[ScenePlan], shard: int) -> int:
    """Draw and write one shard; the arrays appear last and whole."""
    lens = Lens(generator(job.seed, 102))
    rows: list[Sighting] = []
    end = min((shard + 1) * SHARD_FRAMES, job.frames)
    for first in range(shard * SHARD_FRAMES, end, SCENE_FRAMES):
        scene = Scene(renderer, lens, job.seed, plans[first // SCENE_FRAMES])
        for number in range(first, min(first + SCENE_FRAMES, end)):
            picture, sightings = scene.draw(number)
            _write_picture(job.out / "frames" / f"{number:06d}.jpg", picture)
            rows += sightings
    write_shard(shard_path(job, shard), rows)
    return shard


def _write_picture(path: Path, picture: U8) -> None:
    small = cv2.resize(picture, (640, 360), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(path), cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])


class Scene:
    """One scene, ready to be drawn frame by frame."""

    def __init__(self, renderer: Renderer, lens: Lens, seed: int, plan: ScenePlan) -> None:
        """Build the room and dress the people of a plan."""
        self._renderer, self._lens, self._seed, self._plan = renderer, lens, seed, plan
        rng = generator(seed, 104, plan.number)
        self._set: Set = make_set(rng, dark=bool(rng.random() < DARK_SHARE))
        people = [make_identity(seed, k) for k in plan.people]
        shared = uniformed(seed, 0, plan.number, people)
        self._dressed = {p.index: _dress(rng, p, plan.number, uniform=p.index in shared) for p in people}

    def draw(self, number: int) -> tuple[U8, list[Sighting]]:
        """Draw frame `number` of the job: the degraded picture uint8[720, 1280, 3] and its rows."""
        rng = generator(self._seed, 103, number)
        hand = self._plan.hands[number % SCENE_FRAMES]
        actors = [self._dressed[k][:2] for k in hand]
        stage = stage_frame(rng, self._set, actors, room_for_all=self._plan.crowd)
        drawn = self._renderer.draw(stage.camera, stage.room, stage.light, stage.actors, vignette=stage.vignette)
        picture = degrade(drawn.image, self._lens, rng)
        rows = []
        for seen, who in zip(observe(stage.camera, drawn), hand, strict=True):
            if seen.person is None or seen.visibility < _MIN_VISIBILITY:
                continue
            crops = square_crop(picture, seen.face), body_crop(picture, seen.person), square_crop(picture, seen.head)
            rows.append(Sighting(number, self._plan.number, who, self._dressed[who][2], seen, *crops))
        return picture, rows


def _dress(rng: np.random.Generator, person: Identity, scene: int, *, uniform: bool) -> tuple[Identity, Outfit, int]:
    """Return a person, what they wear and its number."""
    own = int(rng.integers(0, OUTFITS))
    if not uniform:
        return person, make_outfit(person, 0, own), own
    number = scene % _UNIFORMS
    return person, make_uniform(person, 0, number), UNIFORM_FROM + number


def degrade(picture: U8, lens: Lens, rng: np.random.Generator) -> U8:
    """Do to uint8[H, W, 3] what cameras and codecs do: balance, blur, smear, grain, compression, each frame its own."""
    picture = apply_gains(picture, camera_gains(rng))
    if rng.random() < 0.14:
        picture = motion_blur(picture, float(rng.uniform(0, np.pi)), float(rng.uniform(3.0, 11.0)))
    blur = float(rng.uniform(0.45, 0.8) if rng.random() < 0.75 else rng.uniform(0.8, 2.2))
    exposed = lens.expose(picture, rng, blur_px=blur, noise=float(rng.uniform(0, 0.9)))
    return compress(exposed, int(rng.integers(35, 93)))
