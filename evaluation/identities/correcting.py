"""Simulated corrections: somebody who knows the truth answers what the review queue asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evaluation.metrics.bootstrap import Estimate
from evaluation.metrics.partition import (
    Agreement,
    b_cubed,
    b_cubed_f1,
    by_kind,
    chance_by_kind,
    chances,
    pairwise,
    pairwise_f1,
)
from services.association.composing import ComposedAssociations
from services.association.identities.reviews import Question
from services.association.identities.state import IdentityState

__all__ = ["Corrected", "Figures", "answerable", "answered", "correct", "figures_of", "is_one_person"]

# The queue is read again after each answer; of what it asks so much is looked through for what the truth knows.
_QUESTIONS = 200
_AUTHOR = "the truth"


@dataclass(frozen=True, slots=True)
class Figures:
    """How well people are told apart, over the appearances that the truth knows.

    Attributes:
        identities: How many were found.
        pairwise: By pairs.
        b_cubed: By appearances.
        pairwise_f1: F1 of the first with its interval over people.
        b_cubed_f1: F1 of the second, likewise.
        chance: Both of a random partition into identities of the same sizes.
        by_person: F1 of B-cubed of each person's appearances.
        chance_by_person: The same of the random partition.
    """

    identities: int
    pairwise: Agreement
    b_cubed: Agreement
    pairwise_f1: Estimate
    b_cubed_f1: Estimate
    chance: tuple[Agreement, Agreement]
    by_person: Mapping[str, float]
    chance_by_person: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Corrected:
    """What some corrections did.

    Attributes:
        before: Before them, by film; "" for all of them together.
        after: After them.
        confirmed: How many were "the same person".
        rejected: How many were "two people".
        undone: Whether to undo all of them restored the state bit for bit.
    """

    before: Mapping[str, Figures]
    after: Mapping[str, Figures]
    confirmed: int
    rejected: int
    undone: bool


async def correct(
    served: ComposedAssociations, gallery: str, who: Mapping[str, Mapping[str, str]], count: int
) -> Corrected:
    """Answer so many questions, then take all answers back.

    Args:
        served: The identities of the gallery.
        gallery: Its name.
        who: The truth: the identity of each appearance that it knows, by film.
        count: How many corrections.
    """
    truth = {one: identity for film in who.values() for one, identity in film.items()}
    state = await _state(served, gallery)
    dumped, before = state.dump(), figures_of(state, who)
    numbers: dict[int, bool] = {}
    while len(numbers) < count:
        queue = await answerable(served, gallery, truth, _QUESTIONS)
        if not queue:
            break
        number, same = await answered(served, gallery, truth, queue[0])
        numbers[number] = same
    after = figures_of(await _state(served, gallery), who)
    for number in sorted(numbers, reverse=True):
        await served.identities.undo(gallery, number, _AUTHOR)
    undone = (await _state(served, gallery)).dump() == dumped
    confirmed = sum(numbers.values())
    return Corrected(before, after, confirmed, len(numbers) - confirmed, undone)


async def answerable(
    served: ComposedAssociations, gallery: str, truth: Mapping[str, str], limit: int
) -> list[Question]:
    """Of the first questions of the queue those of which the truth knows both appearances: of others nobody can say."""
    asked = [one.question for one in await served.identities.list_reviews(gallery, limit)]
    return [one for one in asked if one.first in truth and one.second in truth]


async def answered(
    served: ComposedAssociations, gallery: str, truth: Mapping[str, str], question: Question
) -> tuple[int, bool]:
    """Say what is true of a question; the number of what was said, and whether it was "the same person"."""
    pair, same = (question.first, question.second), is_one_person(question, truth)
    if same:
        said, _ = await served.identities.confirm(gallery, *pair, _AUTHOR)
    else:
        said, _, _ = await served.identities.reject(gallery, *pair, _AUTHOR)
    return said.operation.number, same


def is_one_person(question: Question, truth: Mapping[str, str]) -> bool:
    """The true answer to a question."""
    return truth[question.first] == truth[question.second]


def figures_of(state: IdentityState, who: Mapping[str, Mapping[str, str]]) -> dict[str, Figures]:
    """Compare identities with the truth, film by film, and under "" all together."""
    everybody = {one: identity for film in who.values() for one, identity in film.items()}
    return {name: _figures(state, truth) for name, truth in {**who, "": everybody}.items()}


def _figures(state: IdentityState, truth: Mapping[str, str]) -> Figures:
    found = {one: state.homes[one] for one in truth if one in state.homes}
    return Figures(
        len(set(found.values())),
        pairwise(found, truth),
        b_cubed(found, truth),
        pairwise_f1(found, truth),
        b_cubed_f1(found, truth),
        chances(found, truth),
        {str(person): one.f1 for person, one in by_kind(found, truth)},
        {str(person): one.f1 for person, one in chance_by_kind(found, truth)},
    )


async def _state(served: ComposedAssociations, gallery: str) -> IdentityState:
    return (await served.keeper.people(gallery)).state
