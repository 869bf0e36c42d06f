"""A-Softmax: softmax over identities where the angle to the right one is multiplied.

Source: Liu et al., "SphereFace", arXiv:1704.08063v4, equations 6 and 7: class centres of length one, embeddings of any
length (which is what makes their length say how clear a face is), and the angle in m pieces of a falling curve.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class SphereFaceLoss(nn.Module):
    """Class centres on the sphere, and the loss over angles multiplied by a whole number.

    Args:
        embedding_dim: Length of an embedding.
        classes: Number of identities.
        margin: Whole number m that the angle is multiplied by; the paper trains with 4.
        blend: Weight lambda of the plain cosine beside the curve, which training lowers from about 1000 to 5 and which
            can be changed between steps: with the curve alone a fresh network does not converge.
    """

    def __init__(self, *, embedding_dim: int, classes: int, margin: int = 4, blend: float = 0.0) -> None:
        super().__init__()
        if classes < 2:
            raise ValueError(f"got {classes} classes, expected at least 2: a softmax over fewer teaches nothing")
        if margin < 1:
            raise ValueError(f"got margin {margin}, expected a whole number of at least 1")
        self.centres = nn.Parameter(torch.empty(classes, embedding_dim))
        nn.init.normal_(self.centres, std=0.01)
        self.margin = margin
        self.blend = blend

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Compute the mean loss.

        Args:
            embeddings: [B, D], float32, of any length.
            labels: [B], int64, 0 <= label < K.

        Returns:
            scalar, float32.

        Shape legend: B batch, D embedding dimensions, K classes.
        """
        lengths = embeddings.float().norm(dim=1, keepdim=True).clamp(min=1e-6)
        # [B, K]
        cosines = functional.linear(embeddings.float() / lengths, functional.normalize(self.centres))
        # [B, 1]
        right = cosines.gather(1, labels.unsqueeze(1))
        bent = (self.blend * right + self._curve(right)) / (1.0 + self.blend)
        return functional.cross_entropy(lengths * cosines.scatter(1, labels.unsqueeze(1), bent), labels)

    def _curve(self, cosine: Tensor) -> Tensor:
        """Give psi = (-1)^k cos(m t) - 2 k for angles t in piece k of m: it falls from 1 to 1 - 2 m."""
        # The bound keeps the slope of the arc cosine finite at both ends.
        angle = torch.acos(cosine.clamp(-1.0 + 1e-6, 1.0 - 1e-6))
        piece = (self.margin * angle.detach() / torch.pi).floor()
        sign = 1.0 - 2.0 * (piece % 2.0)
        return sign * torch.cos(self.margin * angle) - 2.0 * piece
