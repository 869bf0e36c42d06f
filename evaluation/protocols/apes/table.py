"""Tables 3 and 4 of APES in form: Seen & Heard and Seen, by face, voice and both.

Source: Alcazar et al., section 4.2 (methods.md 3.2 to 3.4). APES is about face tracks: `seen` are the tracklets of
known people that show the face, `seen and heard` those of them in which the person is heard. The paper compares three
ways of sampling triplets (Weak, Within, Across), that is three trainings of one network: each is a set of embeddings
here, and has its rows. What a pack's encoders say as they are is one more set, `pack`; its face and voice are joined by
the ways of fusing, those of the trainings by their own joint embedding.

A tracklet whose face (voice) the product has no embedding of can be compared by nothing: it comes last, and finds
nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.datasets.tracklets import Flags, Tracklets
from evaluation.fusers.comparable import comparable_queries
from evaluation.fusers.fuser import Fuser, cosines
from evaluation.metrics.bootstrap import Estimate, estimate_mean
from evaluation.metrics.video_search import FIGURES, query_precisions, video_figures
from evaluation.protocols.apes.samplings import Sampling
from packs.arrays import F64
from packs.spec import Modality

__all__ = ["TASKS", "ApesResult", "ApesRow", "run_apes"]

# In the order of the paper's tables.
TASKS = ("seen and heard", "seen")
# Scores tracklets of one video against each other: float[N, N].
Model = Callable[[Sampling], F64]


@dataclass(frozen=True, slots=True)
class ApesRow:
    """One row of a table.

    Attributes:
        task: One of `TASKS`.
        model: What is compared.
        sampling: How that was trained.
        figures: Means over videos, with their intervals over them.
        per_identity: Mean AP of each person's queries.
    """

    task: str
    model: str
    sampling: str
    figures: Mapping[str, Estimate]
    per_identity: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ApesResult:
    """Both tables, and how many videos, tracklets and people each is of."""

    name: str
    rows: Sequence[ApesRow]
    counts: Mapping[str, Mapping[str, int]]


def run_apes(
    name: str, samplings: Mapping[str, Sampling], fusers: Sequence[Fuser], say: Callable[[str], None]
) -> ApesResult:
    """Measure both tasks.

    Args:
        name: Of the data.
        samplings: The same tracklets by each set of embeddings, by the name of its training.
        fusers: Ways to fuse face and voice, of sets without a joint embedding; ones that need a modality which is
            missing score by the other alone.
        say: Receives lines of progress.

    Raises:
        ValueError: If no video has a query in any task.
    """
    rows: list[ApesRow] = []
    counts: dict[str, dict[str, int]] = {}
    for task in TASKS:
        first = _of_task(next(iter(samplings.values())), task)
        blind = _row(task, "random", "-", first, lambda some: np.zeros((len(some.tracklets),) * 2))
        if blind is None:
            say(f"{task}: no video shows anybody twice")
            continue
        rows.append(blind)
        counts[task] = _counts(first.tracklets)
        for sampling, embedded in samplings.items():
            asked = _of_task(embedded, task)
            made = [_row(task, model, sampling, asked, way) for model, way in _models(task, asked, fusers).items()]
            rows += [row for row in made if row is not None]
            say(f"{task}, {sampling}: done")
    if not rows:
        raise ValueError(f"{name}: no video shows anybody twice with a face: nothing can be measured")
    return ApesResult(name, rows, counts)


def _models(task: str, asked: Sampling, fusers: Sequence[Fuser]) -> dict[str, Model]:
    models: dict[str, Model] = {}
    tracklets = asked.tracklets
    parts = (Modality.FACE,) if task == "seen" else (Modality.FACE, Modality.VOICE)
    for modality in parts:
        if tracklets.present(modality).any():
            models[str(modality)] = _by(modality)
    if asked.joint is not None:
        return models | {"cross-modal": _jointly}
    if tracklets.present(Modality.VOICE).any():
        models |= {f"cross-modal, {fuser.name}": _fused(fuser) for fuser in fusers}
    return models


def _by(modality: Modality) -> Model:
    def scores(some: Sampling) -> F64:
        there = some.tracklets.present(modality)
        return _where_both(there, cosines(some.tracklets, some.tracklets, modality))

    return scores


def _jointly(some: Sampling) -> F64:
    if some.joint is None:
        raise ValueError("got embeddings without a joint one, expected those of a training")
    return _where_both(some.joint.present, some.joint.vectors @ some.joint.vectors.T)


def _where_both(there: Flags, found: NDArray[np.floating]) -> F64:
    return np.where(there[:, None] & there[None, :], found, -1.0).astype(np.float64)


def _fused(fuser: Fuser) -> Model:
    def scores(some: Sampling) -> F64:
        one = some.tracklets
        return fuser.matches(one, one, comparable_queries(one, one, (Modality.FACE, Modality.VOICE)))

    return scores


def _of_task(embedded: Sampling, task: str) -> Sampling:
    tracklets = embedded.tracklets
    known: Flags = np.array([name is not None for name in tracklets.identities], dtype=bool)
    seen = known & tracklets.on_screen & tracklets.face_visible
    return embedded.take(seen & tracklets.speaks if task == "seen and heard" else seen)


def _row(task: str, model: str, sampling: str, asked: Sampling, way: Model) -> ApesRow | None:
    videos = []
    people: dict[str, list[float]] = {}
    for video in sorted(set(asked.tracklets.movies)):
        some = asked.take(asked.tracklets.of_movie(video))
        scores, names = way(some), [str(name) for name in some.tracklets.identities]
        found = video_figures(scores, names)
        if found is not None:
            videos.append(found)
        for name, value in query_precisions(scores, names):
            people.setdefault(name, []).append(value)
    if not videos:
        return None
    figures = {name: estimate_mean([video[name] for video in videos], unit="videos") for name in FIGURES}
    means = {name: float(np.mean(values)) for name, values in sorted(people.items())}
    return ApesRow(task, model, sampling, figures, means)


def _counts(asked: Tracklets) -> dict[str, int]:
    people = {(video, name) for video, name in zip(asked.movies, asked.identities, strict=True)}
    return {"videos": len(set(asked.movies)), "tracklets": len(asked), "people": len(people)}
