"""One representation of a tracklet by multi-modal attention: iQIYI-VID's fusion, cut off before its classifier.

Source: Liu et al., "iQIYI-VID", figure 3 and section 5.3. The paper ranks by a classifier over known identities; who is
searched for here was never seen in training, so what the classifier would take, the flattened result of the attention,
is the representation.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.fusion.associative import AssociativeEmbeddings
from models.fusion.attention import MultiModalAttention
from models.fusion.dropout import ModalityDropout


class AttentiveNetwork(nn.Module):
    """Maps the embeddings of a tracklet to one space, lets them attend to each other, and lays them side by side.

    Args:
        maps: one a modality, [B, D_m] -> [B, D].
        attention: over the M mapped embeddings.
        dropout: takes modalities away while training.
    """

    def __init__(self, *, maps: Sequence[nn.Module], attention: MultiModalAttention, dropout: ModalityDropout) -> None:
        super().__init__()
        self.maps = nn.ModuleList(maps)
        self.attention = attention
        self.dropout = dropout

    def forward(self, present: Tensor, quality: Tensor, *embeddings: Tensor) -> AssociativeEmbeddings:
        """Attend.

        Args:
            present: [B, M], float32, 1 where the modality is there, 0 where it is missing; at least one a row.
            quality: [B, M], float32; the paper's attention does not look at it, it is here so that networks that fuse
                are asked alike.
            embeddings: M tensors [B, D_m], float32, each row of length one; what a missing modality holds does not
                count, even if it is no number.

        Returns:
            `AssociativeEmbeddings`: together [B, M D], of length one; keys [B, M, D], after attention; weights [B, M],
            each modality's share of the squared length: exactly 0 on what is missing.

        Raises:
            ValueError: If there are not M embeddings.

        Shape legend: B tracklets, M modalities in the order of `maps`, D_m dimensions of modality m, D common
        dimensions.
        """
        if len(embeddings) != len(self.maps):
            raise ValueError(f"got {len(embeddings)} embeddings, expected {len(self.maps)}, in the order of the maps")
        kept = self.dropout(present)
        missing = kept == 0.0
        mapped = [
            layer(part.masked_fill(missing[:, m : m + 1], 0.0))
            for m, (layer, part) in enumerate(zip(self.maps, embeddings, strict=True))
        ]
        # [B, M, D]
        keys = self.attention(torch.stack(mapped, dim=1), kept)
        squares = keys.square().sum(dim=2)
        # [B, M D]
        together = functional.normalize(keys.flatten(1), dim=1)
        return AssociativeEmbeddings(together, keys, squares / squares.sum(dim=1, keepdim=True).clamp(min=1.0e-12))


def attentive_network(*, dims: Sequence[int], common_dim: int, comparison_dim: int, dropout: float) -> AttentiveNetwork:
    """Build an `AttentiveNetwork`.

    Args:
        dims: dimensions of each modality's embedding.
        common_dim: dimensions of every mapped embedding.
        comparison_dim: dimensions in which attention compares.
        dropout: probability of a present modality to go while training.
    """
    attention = MultiModalAttention(projection=nn.Linear(common_dim, comparison_dim, bias=False))
    maps = [nn.Linear(dim, common_dim) for dim in dims]
    return AttentiveNetwork(maps=maps, attention=attention, dropout=ModalityDropout(probability=dropout))
