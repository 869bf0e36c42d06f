"""Tables 2 and 3 of iQIYI-VID in form: each modality alone, then one more at a time, then ensemble, NetVLAD and MMA."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.datasets.iqiyi import ClipIdentification
from evaluation.fusers.fuser import Fuser
from evaluation.metrics.bootstrap import Estimate, estimate_mean
from evaluation.metrics.clip_identification import KEPT, identity_precisions
from evaluation.protocols.iqiyi.identifiers import EnsembleIdentifier, Identifier, PrototypeIdentifier
from packs.arrays import F64
from packs.spec import Modality

__all__ = ["ORDER", "IqiyiResult", "IqiyiRow", "run_iqiyi"]

# Of the paper's Table 3.
ORDER = (Modality.FACE, Modality.HEAD, Modality.VOICE, Modality.BODY)


@dataclass(frozen=True, slots=True)
class IqiyiRow:
    """MAP@100 of one way, with its interval over identities."""

    name: str
    fuser: str
    mean_average_precision: Estimate
    per_identity: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class IqiyiResult:
    """The table, and what it is of; the first row is a random ranking."""

    data: ClipIdentification
    rows: Sequence[IqiyiRow]
    not_given: Sequence[str]

    @property
    def counts(self) -> dict[str, int]:
        """How many clips there are of what kind."""
        test = self.data.test
        return {
            "people": len({name for name in self.data.train.identities if name}),
            "train_clips": len(self.data.train),
            "test_clips": len(test),
            "distractors": sum(name is None for name in test.identities),
        }


def run_iqiyi(
    data: ClipIdentification,
    fusers: Sequence[Fuser],
    networks: Sequence[Identifier],
    say: Callable[[str], None],
) -> IqiyiResult:
    """Measure every way.

    Args:
        data: Clips.
        fusers: Ways to fuse prototypes.
        networks: Trained ones, each a row of its own: named `+ NetVLAD` and `+ MMA` where they are the paper's.
        say: Receives lines of progress.

    Raises:
        ValueError: If nobody who is known has a clip in the test.
    """
    people = sorted({name for name in data.train.identities if name is not None})
    if not people:
        raise ValueError(f"{data.name}: train has no clip of anybody known")
    held = [one for one in ORDER if data.train.present(one).any() and data.test.present(one).any()]
    if not held:
        raise ValueError(f"{data.name}: train and test have no modality in common")
    rows = [_row("random", "-", np.zeros((len(people), len(data.test))), people, data)]

    def add(one: Identifier, fuser: str) -> None:
        rows.append(_row(one.name, fuser, one.probabilities(data.train, data.test, people), people, data))
        say(f"{one.name}, {fuser}: done")

    for modality in held:
        add(PrototypeIdentifier(f"{modality} alone", fusers[0], (modality,)), "-")
    for fuser in fusers:
        for count in range(2, len(held) + 1):
            name = " + ".join(held[:2]) if count == 2 else f"+ {held[count - 1]}"
            add(PrototypeIdentifier(name, fuser, tuple(held[:count])), fuser.name)
        add(EnsembleIdentifier("+ ensemble", PrototypeIdentifier("", fuser, tuple(held))), fuser.name)
    for network in networks:
        add(network, "network")
    given = {network.name for network in networks}
    return IqiyiResult(data, rows, [name for name in ("+ NetVLAD", "+ MMA") if name not in given])


def _row(name: str, fuser: str, scores: F64, people: Sequence[str], data: ClipIdentification) -> IqiyiRow:
    found = identity_precisions(scores, people, data.test.identities, KEPT)
    if not found:
        raise ValueError(f"{data.name}: the test has no clip of anybody known: nothing can be measured")
    return IqiyiRow(name, fuser, estimate_mean(list(found.values())), found)
