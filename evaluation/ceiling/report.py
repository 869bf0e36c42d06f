"""The ceiling as a result file and as a page; sums alone, no description of any film."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from evaluation.ceiling.figures import CeilingFigures, figures_by_kind, in_hindsight
from evaluation.ceiling.reading import POPULATION, dressed_of, population_of, read_descriptions
from evaluation.metrics.open_set import OpenSet
from evaluation.page import between, shown, table_lines
from evaluation.report import estimate_facts, rounded
from evaluation.truth import Film

__all__ = ["measure_ceiling", "page_of_ceiling", "share_of"]

SCHEMA: Final = "personsearch-ceiling/1"
READER_NAMES: Final = {"attributes": "sees everything", "and_uniforms": "and is told who wears a uniform"}
FIGURES: Final = {
    "rank_1": "rank 1",
    "true_of_one": "true of one person only",
    "answered": "absent: somebody else fits",
    "answered_by_one": "absent: exactly one fits",
}
INTRODUCTION: Final = (
    "A reader who sees every attribute of everybody on screen as the world's truth has it, makes no mistake, and knows "
    "how rare each description is. What it misses is not in the sentences: uniforms, people who are dressed alike, and "
    "what is vaguely said. Ties are broken at random. No system is asked here; this is what one can be compared with. "
    "It bounds what is found; found over rank 1 may be higher for a system whose rank 1 is lower."
)
HINDSIGHT: Final = (
    "With a threshold for each kind of sentence, set when it is known who was absent, which no reader knows, "
    "all descriptions:"
)
STRICT: Final = "Each kind of sentence has thresholds of its own; of fewer than 100 searches none may pass at 1 %."


def measure_ceiling(films: Sequence[Film], population: int = POPULATION) -> dict[str, Any]:
    """Measure films as one gallery; returns the result file's content.

    Raises:
        CeilingError: Of the films it cannot be told what is true.
    """
    dressed = dressed_of(films)
    readings = read_descriptions(films, population_of(population), dressed)
    people = len({one.identity for one in dressed.values()})
    figures, found = figures_by_kind(readings, people), in_hindsight(readings, people)
    report = {
        "schema": SCHEMA,
        "films": [film.name for film in films],
        "people": people,
        "people_in_clothes": len(dressed),
        "population": population,
        "kinds": {kind: _facts(one) for kind, one in figures.items()},
        "hindsight": {
            reader: {
                f"{allowed:g}": {"found": rate, "share": rate / figures["all"].rank_1.value} for allowed, rate in of
            }
            for reader, of in ((name, rates.items()) for name, rates in found.items())
        },
    }
    told: dict[str, Any] = rounded(report)
    return told


def page_of_ceiling(report: Mapping[str, Any]) -> str:
    """The report for people, as Markdown."""
    head = (
        f"{len(report['films'])} films, {report['people']} people in {report['people_in_clothes']} sets of clothes; "
        f"how rare a description is, by {report['population']} people of no film. {INTRODUCTION}"
    )
    sentences = [
        (kind, facts["descriptions"], *(between(facts[figure]) for figure in FIGURES))
        for kind, facts in report["kinds"].items()
    ]
    searches = [row for kind, facts in report["kinds"].items() for row in _open_set_rows(kind, facts)]
    lines = ["# What a perfect reader of descriptions would find", "", head, ""]
    lines += table_lines(("sentences", "descriptions", *FIGURES.values()), sentences)
    heads = ("a reader who", "FPIR", "found", "found over rank 1")
    lines += [STRICT, "", *table_lines(("sentences", *heads[:3], f"{heads[3]} (95 %)"), searches)]
    return "\n".join([*lines, HINDSIGHT, "", *table_lines(heads, _hindsight_rows(report))])


def share_of(report: Mapping[str, Any] | None, reader: str, allowed: str) -> Mapping[str, Any] | None:
    """Found over rank 1 of all descriptions of a report: `value`, `low` and `high`; None where it was not measured."""
    found = (report or {}).get("kinds", {}).get("all")
    told: Mapping[str, Any] | None = None if found is None else found["open_set"][reader][allowed]["share"]
    return told


def _facts(figures: CeilingFigures) -> dict[str, Any]:
    return {
        "descriptions": figures.descriptions,
        **{name: estimate_facts(getattr(figures, name)) for name in FIGURES},
        "open_set": {
            reader: {f"{allowed:g}": _open_set_facts(one) for allowed, one in several.items()}
            for reader, several in figures.open_set.items()
        },
    }


def _open_set_facts(one: OpenSet) -> dict[str, Any]:
    # Somebody's own description is always true of them: rank 1 is above 0, and there is a share.
    low, high = one.share_interval or (None, None)
    return {"found": estimate_facts(one.found), "share": {"value": one.share, "low": low, "high": high}}


def _open_set_rows(kind: str, facts: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for reader, several in facts["open_set"].items():
        for allowed, one in several.items():
            found = shown(one["found"]["value"])
            yield kind, READER_NAMES[reader], f"{float(allowed):.0%}", found, between(one["share"])


def _hindsight_rows(report: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for reader, several in report["hindsight"].items():
        for allowed, one in several.items():
            yield READER_NAMES[reader], f"{float(allowed):.0%}", shown(one["found"]), shown(one["share"])
