"""The associative network: one representation of a tracklet, from whichever of face, body and voice it has.

Source: our design of CSM-V's network, methods.md 1.2: of the paper only the abstract can be read (Wang et al., "Robust
person search with a multimodality index"), and this is the smallest network that does what it says: it relates the
embeddings of a tracklet and estimates a weight for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.fusion.dropout import ModalityDropout
from models.fusion.masked import masked_softmax


class AssociativeEmbeddings(NamedTuple):
    """Of a batch of tracklets.

    together [B, D], of length one; keys [B, M, D], one a modality in the common space, 0 where it is missing; weights
    [B, M], they sum to one over what is present and are exactly 0 on what is not.
    """

    together: Tensor
    keys: Tensor
    weights: Tensor


class ModalityGate(nn.Module):
    """How much each modality of a tracklet is worth, seen together and with what is known of their quality.

    Args:
        mixing: [B, M D + M] -> [B, H]: U of the design.
        scores: [B, H] -> [B, M]: the rows u_m of the design.
    """

    def __init__(self, *, mixing: nn.Module, scores: nn.Module) -> None:
        super().__init__()
        self.mixing = mixing
        self.scores = scores

    def forward(self, keys: Tensor, quality: Tensor, present: Tensor) -> Tensor:
        """Weigh.

        Args:
            keys: [B, M, D], float32, 0 where missing.
            quality: [B, M], float32, 0 where missing.
            present: [B, M], float32, 1 or 0.

        Returns:
            [B, M], float32: the softmax over what is present, exactly 0 on what is missing, all 0 with nothing there.

        Shape legend: B tracklets, M modalities, D dimensions of a key, H hidden dimensions.
        """
        # [B, M D + M] -> [B, H] -> [B, M]
        hidden = torch.tanh(self.mixing(torch.cat([keys.flatten(1), quality], dim=1)))
        scores = self.scores(hidden)
        return masked_softmax(scores, present, dim=1)


class QualityGate(nn.Module):
    """A gate of two numbers a modality: what it is worth, and what its quality adds to that, never less than 0.

    With few people to learn from, a gate that sees the keys would learn them by heart; and one that may choose so lets
    an unclear face count more than a clear one, where that fits by chance.

    Args:
        modalities: M.
    """

    def __init__(self, *, modalities: int) -> None:
        super().__init__()
        self.worth = nn.Parameter(torch.zeros(modalities))
        # Softplus makes 1 of it: a modality at its best begins e times as heavy as one at its worst.
        self.gain = nn.Parameter(torch.full((modalities,), 0.5413))

    def forward(self, keys: Tensor, quality: Tensor, present: Tensor) -> Tensor:
        """Weigh by quality alone; arguments and answer are those of `ModalityGate.forward`."""
        return masked_softmax(self.worth + functional.softplus(self.gain) * quality, present, dim=1)


class AssociativeNetwork(nn.Module):
    """Maps the embeddings of a tracklet to keys of one space, their weights, and one representation.

    Args:
        maps: one a modality, [B, D_m] -> [B, D], each ends in a layer norm.
        gate: weighs them.
        dropout: takes modalities away while training.
    """

    def __init__(
        self, *, maps: Sequence[nn.Module], gate: ModalityGate | QualityGate, dropout: ModalityDropout
    ) -> None:
        super().__init__()
        self.maps = nn.ModuleList(maps)
        self.gate = gate
        self.dropout = dropout

    def forward(self, present: Tensor, quality: Tensor, *embeddings: Tensor) -> AssociativeEmbeddings:
        """Associate.

        Args:
            present: [B, M], float32, 1 where the modality is there, 0 where it is missing; at least one a row.
            quality: [B, M], float32, about 0..1: how clear a face, how sure a body, how long a voice.
            embeddings: M tensors [B, D_m], float32, each row of length one; what a missing modality holds does not
                count, even if it is no number.

        Returns:
            `AssociativeEmbeddings`: together [B, D], keys [B, M, D], weights [B, M].

        Raises:
            ValueError: If there are not M embeddings.

        Shape legend: B tracklets, M modalities in the order of `maps`, D_m dimensions of modality m, D common
        dimensions.
        """
        if len(embeddings) != len(self.maps):
            raise ValueError(f"got {len(embeddings)} embeddings, expected {len(self.maps)}, in the order of the maps")
        kept = self.dropout(present)
        missing = kept == 0.0
        # [B, M, D]
        keys = torch.stack([self._key(m, part, missing) for m, part in enumerate(embeddings)], dim=1)
        weights = self.gate(keys, quality.masked_fill(missing, 0.0), kept)
        # [B, D]
        together = functional.normalize((weights.unsqueeze(2) * keys).sum(dim=1), dim=1)
        return AssociativeEmbeddings(together=together, keys=keys, weights=weights)

    def _key(self, modality: int, embedding: Tensor, missing: Tensor) -> Tensor:
        gone = missing[:, modality : modality + 1]
        key: Tensor = self.maps[modality](embedding.masked_fill(gone, 0.0))
        return key.masked_fill(gone, 0.0)


def associative_network(
    *, dims: Sequence[int], common_dim: int, hidden_dim: int | None, dropout: float
) -> AssociativeNetwork:
    """Build an `AssociativeNetwork`.

    Args:
        dims: dimensions of each modality's embedding.
        common_dim: dimensions of keys and representation.
        hidden_dim: dimensions inside the gate of the design; None for a gate that sees quality alone.
        dropout: probability of a present modality to go while training.
    """
    modalities = len(dims)
    maps = [nn.Sequential(nn.Linear(dim, common_dim), nn.LayerNorm(common_dim)) for dim in dims]
    gate: ModalityGate | QualityGate = QualityGate(modalities=modalities)
    if hidden_dim is not None:
        gate = ModalityGate(
            mixing=nn.Linear(modalities * common_dim + modalities, hidden_dim, bias=False),
            scores=nn.Linear(hidden_dim, modalities, bias=False),
        )
    return AssociativeNetwork(maps=maps, gate=gate, dropout=ModalityDropout(probability=dropout))
