"""Multi-modal attention: features that agree are strengthened, those that stand alone are left as they are.

Source: Liu et al., "iQIYI-VID", section 5.3, equations 1 to 3. The mask of missing modalities is ours (methods.md 5.1);
with all of them present the module is the paper's.
"""

from __future__ import annotations

from torch import Tensor, nn

from models.fusion.masked import masked_softmax


class MultiModalAttention(nn.Module):
    """Adds to each modality's feature what the others know, weighted by how alike they are.

    Args:
        projection: [.., D] -> [.., d], without bias: W_F.
        gamma: How much is added; the paper fixes 0.05.
    """

    def __init__(self, *, projection: nn.Linear, gamma: float = 0.05) -> None:
        super().__init__()
        if projection.bias is not None:
            raise ValueError("the projection has a bias, equation 2 has none: build it with bias=False")
        self.projection: nn.Linear = projection
        self.gamma: float = gamma

    def forward(self, features: Tensor, present: Tensor) -> Tensor:
        """Fuse.

        Args:
            features: [B, M, D], float32; the paper's X is each [M, D] transposed.
            present: [B, M], float32, 1 where the modality is there, 0 where it is missing.

        Returns:
            [B, M, D], float32; rows of missing modalities are 0.

        Shape legend: B clips, M modalities, D dimensions, d dimensions of the comparison.
        """
        mask = present.unsqueeze(2)
        # The product alone would let a NaN of a missing modality through.
        known = features.masked_fill(mask == 0.0, 0.0)
        # O_j = X_j + gamma sum_i Y_ij X_i: [B, M, D]
        gained = self.weights(known, present).transpose(1, 2) @ known
        return (known + self.gamma * gained) * mask

    def weights(self, features: Tensor, present: Tensor) -> Tensor:
        """Give Y, [B, M, M]: column j says how much of each modality i is added to j; columns sum to one.

        Rows of missing modalities are exactly 0.
        """
        # [B, M, d] -> [B, M, M]
        projected = self.projection(features)
        gram = projected @ projected.transpose(1, 2)
        # A column's own entry is a square: the highest present score of a modality that is there is never negative.
        return masked_softmax(gram, present.unsqueeze(2), dim=1)
