"""NetVLAD as iQIYI-VID adapted it: a batch norm in the assignment, no normalisation of what comes out.

Sources: Liu et al., "iQIYI-VID", section 5.2 and figure 4; Arandjelovic et al., "NetVLAD", arXiv:1511.07247v3, for the
core. How many clusters there are is not stated; 8 is our choice (methods.md 5.1).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class NetVlad(nn.Module):
    """Sums what sets frames apart from learned centres; their order and their number do not matter to its form.

    Args:
        assignment: [.., D] -> [.., K], how near each centre is: a layer and its batch norm.
        centres: [K, D], where the centres begin.
        projection: [B, K D] -> [B, E].
    """

    def __init__(self, *, assignment: nn.Module, centres: Tensor, projection: nn.Module) -> None:
        super().__init__()
        self.assignment = assignment
        self.centres = nn.Parameter(centres)
        self.projection = projection

    def forward(self, frames: Tensor) -> Tensor:
        """Aggregate the frames of clips.

        Args:
            frames: [B, N, D], float32, one embedding a frame.

        Returns:
            [B, E], float32, not normalised.

        Shape legend: B clips, N frames, D dimensions of a frame, K centres, E dimensions of a clip.
        """
        # [B, K, D] -> [B, K D] -> [B, E]
        embedding: Tensor = self.projection(self.residuals(frames).flatten(1))
        return embedding

    def residuals(self, frames: Tensor) -> Tensor:
        """Sum the weighted differences to each centre: [B, N, D] to [B, K, D]."""
        batch, count, dim = frames.shape
        # [B N, D] -> [B N, K] -> [B, N, K]: the norm is over the frames of all clips.
        weights = self.assignment(frames.reshape(batch * count, dim)).softmax(dim=1).reshape(batch, count, -1)
        # sum_i a_ik (x_i - c_k) = sum_i a_ik x_i - c_k sum_i a_ik: [B, K, D]
        gathered = weights.transpose(1, 2) @ frames
        residuals: Tensor = gathered - weights.sum(dim=1).unsqueeze(2) * self.centres
        return residuals


def netvlad(frame_dim: int, *, clusters: int, embedding_dim: int) -> NetVlad:
    """Build a `NetVlad` over frames of `frame_dim`; its centres begin at random, about as far from zero as frames."""
    assignment = nn.Sequential(nn.Linear(frame_dim, clusters), nn.BatchNorm1d(clusters))
    centres = torch.randn(clusters, frame_dim) / frame_dim**0.5
    return NetVlad(assignment=assignment, centres=centres, projection=nn.Linear(clusters * frame_dim, embedding_dim))
