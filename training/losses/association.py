"""The losses of the associative network: who it is, together and by each modality, and that modalities find each other.

Source: our design of CSM-V's network, methods.md 1.2:
L = L_id(r) + l1 sum_m L_id(e'_m) + l2 L_tri(r) + l3 L_assoc. Face and voice hold across films; a body is only compared
with bodies of the same film within a few minutes, since people change clothes.

The design names no weights, temperature or span of time for the terms: the defaults are our choice, not figures.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor, nn

from models.fusion.associative import AssociativeEmbeddings
from training.losses.arcface import ArcFace
from training.losses.distances import cosine, same
from training.losses.info_nce import info_nce
from training.losses.triplet import BatchHardTriplet


@dataclass(frozen=True, slots=True)
class TrackletKeys:
    """Where the tracklets of a batch are from: `identity` and `video` [B] int64, `start_s` and `end_s` [B] float32."""

    identity: Tensor
    video: Tensor
    start_s: Tensor
    end_s: Tensor


class AssociationLoss(nn.Module):
    """The four terms.

    Args:
        together: ArcFace over the representation r.
        keys: one ArcFace a modality, over e'_m.
        short_term: numbers of the modalities that only hold for a while (the body; a head).
        short_term_s: seconds between two tracklets of one video for which it holds.
        keys_weight: l1.
        triplet_weight: l2.
        association_weight: l3.
        temperature: of InfoNCE.
        margin: of the triplets, on the cosine distance.
    """

    def __init__(
        self,
        *,
        together: ArcFace,
        keys: list[ArcFace],
        short_term: Collection[int] = (1,),
        short_term_s: float = 300.0,
        keys_weight: float = 0.5,
        triplet_weight: float = 1.0,
        association_weight: float = 0.5,
        temperature: float = 0.07,
        margin: float = 0.3,
    ) -> None:
        super().__init__()
        self.together = together
        self.keys = nn.ModuleList(keys)
        self.triplet = BatchHardTriplet(margin=margin, distance=cosine)
        self.short_term = frozenset(short_term)
        self.short_term_s = short_term_s
        self.keys_weight = keys_weight
        self.triplet_weight = triplet_weight
        self.association_weight = association_weight
        self.temperature = temperature

    def forward(self, found: AssociativeEmbeddings, present: Tensor, where: TrackletKeys) -> dict[str, Tensor]:
        """Compute the weighted terms.

        Args:
            found: together [B, D], keys [B, M, D], weights [B, M].
            present: [B, M], float32, 1 or 0: what the network was given, after what it dropped itself (a key of a
                dropped modality is 0, and a zero key teaches nothing: its rows are left out by its weight).
            where: [B] each.

        Returns:
            scalars `identity`, `keys`, `triplet` and `association`, float32, weighted; their sum is descended.

        Shape legend: B tracklets, M modalities, D dimensions.
        """
        # Modality dropout happens inside the network: a weight of exactly 0 says what was taken away.
        there = (present > 0.0) & (found.weights > 0.0)
        return {
            "identity": self.together(found.together, where.identity),
            "keys": self.keys_weight * self._keys(found.keys, there, where.identity),
            "triplet": self.triplet_weight * self.triplet(found.together, where.identity),
            "association": self.association_weight * self._associations(found.keys, there, where),
        }

    def _keys(self, keys: Tensor, there: Tensor, identity: Tensor) -> Tensor:
        """Sum ArcFace over modalities, each over the rows that have it."""
        total = keys.sum() * 0.0
        for modality, arcface in enumerate(self.keys):
            rows = there[:, modality]
            if bool(rows.any()):
                total = total + arcface(keys[rows, modality], identity[rows])
        return total

    def _associations(self, keys: Tensor, there: Tensor, where: TrackletKeys) -> Tensor:
        """Average InfoNCE over the pairs of modalities."""
        pairs = list(combinations(range(keys.shape[1]), 2))
        long_term = ~same(where.identity)
        terms = []
        for first, second in pairs:
            brief = not self.short_term.isdisjoint((first, second))
            rivals = long_term & near(where, self.short_term_s) if brief else long_term
            both = there[:, first] & there[:, second]
            terms.append(info_nce(keys[:, first], keys[:, second], rivals, present=both, temperature=self.temperature))
        return torch.stack(terms).mean()


def near(where: TrackletKeys, seconds: float) -> Tensor:
    """Say which tracklets are of one video and at most so many seconds apart: bool[B, B]."""
    # Silence between the end of the earlier and the start of the later; negative where they overlap.
    gap = torch.maximum(
        where.start_s.unsqueeze(0) - where.end_s.unsqueeze(1), where.start_s.unsqueeze(1) - where.end_s.unsqueeze(0)
    )
    return same(where.video) & (gap <= seconds)
