"""Renders what the gates are measured on, from seeds that nothing is trained or tested on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evaluation.gates.digest import world_digests
from synthetic.film.render import render_film
from synthetic.film.script import FilmSpec
from synthetic.frames import FramesJob, write_frames
from synthetic.sound.dataset import VoicesJob, write_voices

Say = Callable[[str], None]
WORLD_ROOT = Path(__file__).parents[2] / "synthetic"

SEED = 990_001
FRAMES, FRAME_PEOPLE, MOST_IN_A_FRAME = 300, 120, 10
CLIPS, SPEAKERS = 600, 60
FILMS, FILM_PEOPLE, FILM_MINUTES = 2, 12, 2.0


@dataclass(frozen=True, slots=True)
class Rendering:
    """Renders samples into folders named after the world's digests, so that no sample of another world is taken.

    Attributes:
        work: where the folders lie.
        workers: processes.
        say: told what happens.
    """

    work: Path
    workers: int
    say: Say

    def frames(self) -> Path:
        """Write 300 training frames of 120 people; what is there stays."""
        out = self._folder("frames", ("looks",))
        job = FramesJob(SEED, FRAME_PEOPLE, FRAMES, 2, MOST_IN_A_FRAME, out)
        for shard in write_frames(job, self.workers):
            self.say(f"frames: shard {shard} of {job.shards()} is there")
        return out

    def voices(self) -> Path:
        """Write 600 clips of 60 people; what is there stays."""
        out = self._folder("voices", ("looks", "voices"))
        job = VoicesJob(SEED, SPEAKERS, CLIPS, out)
        for shard in write_voices(job, self.workers):
            self.say(f"voices: shard {shard} of {job.shards()} is there")
        return out

    def films(self) -> list[Path]:
        """Render two films of two minutes with twelve people each; a film that was begun goes on."""
        folder = self._folder("films", ("looks", "voices", "films"))
        folders = [folder / f"s{SEED + number}" for number in range(FILMS)]
        for number, out in enumerate(folders):
            if not (out / "truth.json").exists():
                self.say(f"films: {out.name}, {number + 1} of {FILMS}, is drawn (minutes)")
                spec = FilmSpec(SEED + number, SEED + number, FILM_PEOPLE, FILM_MINUTES)
                render_film(spec, out, self.workers)
        return folders

    def _folder(self, name: str, parts: tuple[str, ...]) -> Path:
        digests = world_digests(WORLD_ROOT)
        mark = hashlib.sha256("".join(digests[part] for part in parts).encode()).hexdigest()[:12]
        return self.work / f"{name}-{mark}"
