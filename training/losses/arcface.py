"""ArcFace: softmax over identities with a margin on the angle to the right one.

Source: Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", arXiv:1801.07698v4, equation 3.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class ArcFace(nn.Module):
    """Class centres on the sphere, and the loss that pulls embeddings to theirs.

    Args:
        embedding_dim: Length of an embedding.
        classes: Number of identities.
        scale: Radius `s` that the cosines are multiplied by.
        margin: Angle `m` in radians; it can be changed while training, since a full margin from the start may
            not converge.
    """

    def __init__(self, *, embedding_dim: int, classes: int, scale: float, margin: float) -> None:
        super().__init__()
        if classes < 2:
            raise ValueError(f"got {classes} classes, expected at least 2: a softmax over fewer teaches nothing")
        self.centres = nn.Parameter(torch.empty(classes, embedding_dim))
        nn.init.normal_(self.centres, std=0.01)
        self.scale = scale
        self.margin = margin

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Compute the mean loss.

        Args:
            embeddings: [B, D], float32, of any length.
            labels: [B], int64, 0 <= label < K.

        Returns:
            scalar, float32.

        Shape legend: B batch, D embedding dimensions, K classes.
        """
        # [B, K]; half the digits of a cosine would be lost in bfloat16
        with torch.autocast(embeddings.device.type, enabled=False):
            cosines = functional.linear(functional.normalize(embeddings.float()), functional.normalize(self.centres))
        # [B, 1]
        right = cosines.gather(1, labels.unsqueeze(1))
        logits = self.scale * cosines.scatter(1, labels.unsqueeze(1), self._with_margin(right))
        return functional.cross_entropy(logits, labels)

    def _with_margin(self, cosine: Tensor) -> Tensor:
        """Give cos(angle + m), and beyond angle = pi - m, where that would rise again, a line that keeps falling."""
        # The small bound keeps the root's slope finite at a cosine of one.
        sine = (1.0 - cosine.square()).clamp(min=1e-6).sqrt()
        turned = cosine * math.cos(self.margin) - sine * math.sin(self.margin)
        beyond = cosine - self.margin * math.sin(self.margin)
        return torch.where(cosine > math.cos(math.pi - self.margin), turned, beyond)
