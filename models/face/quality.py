"""How clearly a face was seen, read off the length of an embedding.

Sources: Ranjan, Castillo, Chellappa, "L2-constrained softmax loss", arXiv:1703.09507v3, section 3 (lengths of features
that a softmax trained say how good a face is); Liu et al., "iQIYI-VID", section 5.1 (the length of FC1 of SphereFace
ranks faces, the best 32 are kept: `packs.quality.best_rows`).
"""

from __future__ import annotations

from torch import Tensor, nn


class NormQuality(nn.Module):
    """The length of each embedding."""

    def forward(self, embeddings: Tensor) -> Tensor:
        """Measure.

        Args:
            embeddings: [B, D], float32, as an encoder gave them: normalised ones would all measure one.

        Returns:
            [B, 1], float32, not negative; larger is clearer, on a scale of the encoder's own.

        Shape legend: B faces, D embedding dimensions.
        """
        return embeddings.float().square().sum(dim=1, keepdim=True).sqrt()


class QualityGraph(nn.Module):
    """The served form of a face encoder that says its quality too.

    Args:
        encoder: gives embeddings: an `IResNet` for the quality of its own, a `SphereFace` for iQIYI's.
        quality: what is read off them.
    """

    def __init__(self, *, encoder: nn.Module, quality: NormQuality) -> None:
        super().__init__()
        self.encoder = encoder
        self.quality = quality

    def forward(self, crop: Tensor) -> tuple[Tensor, Tensor]:
        """Embed and measure faces.

        Args:
            crop: [B, H, W, 3], uint8, 0..255, RGB.

        Returns:
            embeddings [B, D], float32, not normalised, and qualities [B, 1], float32, not negative.

        Shape legend: B crops, H rows, W columns, D embedding dimensions.
        """
        # [B, D]
        embeddings = self.encoder(crop)
        return embeddings, self.quality(embeddings)
