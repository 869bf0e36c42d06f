"""Measures the world: naive methods, encoders, and how films are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from evaluation.gates.asking import Asked, ask, everything_else, other_clips, other_scenes, same_scene
from evaluation.gates.bounds import broken, gate_of
from evaluation.gates.encoders import embed_samples
from evaluation.gates.films import FilmFigures
from evaluation.gates.samples import Clips, Crops
from evaluation.naive import colour_histogram, mean_mfcc, mean_std_mfcc, pixels
from packs.manifest import Pack
from packs.spec import Modality

_STATISTICS = (
    "screen_time_of_busiest_quarter",
    "share_who_never_speak",
    "median_speech_s",
    "tracklets_without_face",
)


@dataclass(frozen=True, slots=True)
class Measured:
    """All figures of a world: retrieval by name, and statistics of films where there were any."""

    asked: Mapping[str, Asked]
    films: FilmFigures | None = None

    @property
    def values(self) -> dict[str, float]:
        """Each figure by the name that gates use."""
        found = {name: asked.mean_average_precision.value for name, asked in self.asked.items()}
        if self.films is not None:
            found |= {f"films.{name}": float(getattr(self.films, name)) for name in _STATISTICS}
        return found

    @property
    def broken(self) -> list[str]:
        """Which gates break, in words."""
        return broken(self.values)

    def rows(self) -> dict[str, dict[str, Any]]:
        """Figures as they are written to a file: rounded, with interval, chance and counts."""
        written = {name: _row(asked) for name, asked in self.asked.items()}
        for name, value in self.values.items():
            written.setdefault(name, {"value": round(value, 4)})
        for name, row in written.items():
            gate = gate_of(name)
            if gate is not None:
                row["gate"] = gate.text
        return written


def measure_naive(faces: Crops, bodies: Crops, clips: Clips) -> dict[str, Asked]:
    """Ask with what is had without training."""
    colours = colour_histogram(bodies.images)
    return {
        "naive.body_histogram_in_scene": ask(colours, bodies.identity, same_scene(bodies)),
        "naive.body_histogram_across": ask(colours, bodies.identity, other_scenes(bodies)),
        "naive.face_pixels": ask(pixels(faces.images), faces.identity, everything_else(faces)),
        "naive.voice_mfcc": ask(mean_mfcc(clips.sounds), clips.identity, other_clips(clips)),
        "naive.voice_mfcc_with_deviation": ask(mean_std_mfcc(clips.sounds), clips.identity, other_clips(clips)),
    }


def measure_encoders(pack: Pack, faces: Crops, bodies: Crops, clips: Clips) -> dict[str, Asked]:
    """Ask the same of the encoders of a pack; what it has none for is left out."""
    vectors = embed_samples(pack, faces, bodies, clips)
    found: dict[str, Asked] = {}
    if Modality.FACE in vectors:
        found["encoder.face"] = ask(vectors[Modality.FACE], faces.identity, everything_else(faces))
    if Modality.BODY in vectors:
        found["encoder.body_in_scene"] = ask(vectors[Modality.BODY], bodies.identity, same_scene(bodies))
        found["encoder.body_across"] = ask(vectors[Modality.BODY], bodies.identity, other_scenes(bodies))
    if Modality.VOICE in vectors:
        found["encoder.voice"] = ask(vectors[Modality.VOICE], clips.identity, other_clips(clips))
    return found


def table(measured: Measured) -> Iterable[str]:
    """Lines of a Markdown table."""
    yield "| figure | value | 95 % interval | chance | gate |"
    yield "|---|---|---|---|---|"
    for name, row in measured.rows().items():
        interval = "{:.3f} to {:.3f}".format(*row["interval"]) if "interval" in row else ""
        chance = f"{row['chance']:.3f}" if "chance" in row else ""
        yield f"| `{name}` | {row['value']:.3f} | {interval} | {chance} | {row.get('gate', '')} |"


def _row(asked: Asked) -> dict[str, Any]:
    estimate = asked.mean_average_precision
    return {
        "value": round(estimate.value, 4),
        "interval": [round(bound, 4) for bound in estimate.interval],
        "chance": round(asked.chance, 4),
        "identities": estimate.count,
        "queries": asked.queries,
        "samples": asked.samples,
    }
