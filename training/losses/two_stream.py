"""The loss of APES: one triplet term for faces, one for voices, one for both together.

Source: Alcazar et al., "APES", section 4.1: L = L_v + L_a + L_av. The published code trains the joint term alone.
"""

from __future__ import annotations

from torch import Tensor, nn

from models.fusion.two_stream import TwoStreamEmbeddings
from training.losses.triplet import TripletMargin


class TwoStreamLoss(nn.Module):
    """Three triplet losses over the same triplets.

    Args:
        triplet: the loss of each term.
    """

    def __init__(self, *, triplet: TripletMargin) -> None:
        super().__init__()
        self.triplet = triplet

    def forward(
        self, anchor: TwoStreamEmbeddings, positive: TwoStreamEmbeddings, negative: TwoStreamEmbeddings
    ) -> dict[str, Tensor]:
        """Compute the terms.

        Args:
            anchor: embeddings of the anchors: face and voice [B, C], joint [B, D].
            positive: the same of a view of the anchor's person.
            negative: the same of a view of another person.

        Returns:
            scalars `face`, `voice` and `joint`, float32, not negative; their sum is descended.

        Shape legend: B triplets, C dimensions of a stream, D of the joint embedding.
        """
        return {
            "face": self.triplet(anchor.face, positive.face, negative.face),
            "voice": self.triplet(anchor.voice, positive.voice, negative.voice),
            "joint": self.triplet(anchor.joint, positive.joint, negative.joint),
        }
