"""`python -m evaluation associations`: what the numbers of the association service should be, on films read back.

Two sets of them: what edges are worth in the context of who is who, and what the review queue makes of its evidence.
Prints each as it stands in the source, and how well such a fit predicts a film that it has not seen.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from evaluation.associations.edges import EdgeMap, edges_of, fit_edge_map
from evaluation.associations.fitting import Number, Refitted, refit
from evaluation.associations.reviewed import Answer, QueueLine, answers_of, fit_line, reviewed
from evaluation.associations.rows import Rows
from evaluation.datasets.store import read_search
from evaluation.datasets.synthcast import joined
from evaluation.datasets.tracklets import Tracklets
from evaluation.served.product import associated
from packs.manifest import Pack
from services.association.context import BETWEEN, WITHIN
from services.association.identities.likelihood import BETWEEN_LINE, WITHIN_LINE
from services.runtime.settings import StackSettings

__all__ = ["associations_command", "fit_associations"]

CONTEXT, LIKELIHOOD = "services/association/context.py", "services/association/identities/likelihood.py"


def associations_command(
    appearances: Annotated[list[Path], typer.Option("--appearances", exists=True, help="Read-backs of films.")],
    out: Annotated[Path, typer.Option("--json", help="Where the numbers go.")],
    answers: Annotated[int, typer.Option("--answers", min=1, help="How many answers each gallery's queue gets.")] = 60,
) -> None:
    """Fit what associations mean and what the review queue believes, for the association service."""
    pack = Pack.load(StackSettings().pack)
    tracklets = joined([read_search(path)[0].tracklets for path in appearances])
    found = asyncio.run(fit_associations(tracklets, pack, answers, _say))
    for one in found:
        typer.echo(_told(one))
    out.parent.mkdir(parents=True, exist_ok=True)
    facts = {"pack": pack.digest, "films": films_of(tracklets), "answers": answers}
    report = facts | {"numbers": [_facts(one) for one in found]}
    out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


async def fit_associations(
    tracklets: Tracklets, pack: Pack, answers: int, say: Callable[[str], None]
) -> list[Refitted]:
    """Fit all numbers.

    Args:
        tracklets: Of all films, with the truth.
        pack: That they were embedded with.
        answers: How many answers the queue of each film, and that of all in one gallery, gets.
        say: Told what was done.
    """
    films = films_of(tracklets)
    _, served = await associated(tracklets, pack)
    within, between = await edges_of(tracklets, served)
    say(f"{len(within)} edges inside of identities, {len(between)} between two")
    parts = [await _alone(tracklets, pack, answers, say)] if len(films) > 1 else []
    parts.append(await answers_of(tracklets, served, answers))
    say(f"all in one gallery: {len(parts[-1])} questions")
    await served.aclose()
    return [refit(one, films) for one in _numbers(within, between, parts, films)]


def films_of(tracklets: Tracklets) -> list[str]:
    """The names of the films, in the order of their tracklets."""
    return list(dict.fromkeys(tracklets.movies))


async def _alone(tracklets: Tracklets, pack: Pack, answers: int, say: Callable[[str], None]) -> list[Answer]:
    """The questions about each film as a gallery of its own."""
    found: list[Answer] = []
    for film in films_of(tracklets):
        own = tracklets.take(tracklets.of_movie(film))
        _, served = await associated(own, pack)
        found += await answers_of(own, served, answers)
        await served.aclose()
        say(f"{film}: {len(found)} questions so far")
    return found


def _numbers(
    within: Rows, between: Rows, parts: Sequence[Sequence[Answer]], films: Sequence[str]
) -> tuple[Number, ...]:
    two = reviewed(parts, films, lambda question: not question.of_one_identity)
    halves = reviewed(parts, films, lambda question: question.of_one_identity)
    return (
        Number("WITHIN", CONTEXT, within, EdgeMap(WITHIN), fit_edge_map),
        Number("BETWEEN", CONTEXT, between, EdgeMap(BETWEEN), fit_edge_map),
        Number("BETWEEN_LINE", LIKELIHOOD, two, QueueLine(BETWEEN_LINE), fit_line),
        Number("WITHIN_LINE", LIKELIHOOD, halves, QueueLine(WITHIN_LINE), fit_line),
    )


def _told(one: Refitted) -> str:
    number, rows = one.number, one.number.rows
    if one.fitted is None:
        return f"# {number.module}: {len(rows)} pairs, all of one kind\n# {number.name} stays\n"
    lines = [
        f"# {number.module}: {len(rows)} pairs, {rows.share_right:.3f} one person",
        f"{number.name} = {one.fitted.source}",
        f"# now {number.committed.source}",
    ]
    if one.left_out is not None:
        told = f"fitted {one.left_out.fitted:.4f}, the mean {one.left_out.mean:.4f}, now {one.left_out.committed:.4f}"
        better = sum(each.fitted < each.committed for each in one.by_film.values())
        lines.append(f"# log-loss on a film left out: {told}; {better} of {len(one.by_film)} films better than now")
    return "\n".join([*lines, ""])


def _facts(one: Refitted) -> dict[str, Any]:
    rows = one.number.rows
    return {
        "name": one.number.name,
        "module": one.number.module,
        "pairs": len(rows),
        "one_person": rows.share_right if len(rows) else None,
        "fitted": dict(one.fitted.values) if one.fitted is not None else None,
        "committed": dict(one.number.committed.values),
        "log_loss_left_out": asdict(one.left_out) if one.left_out is not None else None,
        "log_loss_by_film": {film: asdict(losses) for film, losses in one.by_film.items()},
    }


def _say(line: str) -> None:
    typer.echo(line, err=True)
