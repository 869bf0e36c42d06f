"""One measurement of the world from sample to file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluation.gates.digest import world_digests
from evaluation.gates.films import film_figures
from evaluation.gates.frozen import write_world
from evaluation.gates.measure import Measured, measure_encoders, measure_naive
from evaluation.gates.rendering import FRAME_PEOPLE, SPEAKERS, WORLD_ROOT, Rendering
from evaluation.gates.samples import Clips, Crops, first_people, first_speakers, load_clips, load_crops
from evaluation.truth import load_film
from packs.manifest import Pack
from synthetic.types import WORLD_VERSION


def measure_world(
    rendering: Rendering,
    out: Path,
    frames: Path | None = None,
    voices: Path | None = None,
    films: Sequence[Path] | None = None,
    pack: Path | None = None,
) -> Measured:
    """Measure all gates and write the file.

    Args:
        rendering: renders what is not given.
        out: the file.
        frames: folder of `python -m synthetic frames`.
        voices: folder of `python -m synthetic voices`.
        films: folders of `python -m synthetic render`.
        pack: folder of a pack whose encoders are asked too.
    """
    # Before the samples: a source that is edited meanwhile must not count as measured.
    digests = world_digests(WORLD_ROOT)
    faces, bodies = load_crops(frames or rendering.frames())
    # Who is sought among fewer people is found more easily: a larger set is cut to the size of the rendered sample.
    # Bodies are not: within a scene only its own people are asked.
    faces = first_people(faces, FRAME_PEOPLE)
    clips = first_speakers(load_clips(voices or rendering.voices()), SPEAKERS)
    folders = list(films or rendering.films())
    loaded = None if pack is None else Pack.load(pack)
    asked = measure_naive(faces, bodies, clips)
    if loaded is not None:
        asked |= measure_encoders(loaded, faces, bodies, clips)
    measured = Measured(asked, film_figures([load_film(folder) for folder in folders]))
    sample = _sample(faces, bodies, clips, folders, loaded)
    write_world(out, WORLD_VERSION, digests, measured.rows(), sample)
    return measured


def _sample(faces: Crops, bodies: Crops, clips: Clips, films: Sequence[Path], pack: Pack | None) -> dict[str, Any]:
    """Say what was measured on."""
    return {
        "faces": len(faces.identity),
        "people_of_faces": len(set(faces.identity.tolist())),
        "bodies": len(bodies.identity),
        "people_of_bodies": len(set(bodies.identity.tolist())),
        "scenes": len(set(bodies.scene.tolist())),
        "clips": len(clips.identity),
        "speakers": len(set(clips.identity.tolist())),
        "films": [folder.name for folder in films],
        "pack": None if pack is None else f"{pack.name} {pack.version}",
    }
