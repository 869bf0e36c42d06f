"""Voices to train on: clips as they are heard in films, in shards that a killed run can resume."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from synthetic.identity import Identity, make_identity
from synthetic.sound.clips import RATE, Clip, speech_clip, wordless_clip
from synthetic.sound.codec import aac_loss
from synthetic.sound.scene import stranger_lines
from synthetic.sound.voice import Line, Spoken, draw_mood, speak
from synthetic.sound.words import make_text
from synthetic.types import F32, WORLD_VERSION, AnyArray, generator
from synthetic.workers import share

SCHEMA: Final = "synthcast-voices/1"
SHARD_CLIPS: Final = 500
NOBODY: Final = -1
_WORDLESS_EVERY: Final = 6
_TWO_LINES: Final = 0.25
_BIT_RATES: Final = (24_000, 32_000, 48_000)
_STRANGERS: Final = 12


@dataclass(frozen=True, slots=True)
class VoicesJob:
    """What to write: `clips` clips in all, a sixth of them wordless, of the `identities` people of cast `seed`."""

    seed: int
    identities: int
    clips: int
    out: Path

    def shards(self) -> int:
        """Return the number of shards."""
        return -(-self.clips // SHARD_CLIPS)


def plan_voices(job: VoicesJob) -> list[int]:
    """Say who speaks in each clip (-1: nobody); everyone speaks about equally often."""
    rng = generator(job.seed, 431)
    deck: list[int] = []
    plan = []
    for number in range(job.clips):
        if number % _WORDLESS_EVERY == _WORDLESS_EVERY - 1:
            plan.append(NOBODY)
            continue
        if not deck:
            deck = [int(k) for k in rng.permutation(job.identities)]
        plan.append(deck.pop())
    return plan


def write_voices(job: VoicesJob, workers: int) -> Iterator[int]:
    """Write the missing shards with `workers` processes; yields the number of each shard as it is done."""
    job.out.mkdir(parents=True, exist_ok=True)
    missing = [k for k in range(job.shards()) if not shard_path(job, k).exists()]
    yield from sorted(set(range(job.shards())) - set(missing))
    yield from share(_ShardWork(job), missing, workers)
    _write_index(job)


@dataclass(frozen=True, slots=True)
class _ShardWork:
    job: VoicesJob

    def __call__(self, shards: list[int]) -> Iterator[int]:
        plan = plan_voices(self.job)
        for shard in shards:
            yield write_shard(self.job, plan, shard)


def shard_path(job: VoicesJob, shard: int) -> Path:
    """Return the file of a shard."""
    return job.out / f"voices_{shard:04d}.npz"


def write_shard(job: VoicesJob, plan: list[int], shard: int) -> int:
    """Speak, hear and write one shard; the arrays appear last and whole."""
    numbers = range(shard * SHARD_CLIPS, min((shard + 1) * SHARD_CLIPS, job.clips))
    spoken = _speak_all(job, plan, numbers)
    first = (job.seed * 7919 + shard) % 100_000 * _STRANGERS
    strangers = [line.sound for line in speak(stranger_lines(_STRANGERS, first), RATE)]
    clips = []
    for number in numbers:
        rng = generator(job.seed, 433, number)
        lines = spoken.get(number)
        clips.append(speech_clip(rng, lines, strangers) if lines else wordless_clip(rng, strangers))
    bit_rate = int(generator(job.seed, 434, shard).choice(_BIT_RATES))
    coded = aac_loss(np.concatenate([clip.sound for clip in clips]), RATE, bit_rate)
    part = shard_path(job, shard).with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, allow_pickle=False, **_columns(clips, coded, [plan[number] for number in numbers]))
    part.replace(shard_path(job, shard))
    return shard


def _speak_all(job: VoicesJob, plan: list[int], numbers: range) -> dict[int, list[Spoken]]:
    people: dict[int, Identity] = {}
    owners: list[int] = []
    lines: list[Line] = []
    for number in numbers:
        who = plan[number]
        if who == NOBODY:
            continue
        person = people.setdefault(who, make_identity(job.seed, who))
        rng = generator(job.seed, 432, number)
        for _ in range(2 if rng.random() < _TWO_LINES else 1):
            owners.append(number)
            lines.append(Line(person, make_text(rng), draw_mood(rng)))
    out: dict[int, list[Spoken]] = {}
    for number, line in zip(owners, speak(lines, RATE), strict=True):
        out.setdefault(number, []).append(line)
    return out


def _columns(clips: list[Clip], coded: F32, identities: list[int]) -> dict[str, AnyArray]:
    return {
        "clips": np.clip(np.rint(coded * 32767), -32768, 32767).astype(np.int16),
        "offsets": _offsets([len(clip.sound) for clip in clips]),
        "identity": np.array(identities, np.int32),
        "snr_db": np.array([clip.snr_db for clip in clips], np.float32),
        "speech": np.concatenate([clip.speech for clip in clips]),
        "speech_offsets": _offsets([len(clip.speech) for clip in clips]),
        "clip_kind": np.array([clip.kind for clip in clips], np.uint8),
    }


def _offsets(lengths: list[int]) -> AnyArray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _write_index(job: VoicesJob) -> None:
    people = [make_identity(job.seed, k) for k in range(job.identities)]
    index = {
        "schema": SCHEMA,
        "world_version": WORLD_VERSION,
        "seed": job.seed,
        "clips": job.clips,
        "rate_hz": RATE,
        "identities": [{"index": p.index, "identity_id": p.identity_id, "attributes": p.attributes()} for p in people],
        "shards": [shard_path(job, k).name for k in range(job.shards())],
    }
    part = job.out / "index.json.part"
    part.write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")
    part.replace(job.out / "index.json")
