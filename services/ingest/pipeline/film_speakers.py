"""Who speaks each piece of a whole film.

A line lasts about a second, and its mouth alone is weak evidence. But a voice says many lines: whoever speaks them all
must be there, or be nobody who can be seen, each time. So all pieces of a film choose together. Piece n chooses c
among the people in its picture and "nobody who can be seen", for

    mouth evidence of n for c  +  sum over other pieces m of the expected  log(s e^v + 1 - s)

where v is what the two voices say for one speaker (a calibrated log-likelihood ratio, less for short pieces) and s the
probability, by looks, that c and the choice of m are one person. That is the likelihood ratio of the voices, given the
two choices. For two people in one picture s is 0; somebody unseen is each person of the film with a small probability,
and not one who is in the picture at that moment. So a dubbed voice, which belongs to somebody else, pulls its line
away from the mouth that moves to it. The expectations are those of a mean field (Saul, Jaakkola and Jordan 1996).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from packs.arrays import F64
from packs.calibration import Calibration
from packs.spec import Modality
from services.ingest.pipeline.casting import Line, first_guess, voices_of
from services.ingest.pipeline.likeness import Likeness
from services.ingest.pipeline.settings import SpeakerSettings
from services.ingest.pipeline.shot_speech import Piece, ShotSpeech
from services.runtime.trust import quality_of_speech, trust_in

__all__ = ["Choices", "choose_over_film"]


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """Who speaks the N pieces of a shot with P people.

    Attributes:
        belief: float64[N, P + 1], rows sum to 1; the last column is nobody who can be seen.
        goes_on: float64[N], nats that each piece has the voice of the one before it; of the first 0.
    """

    belief: F64
    goes_on: F64


def choose_over_film(
    shots: Sequence[ShotSpeech], calibration: Mapping[Modality, Calibration], settings: SpeakerSettings
) -> list[Choices]:
    """Let the pieces of some shots choose who speaks them; give the choices of each shot.

    Args:
        shots: In order of time, each with at least one piece.
        calibration: What the pack's cosines mean.
        settings: The weights.
    """
    if not shots:
        return []
    film = _Film(shots, calibration, settings)
    alone = [film.alone(number) for number in range(len(film))]
    belief = film.first_guess(alone)
    tables = [film.tables(number) for number in range(len(film))]
    for _ in range(settings.rounds):
        said = [_said(tables[number], belief) for number in range(len(film))]
        for number, row in enumerate(alone):
            fresh = _softmax(row + film.share(number) * said[number])
            belief[number] = 0.5 * belief[number] + 0.5 * fresh
    return film.by_shot(belief)


@dataclass(frozen=True, slots=True, eq=False)
class _Tables:
    """What a piece and each of M others say together: float64[M, C, D], padded; C and D choices."""

    partners: list[int]
    worth: F64


def _said(tables: _Tables, belief: Sequence[F64]) -> F64:
    """What the others are expected to say for each choice of a piece: float64[C]."""
    others = np.zeros((len(tables.partners), tables.worth.shape[2]))
    for row, partner in enumerate(tables.partners):
        others[row, : len(belief[partner])] = belief[partner]
    return np.asarray(np.einsum("mcd,md->c", tables.worth, others), dtype=np.float64)


class _Film:
    """All pieces of a film; their choices are people by number, -1 for nobody."""

    def __init__(
        self, shots: Sequence[ShotSpeech], calibration: Mapping[Modality, Calibration], settings: SpeakerSettings
    ) -> None:
        self._shots, self._settings = shots, settings
        counts = [len(shot.players) for shot in shots]
        self._first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        players = [player for shot in shots for player in shot.players]
        of_shot = np.repeat(np.arange(len(shots)), counts)
        self._likeness = Likeness(players, of_shot, calibration, settings.likeness)
        self._places = [(k, n) for k, shot in enumerate(shots) for n in range(len(shot.pieces))]
        self._pieces = [shot.pieces[n] for shot in shots for n in range(len(shot.pieces))]
        self._choices = [self._present(k, n) for k, n in self._places]
        self._nats = _nats(self._pieces, calibration.get(Modality.VOICE), settings)
        self._kin = [float(expit(row - settings.kin_nats).sum()) for row in self._nats]
        self._shown: dict[int, F64] = {}

    def __len__(self) -> int:
        return len(self._pieces)

    def alone(self, number: int) -> F64:
        """What speaks for each choice of a piece by itself: float64[C + 1]."""
        k, n = self._places[number]
        evidence = self._shots[k].evidence[n]
        weights, off_screen = self._settings.weights_for(evidence.shape[-1])
        worth = evidence @ np.asarray(weights, dtype=np.float64)
        mine = worth[self._choices[number] - self._first[k]] if len(worth) else np.zeros(0)
        return np.append(mine, off_screen)

    def first_guess(self, alone: Sequence[F64]) -> list[F64]:
        """Who says each piece, when each voice as a whole is given to the person who explains its lines best."""
        lines = [Line(people, _softmax(row)) for people, row in zip(self._choices, alone, strict=True)]
        return first_guess(lines, voices_of(self._nats), self._same_as, self._settings.unseen)

    def _same_as(self, number: int) -> F64:
        k, _ = self._places[number]
        return np.asarray(self._likeness_of(k)[self._choices[number] - self._first[k]], dtype=np.float64)

    def share(self, number: int) -> float:
        """How far the sum over others counts: pieces of one voice are not independent witnesses."""
        return self._settings.voice * min(1.0, self._settings.most_kin / max(self._kin[number], 1e-6))

    def tables(self, number: int) -> _Tables:
        """What a piece says together with its partners."""
        mine = self._choices[number]
        rows = self._same_as(number)
        partners = self._partners(number, rows)
        most = max((len(self._choices[other]) for other in partners), default=0) + 1
        worth = np.zeros((len(partners), len(mine) + 1, most))
        for row, other in enumerate(partners):
            theirs = self._choices[other]
            table = self._together(number, other, rows[:, theirs])
            worth[row, :, : len(theirs) + 1] = table
        return _Tables(partners, worth)

    def _together(self, number: int, other: int, same: F64) -> F64:
        """The table of two pieces; `same` float64[C, D] says which people are one."""
        unseen = self._settings.unseen
        whole = np.empty((same.shape[0] + 1, same.shape[1] + 1))
        whole[:-1, :-1] = same
        whole[:-1, -1] = unseen * (1.0 - same.max(axis=1, initial=0.0))
        whole[-1, :-1] = unseen * (1.0 - same.max(axis=0, initial=0.0))
        whole[-1, -1] = self._settings.unseen_twice
        table = np.log1p(whole * np.expm1(self._nats[number, other]))
        if self._at_once(number, other):
            one = np.asarray(self._choices[number])[:, None] == self._choices[other]
            table[:-1, :-1] += self._settings.at_once * one
            table[-1, -1] += self._settings.at_once
        return np.asarray(table, dtype=np.float64)

    def _at_once(self, number: int, other: int) -> bool:
        early, late = sorted((number, other))
        if late - early != 1 or self._places[early][0] != self._places[late][0]:
            return False
        return self._pieces[late].start_s - self._pieces[early].end_s <= self._settings.at_once_s

    def _partners(self, number: int, rows: F64) -> list[int]:
        """Who is asked: the pieces whose voice is nearest, the neighbours, and those whose people look the same."""
        others = np.flatnonzero(np.arange(len(self)) != number)
        if len(others) <= self._settings.most_partners:
            return [int(other) for other in others]
        likest = np.array([rows[:, self._choices[other]].max(initial=0.0) for other in others])
        near = np.abs(others - number) == 1
        worth = np.maximum(self._nats[number, others], 0.0) + likest * np.abs(self._nats[number, others]) + 99.0 * near
        return sorted(int(other) for other in others[np.argsort(-worth)[: self._settings.most_partners]])

    def _present(self, k: int, n: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        here = np.flatnonzero(self._shots[k].present[n] > 0.0)
        return np.asarray(self._first[k] + here, dtype=np.int64)

    def _likeness_of(self, k: int) -> F64:
        if k not in self._shown:
            self._shown = {k: self._likeness.of(range(int(self._first[k]), int(self._first[k + 1])))}
        return self._shown[k]

    def by_shot(self, belief: Sequence[F64]) -> list[Choices]:
        """Beliefs over the choices of each piece as beliefs over all people of its shot."""
        made = [
            Choices(np.zeros((len(shot.pieces), len(shot.players) + 1)), np.zeros(len(shot.pieces)))
            for shot in self._shots
        ]
        for number, ((k, n), chosen, row) in enumerate(zip(self._places, self._choices, belief, strict=True)):
            made[k].belief[n, chosen - self._first[k]] = row[:-1]
            made[k].belief[n, -1] = row[-1]
            made[k].goes_on[n] = self._nats[number, number - 1] if n else 0.0
        return made


def _nats(pieces: Sequence[Piece], calibration: Calibration | None, settings: SpeakerSettings) -> F64:
    """What each two voices say for one speaker, float64[N, N]."""
    if calibration is None:
        return np.zeros((len(pieces), len(pieces)))
    voices = np.stack([one.voice / max(float(np.linalg.norm(one.voice)), 1e-12) for one in pieces]).astype(np.float64)
    trust = np.array([trust_in(Modality.VOICE, quality_of_speech(one.length_s)) for one in pieces])
    cosines = voices @ voices.T
    said = calibration.logit_of(cosines, np.ones_like(cosines))
    return np.asarray(
        np.clip(np.minimum(trust[:, None], trust) * said, -settings.most_voice, settings.most_voice), dtype=np.float64
    )


def _softmax(row: F64) -> F64:
    powers = np.exp(row - row.max())
    return np.asarray(powers / powers.sum(), dtype=np.float64)
