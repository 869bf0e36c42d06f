"""The figures of following people: how much of the truth is covered, and how often a person changes appearance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.metrics.identity_switches import count_switches
from evaluation.metrics.tracklet_precision import count_pairs
from evaluation.metrics.tracklet_recall import covered
from evaluation.predictions import PredictedTracklet
from evaluation.truth import Film

__all__ = ["Followed", "follow"]


@dataclass(frozen=True, slots=True)
class Followed:
    """Counts of one film; `truth_count`, `covered_count` and `switch_count` over the truth tracklets that count."""

    truth_count: int
    covered_count: int
    switch_count: int
    predicted_count: int
    paired_count: int


def follow(film: Film, predicted: Sequence[PredictedTracklet]) -> Followed:
    """Compare the predicted tracklets of a film with its truth."""
    counting = [tracklet for tracklet in film.tracklets if tracklet.counts]
    switches = count_switches([tracklet.tube for tracklet in film.tracklets], [one.tube for one in predicted])
    counts = np.array([tracklet.counts for tracklet in film.tracklets], dtype=bool)
    return Followed(
        truth_count=len(counting),
        covered_count=sum(covered(counting, predicted)),
        switch_count=int(switches[counts].sum()),
        predicted_count=len(predicted),
        paired_count=count_pairs(film.tracklets, predicted),
    )
