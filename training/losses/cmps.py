"""The five terms of CMPS, unweighted: L = L_CT + L_CI + L_ABS + L_triplet + L_FPR.

Source: Chen et al., "Cross-modality Progressive Person Search" (CMPS), equations 1 and 2. The paper names the terms and
writes out L_ABS; the forms of the others are those of methods.md 2.2: one classifier for both modalities, predicted
distributions in L_ABS (between equal labels it would be zero), the hardest negative in the batch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.partial import PartialBodies, fpr_distances
from training.losses.text_image import SharedIdentity

FPR_MARGIN = 0.3
TRIPLET_MARGIN = 0.2
SMOOTHING = 0.1
# Further away than anything: what is masked out is never the nearest.
FAR = 1e4


class CmpsLoss(nn.Module):
    """All five terms, by name.

    Args:
        embedding_dim: Length of the embeddings of both branches.
        channels: Channels of the local vectors.
        classes: Number of identities.
        margin: of the triplets between modalities, on the cosine.
        fpr_margin: of the triplets between bodies, on the FPR distance.
    """

    def __init__(
        self,
        *,
        embedding_dim: int,
        channels: int,
        classes: int,
        margin: float = TRIPLET_MARGIN,
        fpr_margin: float = FPR_MARGIN,
    ) -> None:
        super().__init__()
        self.identity = SharedIdentity(embedding_dim=embedding_dim, classes=classes)
        self.foreground = nn.Sequential(nn.BatchNorm1d(channels), nn.Linear(channels, classes, bias=False))
        self.margin = margin
        self.fpr_margin = fpr_margin

    def forward(self, bodies: PartialBodies, texts: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Compute the terms.

        Args:
            bodies: of B crops; see `PartialBodies`.
            texts: [B, D], float32; row k describes crop k.
            labels: [B], int64, 0 <= label < K.

        Returns:
            five scalars, float32: `text_identity` (L_CT), `image_identity` (L_CI), `balance` (L_ABS), `triplet`, `fpr`.
            Their sum is the loss.

        Shape legend: B pairs, D embedding dimensions, K classes.
        """
        image_loss, text_loss = self.identity(bodies.embedding, texts, labels)
        chances = [self.identity.classifier(x).float().softmax(dim=1) for x in (texts, bodies.embedding)]
        return {
            "text_identity": text_loss,
            "image_identity": image_loss,
            "balance": balance(chances[0], chances[1]),
            "triplet": two_way_triplet(bodies.embedding, texts, labels, self.margin),
            "fpr": self._matching(bodies, labels),
        }

    def _matching(self, bodies: PartialBodies, labels: Tensor) -> Tensor:
        """L_FPR: triplets on the FPR distance, and the two losses of the published head on the foreground's vector."""
        distances = fpr_distances(bodies.vectors, bodies.weights, bodies.vectors)
        logits = self.foreground(bodies.foreground).float()
        apart = torch.cdist(bodies.foreground.float(), bodies.foreground.float())
        return (
            batch_hard(distances, labels, self.fpr_margin)
            + functional.cross_entropy(logits, labels, label_smoothing=SMOOTHING)
            + batch_hard(apart, labels, self.fpr_margin)
        )


def balance(text_chances: Tensor, image_chances: Tensor) -> Tensor:
    """L_ABS: Σ_i (P_T(i) + P_I(i)) |P_T(i) − P_I(i)|, averaged over the batch.

    Args:
        text_chances: [B, K], float32, predicted distributions over identities; rows sum to 1.
        image_chances: [B, K], likewise.

    Returns:
        scalar, float32, 0 (equal) .. 2 (certain of two different people).

    Shape legend: B pairs, K classes.
    """
    return ((text_chances + image_chances) * (text_chances - image_chances).abs()).sum(dim=1).mean()


def two_way_triplet(images: Tensor, texts: Tensor, labels: Tensor, margin: float) -> Tensor:
    """L_triplet: each pair against the nearest wrong sentence of its body and the nearest wrong body of its sentence.

    Args:
        images: [B, D], float32.
        texts: [B, D], float32; row k describes row k of `images`.
        labels: [B], int64.
        margin: on the cosine.

    Returns:
        scalar, float32, the mean of [m + s(y, x⁻) − s(y, x⁺)]₊ + [m + s(x, y⁻) − s(x, y⁺)]₊; a pair without anything
        wrong in the batch gives 0.

    Shape legend: B pairs, D embedding dimensions.
    """
    # [B, B], rows are bodies
    cosines = functional.normalize(images.float()) @ functional.normalize(texts.float()).T
    right = cosines.diagonal()
    wrong = cosines.masked_fill(labels[:, None] == labels[None, :], -FAR)
    by_image = functional.relu(margin + wrong.amax(dim=1) - right)
    by_text = functional.relu(margin + wrong.amax(dim=0) - right)
    return (by_image + by_text).mean()


def batch_hard(distances: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Triplets of each anchor, its farthest right one and its nearest wrong one: the mean of [m + d⁺ − d⁻]₊.

    Source: Hermans et al., "In Defense of the Triplet Loss for Person Re-Identification", arXiv:1703.07737v4.

    Args:
        distances: [B, B], float32, anchors in rows; need not be symmetric.
        labels: [B], int64.
        margin: on the distance.

    Returns:
        scalar, float32; anchors without anything wrong give 0, those alone of their kind have a right one of 0.

    Shape legend: B batch.
    """
    same = labels[:, None] == labels[None, :]
    itself = torch.eye(labels.shape[0], dtype=torch.bool, device=labels.device)
    right = distances.masked_fill(~same | itself, 0.0).amax(dim=1)
    wrong = distances.masked_fill(same, FAR).amin(dim=1)
    return functional.relu(margin + right - wrong).mean()
