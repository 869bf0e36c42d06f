"""Questions of the review queue (`services.association.identities.likelihood`) with their true answers, and a fit.

The queue is asked as somebody who knows the truth would be asked by it (`evaluation.identities.correcting`): one answer
after the other, each of which changes who is who, and with it what is asked next. Before each answer everything that
the queue could ask is looked at, not what it asks first alone: it is all of these among which its probabilities choose.
A question counts once for as long as nothing has changed between its two groups.

Questions about pairs of groups of which a pair was rejected are left out, since what that takes is not fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from evaluation.associations.rows import HOLD, Rows
from evaluation.datasets.tracklets import Tracklets
from evaluation.identities.correcting import answerable, answered, is_one_person
from evaluation.served.product import GALLERY
from packs.arrays import F64
from packs.logistic import expit, fit_logistic
from services.association.composing import ComposedAssociations
from services.association.identities.likelihood import WITHIN_LINE, Evidence, Line
from services.association.identities.reviews import Question

__all__ = ["Answer", "QueueLine", "answers_of", "fit_line", "reviewed"]

# So much of the queue is looked at: it is all of it in galleries of a few films.
MOST = 5000


@dataclass(frozen=True, slots=True)
class QueueLine:
    """What the queue makes of questions by their evidence: a `Reading`."""

    line: Line

    def of(self, columns: F64) -> F64:
        """Of float64[R, 7], what `Evidence.features` has: float64[R]."""
        return expit(columns @ np.array(self.line.numbers))

    @property
    def source(self) -> str:
        """As in `likelihood.py`: what is for one of both kinds of question alone by its name."""
        numbers = [str(round(value, 2)) for value in self.line.numbers[:5]]
        named = {"clashing": self.line.clashing, "confirmed": self.line.confirmed}
        return f"Line({', '.join([*numbers, *(f'{name}={round(one, 2)}' for name, one in named.items() if one)])})"

    @property
    def values(self) -> Mapping[str, float]:
        """All of them."""
        return asdict(self.line)


@dataclass(frozen=True, slots=True)
class Answer:
    """A question that nobody has answered yet, and what is true.

    Attributes:
        question: What could be asked.
        same: Whether it is one person.
        films: Of its two appearances.
    """

    question: Question
    same: bool
    films: frozenset[str]


async def answers_of(tracklets: Tracklets, served: ComposedAssociations, count: int) -> list[Answer]:
    """Everything that the queue of a gallery could ask while it gets so many answers.

    Args:
        tracklets: What the gallery holds, and the truth.
        served: Its associations and identities; somebody has answered questions about them afterwards.
        count: How many are answered.
    """
    truth = {one: name for one, name in zip(tracklets.ids, tracklets.identities, strict=True) if name is not None}
    met: dict[tuple[str, str, Evidence], Question] = {}
    for _ in range(count):
        queue = await answerable(served, GALLERY, truth, MOST)
        told = [(one, one.evidence) for one in queue if one.evidence is not None]
        met |= {(one.first, one.second, evidence): one for one, evidence in told if not evidence.rejected}
        if not queue:
            break
        await answered(served, GALLERY, truth, queue[0])
    movies = dict(zip(tracklets.ids, tracklets.movies, strict=True))
    films = (frozenset({movies[one.first], movies[one.second]}) for one in met.values())
    return [Answer(one, is_one_person(one, truth), of) for one, of in zip(met.values(), films, strict=True)]


def reviewed(parts: Sequence[Iterable[Answer]], films: Sequence[str], kept: Callable[[Question], bool]) -> Rows:
    """The questions of a kind.

    Args:
        parts: Answers that count as much as those of the other parts together, as films alone and all in one gallery.
        films: The names of all films.
        kept: Which kind.

    Returns:
        Columns as `Evidence.features`.
    """
    chosen = [[one for one in part if kept(one.question)] for part in parts]
    answers = [one for part in chosen for one in part]
    weights = [1.0 / len(part) for part in chosen for _ in part]
    columns = np.zeros((len(answers), len(WITHIN_LINE.numbers)))
    touched = np.zeros((len(answers), len(films)), dtype=np.bool_)
    for row, one in enumerate(answers):
        if one.question.evidence is not None:
            columns[row] = one.question.evidence.features
        touched[row] = [film in one.films for film in films]
    right = np.array([one.same for one in answers], dtype=np.bool_)
    return Rows(columns, right, touched, np.array(weights))


def fit_line(rows: Rows) -> QueueLine:
    """Fit what evidence is worth; what no question has weighs 0."""
    return QueueLine(Line(*(float(one) for one in fit_logistic(rows.columns, rows.right, rows.shares, hold=HOLD))))
