"""What `fusing.Fuser` gives of who is seen, of very many candidates at once.

A search compares its vectors with thousands of appearances only to know who is somebody else, and needs of each the
probability and no shares. So the evidence comes as columns, one for each vector of the query, and all is arithmetic
on arrays; the formula is that of `fusing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from packs.arrays import F64
from packs.calibration import Calibration
from packs.spec import Modality
from services.fusion.settings import FusionSettings
from services.runtime.trust import trusts_in

__all__ = ["Column", "seen"]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """What one vector of the query says of N candidates.

    Attributes:
        modality: Of the vector.
        weight: Of the query's part, in [-1, 1]; below 0 it counts against.
        cosines: float64[N], in [-1, 1]; NaN where the candidate has nothing to compare with.
        qualities: float64[N], of the weaker embedding, in [0, 1].
    """

    modality: Modality
    weight: float
    cosines: F64
    qualities: F64


def seen(
    calibration: Mapping[Modality, Calibration], settings: FusionSettings, columns: Sequence[Column], links: F64
) -> F64:
    """The probability that each candidate shows the person asked for; 0 without evidence for it.

    Args:
        calibration: Of the pack; a modality without one decides nothing.
        settings: How evidence is weighed.
        columns: The evidence.
        links: float64[N], how sure it is that who is heard in a candidate is who is seen in it.

    Returns:
        float64[N].
    """
    count = len(links)
    speaking_for: dict[Modality, F64] = {}
    against: dict[Modality, F64] = {}
    for column in columns:
        if column.weight != 0.0 and column.modality in calibration:
            side = speaking_for if column.weight > 0.0 else against
            nats = _nats(calibration[column.modality], settings.limit_log_odds, column)
            side[column.modality] = np.maximum(nats, side.get(column.modality, np.full(count, -np.inf)))
    looks, voice, spoken = np.zeros(count), np.zeros(count), np.zeros(count, dtype=np.bool_)
    for modality, nats in speaking_for.items():
        said = nats > -np.inf
        spoken |= said
        side_of = voice if modality is Modality.VOICE else looks
        side_of += np.where(said, nats, 0.0)
    for modality, nats in against.items():
        side_of = voice if modality is Modality.VOICE else looks
        side_of -= np.maximum(0.0, nats)
    prior = settings.prior_log_odds
    together, unsure = _sigmoid(prior + looks + voice), links < 1.0
    if not unsure.any():
        # Nearly always: who is heard is asked only where somebody is to be heard.
        return np.where(spoken, together, 0.0)
    link = np.where(unsure, _links_after(links, prior, looks, voice), links)
    return np.where(spoken, link * together + (1.0 - link) * _sigmoid(prior + looks), 0.0)


def _nats(calibration: Calibration, limit: float, column: Column) -> F64:
    """What a column says, its weight's sign left out; -inf for what says nothing at all."""
    trusts = trusts_in(column.modality, column.qualities)
    silent = np.isnan(column.cosines) | (trusts == 0.0)
    said = trusts * calibration.logit_of(np.where(silent, 0.0, column.cosines), column.qualities)
    return np.where(silent, -np.inf, np.clip(said, -limit, limit) * abs(column.weight))


def _links_after(links: F64, prior: float, looks: F64, voice: F64) -> F64:
    """How sure it is that seen and heard are one person, once both have been compared with the person asked for."""
    rare = 1.0 / (1.0 + np.exp(-prior))

    def likelihood(nats: F64) -> F64:
        return np.asarray(rare * np.exp(nats) + 1.0 - rare, dtype=np.float64)

    one = links * likelihood(looks + voice)
    return np.asarray(one / (one + (1.0 - links) * likelihood(looks) * likelihood(voice)), dtype=np.float64)


def _sigmoid(log_odds: F64) -> F64:
    # Stable at both ends: the exponent is never above 0.
    small = np.exp(-np.abs(log_odds))
    return np.asarray(np.where(log_odds >= 0.0, 1.0, small) / (1.0 + small), dtype=np.float64)
