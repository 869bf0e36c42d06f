"""The losses of AlignedReID++: who it is, and triplets by the whole body and by its stripes.

Sources: Zhang et al., "AlignedReID", arXiv:1711.08184v2, section 3.2 (the hardest triplets are found by the distance of
whole bodies, and the same ones are used for the stripes); Luo et al., "AlignedReID++", Pattern Recognition 94 (2019):
the sum of the identity loss with smoothed labels and both triplet losses, margin 0.3.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from models.body import BodyEmbeddings, stripe_distances
from training.losses.distances import euclidean
from training.losses.triplet import hardest, margin_loss


class AlignedLoss(nn.Module):
    """Identity, whole-body triplets and stripe triplets.

    Args:
        classifier: [B, D] -> [B, K], over whole bodies.
        margin: Of both triplet losses.
        smoothing: Share of a label that is spread over all classes.
    """

    def __init__(self, *, classifier: nn.Linear, margin: float = 0.3, smoothing: float = 0.1) -> None:
        super().__init__()
        self.classifier = classifier
        self.margin = margin
        self.smoothing = smoothing

    def forward(self, bodies: BodyEmbeddings, labels: Tensor) -> dict[str, Tensor]:
        """Compute the terms.

        Args:
            bodies: whole [B, D] and stripes [B, S, E], float32.
            labels: [B], int64, 0 <= label < K.

        Returns:
            scalars `identity`, `whole` and `stripes`, float32, not negative; their sum is descended.

        Shape legend: B batch, D dimensions of a whole body, S stripes, E dimensions of a stripe, K classes.
        """
        # [B, K]
        logits = self.classifier(bodies.whole)
        # [B, B], both
        whole = euclidean(bodies.whole, bodies.whole)
        rows = hardest(whole.detach(), labels)
        stripes = stripe_distances(bodies.stripes.float(), bodies.stripes.float())
        return {
            "identity": functional.cross_entropy(logits.float(), labels, label_smoothing=self.smoothing),
            "whole": margin_loss(whole, rows, self.margin),
            "stripes": margin_loss(stripes, rows, self.margin),
        }
