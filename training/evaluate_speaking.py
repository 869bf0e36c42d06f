"""Whose mouth goes with the sound, measured on films that nobody trained on: a network beside what needs none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.metrics.average_precision import average_precision
from evaluation.metrics.bootstrap import Estimate, estimate_ratio
from models.checkpoints import network_from_checkpoint, read_checkpoint
from models.speaking import SpeakingGraph
from packs.errors import PackError
from packs.manifest import Pack
from packs.speaking import joined, starts_of
from training.data.mouths import Film, cut_window, open_mouths
from training.film_sets import MOUTHS
from training.measure.served import ServedModel
from training.recipe import RecipeError, SpeakingRecipe, read_recipe

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
Watching = Callable[[U8, F32], F32]
RECIPE = Path(__file__).parent / "recipes" / "speaking.toml"
BATCH = 32
# So sure a picture may be at most: a line is the mean of the log-odds of its pictures.
MOST_LOGIT = 6.0
UNSEEN = -99.0
FOLLOWS = 2
Said = Mapping[str, F64]


def evaluate_speaking(
    network: Watching, data: Path, names: Sequence[str], *, say: Callable[[str], None], recipe: Path = RECIPE
) -> dict[str, Any]:
    """Ask of each line who of those in the picture says it, and of each face at each moment whether it speaks.

    Args:
        network: Gives float32[B, T] for faces uint8[B, T, H, W] and cepstra float32[B, 4 T, 13].
        data: Folder that holds `mouths`.
        names: The films, as `tools.cut_mouths` called them; none that the run was made on.
        say: Receives lines of progress.
        recipe: Says how long a window is.

    Returns:
        How many lines there are, the share of right answers by each way with 95 % intervals over the films, and the
        average precision over moments.

    Raises:
        RecipeError: If the recipe is of something else, or was made on one of the films.
        DataError: If a film was not cut.
    """
    read = read_recipe(recipe)
    if not isinstance(read, SpeakingRecipe):
        raise RecipeError(f"{recipe} is of the task {read.task!r}, expected 'speaking'")
    if known := set(read.films) & set(names):
        raise RecipeError(f"{recipe} learned from {sorted(known)}: measure on other films")
    films = open_mouths(data / MOUTHS, names)
    answers = [speaks(network, film, read.phases[0].frames) for film in films]
    say(f"{sum(len(one) for one in answers)} faces of {len(films)} films")
    return {"films": list(names), "lines": _lines(films, answers), "moments": _moments(films, answers)}


def trained(weights: Path) -> Watching:
    """The network of a run, in torch."""
    network = network_from_checkpoint(read_checkpoint(weights), "active_speaker_small")
    graph = SpeakingGraph(network=network).eval()  # type: ignore[arg-type]

    @torch.inference_mode()
    def watch(faces: U8, heard: F32) -> F32:
        said: F32 = graph(torch.from_numpy(faces), torch.from_numpy(heard)).numpy()
        return said

    return watch


def exported(pack: Pack) -> Watching:
    """The network of a pack, as it is served.

    Raises:
        PackError: If it has none.
    """
    if pack.manifest.speaking is None:
        raise PackError(f"pack {pack.name} has no active-speaker network")
    served = ServedModel(pack, pack.manifest.speaking.model)
    names = [tensor.name for tensor in served.spec.inputs]
    return lambda faces, heard: served.feed(dict(zip(names, (faces, heard), strict=True)))[0]


def speaks(network: Watching, film: Film, frames: int) -> F32:
    """The probability that each face of a film speaks: float32[N]."""
    said = np.zeros(len(film.columns["times_s"]), np.float32)
    for person in np.unique(film.columns["person"]).tolist():
        rows = film.rows_of(person)
        times = film.columns["times_s"][rows]
        starts = starts_of(float(times[0]), float(times[-1]), frames)
        cut = [cut_window(film, person, start_s, frames) for start_s in starts]
        faces, heard = np.stack([one.faces for one in cut]), np.stack([one.cepstra for one in cut])
        parts = [network(faces[k : k + BATCH], heard[k : k + BATCH]) for k in range(0, len(cut), BATCH)]
        said[rows] = joined(np.concatenate(parts), starts, times)
    return said


def candidates_of(film: Film, said: F32) -> Said:
    """What each way says of each candidate of each line, float64[C]; more speaks for them."""
    columns = film.columns
    log_odds = np.clip(np.log(said + 1e-6) - np.log1p(1e-6 - said), -MOST_LOGIT, MOST_LOGIT)
    network = np.full(len(columns["line"]), UNSEEN)
    for row, (person, span) in enumerate(zip(columns["line_person"].tolist(), columns["line_span_s"], strict=True)):
        rows = film.rows_of(person)
        inside = rows[(columns["times_s"][rows] >= span[0]) & (columns["times_s"][rows] < span[1])]
        if columns["line_face_px"][row] > 0.0 and len(inside):
            network[row] = float(log_odds[inside].mean())
    return {
        "network": network,
        "jaw_and_sound": columns["line_evidence"][:, FOLLOWS].astype(np.float64),
        "mouth_motion": columns["line_motion"].astype(np.float64),
        "largest_face": columns["line_face_px"].astype(np.float64),
    }


def _lines(films: Sequence[Film], answers: Sequence[F32]) -> dict[str, Any]:
    counted: dict[str, list[float]] = {}
    possible: list[float] = []
    for film, said in zip(films, answers, strict=True):
        ways, lines = candidates_of(film, said), _rows_by_line(film)
        possible.append(float(len(lines)))
        for name, worth in ways.items():
            right = [bool(film.columns["line_right"][rows[int(worth[rows].argmax())]]) for rows in lines]
            counted.setdefault(name, []).append(float(sum(right)))
        counted.setdefault("chance", []).append(float(sum(1.0 / len(rows) for rows in lines)))
    ways_right = {name: _figure(estimate_ratio(part, possible)) for name, part in counted.items()}
    return {"lines": int(sum(possible)), "right": ways_right}


def _rows_by_line(film: Film) -> list[NDArray[np.int64]]:
    """The candidates of each line that somebody in the picture says, where there is a choice."""
    columns = film.columns
    groups = [np.flatnonzero(columns["line"] == line) for line in np.unique(columns["line"])]
    return [rows for rows in groups if len(rows) > 1 and columns["line_right"][rows].any()]


def _moments(films: Sequence[Film], answers: Sequence[F32]) -> dict[str, Any]:
    """Average precision over all faces at all moments of all films, as AVA-ActiveSpeaker asks."""
    speaking = np.concatenate([film.columns["speaking"] for film in films])
    said = np.concatenate(list(answers))[speaking >= 0]
    right = speaking[speaking >= 0] > 0
    ranked = right[np.argsort(-said, kind="stable")]
    precision = average_precision(ranked.tolist(), int(right.sum()))
    return {"faces": len(right), "speaking": round(float(right.mean()), 4), "average_precision": round(precision, 4)}


def _figure(estimate: Estimate) -> dict[str, Any]:
    low, high = estimate.interval
    return {"share": round(estimate.value, 4), "interval": [round(low, 4), round(high, 4)]}
