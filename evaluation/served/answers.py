"""`python -m evaluation answers`: what the product's scores mean, by kind of question, on films that are read back.

Fits the maps of `services.search.answering` on every pair of a question and what came back for it, and says how far
scores were from probabilities before and after.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from evaluation.datasets.store import read_search
from evaluation.datasets.synthcast import joined
from evaluation.datasets.tracklets import CastSearch, Flags, Tracklets
from evaluation.metrics.calibration_error import calibration_error
from evaluation.protocols.csm.besides import LIKELY, RETURNED, as_heard, heard_pool
from evaluation.served.kinds import Kind, asked_scores, kinds_of
from evaluation.served.product import ServedGallery
from packs.arrays import F64
from packs.log_odds import LogOddsMap, fit_log_odds
from packs.manifest import Pack
from packs.spec import Modality
from services.runtime.settings import StackSettings
from services.search.query import Task
from services.search.settings import SearchSettings

__all__ = ["Fitted", "answers_command", "fit_answers"]

Errors = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A map, of how many pairs, and the calibration error (over all returned, over likely ones) before and after."""

    line: LogOddsMap
    pairs: int
    before: Errors
    after: Errors


def answers_command(
    appearances: Annotated[list[Path], typer.Option("--appearances", exists=True, help="Read-backs; one gallery.")],
    out: Annotated[Path, typer.Option("--json", help="Where the maps go.")],
    every: Annotated[int, typer.Option("--every", min=1, help="Ask every so many of the queries.")] = 1,
    kinds: Annotated[list[str] | None, typer.Option("--kind", help="Kinds of query; all when left out.")] = None,
) -> None:
    """Fit what scores mean, for `services/search/settings.py`."""
    pack = Pack.load(StackSettings().pack)
    fitted = asyncio.run(fit_answers(_pooled(appearances), pack, _say, every, kinds))
    for name, one in fitted.items():
        values = ", ".join(f"{value:.2f}" for value in one.line.values)
        typer.echo(f'"{name}": ({values}),  # {one.pairs} pairs, {_told(one)}')
    out.parent.mkdir(parents=True, exist_ok=True)
    rows = {name: {**one.line.model_dump(), "before": one.before, "after": one.after} for name, one in fitted.items()}
    out.write_text(json.dumps({"pack": pack.digest, "answers": rows}, indent=2) + "\n", encoding="utf-8")


async def fit_answers(
    search: CastSearch, pack: Pack, say: Callable[[str], None], every: int = 1, kinds: Sequence[str] | None = None
) -> dict[str, Fitted]:
    """Ask every kind of query with every task, and fit a map for each; a kind that finds nobody is left out."""
    gallery = await ServedGallery.of(search.tracklets, pack, SearchSettings(answers={}))
    fitted: dict[str, Fitted] = {}
    for kind in (one for one in kinds_of(search) if not kinds or one.name in kinds):
        some = replace(
            kind, queries=kind.queries.take(np.arange(0, len(kind.queries), every)), wanted=kind.wanted[::every]
        )
        for task, tracklets, pool in _tasks(kind, search.tracklets):
            scores = await asked_scores(gallery, replace(some, task=task))
            pairs = _pairs(some, tracklets, pool, scores)
            if pairs is not None:
                fitted[f"{task}.{kind.name}"] = _fit(*pairs)
            say(f"{task}.{kind.name}: asked")
    return fitted


def _tasks(kind: Kind, tracklets: Tracklets) -> Sequence[tuple[Task, Tracklets, Flags]]:
    """Each task, whom an appearance answers it with, and what can answer it; what is worn can only be seen."""
    if kind.wanted:
        return ((Task.SEEN, kind.tracklets, kind.pool),)
    heard = as_heard(tracklets)
    both = [seen if seen == said else None for seen, said in zip(tracklets.identities, tracklets.heard, strict=True)]
    speaking = tracklets.on_screen & tracklets.present(Modality.VOICE)
    return (
        (Task.SEEN, tracklets, tracklets.on_screen),
        (Task.HEARD, heard, heard_pool(tracklets)),
        (Task.SEEN_AND_HEARD, replace(tracklets, identities=tuple(both)), speaking),
    )


def _pairs(kind: Kind, tracklets: Tracklets, pool: Flags, scores: F64) -> tuple[F64, Flags] | None:
    wanted = [name or "-" for name in kind.wanted or kind.queries.identities]
    right: Flags = np.array([[seen == name for seen in tracklets.identities] for name in wanted], dtype=np.bool_)
    kept = (scores >= RETURNED) & pool[None, :] & np.any(right[:, pool], axis=1, keepdims=True)
    labels = right[kept]
    return (scores[kept], labels) if labels.any() and not labels.all() else None


def _fit(scores: F64, labels: Flags) -> Fitted:
    line = fit_log_odds(scores, labels)
    return Fitted(line, len(scores), _errors(scores, labels), _errors(line.of(scores), labels))


def _errors(scores: F64, labels: Flags) -> Errors:
    returned, likely = (
        calibration_error(scores[scores >= least].tolist(), labels[scores >= least].tolist())
        for least in (RETURNED, LIKELY)
    )
    return returned, likely


def _pooled(paths: Sequence[Path]) -> CastSearch:
    """Several read-backs as one gallery."""
    several = [read_search(path)[0] for path in paths]
    voices = [one.voices for one in several if one.voices is not None]
    attributes = {name: facts for one in several for name, facts in one.attributes.items()}
    texts = [one.texts for one in several if one.texts is not None]
    tracklets, portraits = joined([one.tracklets for one in several]), joined([one.portraits for one in several])
    name = ", ".join(one.name for one in several)
    heard, read = (joined(some) if some else None for some in (voices, texts))
    return CastSearch(name, tracklets, portraits, heard, attributes, read)


def _told(one: Fitted) -> str:
    return f"error {one.before[0]:.3f} ({one.before[1]:.3f} of likely) -> {one.after[0]:.3f} ({one.after[1]:.3f})"


def _say(line: str) -> None:
    typer.echo(line, err=True)
