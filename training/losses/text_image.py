"""Losses that bring sentences to the bodies that they describe: CMPM, SDM, and identity for both.

Sources: Zhang and Lu, "Deep Cross-Modal Projection Learning for Image-Text Matching" (CMPM), ECCV 2018, as IVT uses it
(methods.md 4.4); Jiang and Ye, "Cross-Modal Implicit Relation Reasoning and Aligning for Text-to-Image Person
Retrieval" (IRRA), arXiv:2303.12501 (SDM; methods.md 4.6); Yang et al., "Unified Contrastive Learning in
Image-Text-Label Space" (UniCL), arXiv:2204.03610 (the contrast with several right partners).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

# Inside the logarithm of the targets, as published.
EPSILON = 1e-8
SDM_SCALE = 50.0

Normalisation = Literal["sum", "l2"]


class CrossModalProjection(nn.Module):
    """CMPM: how each body's similarities to all sentences differ from who is the same, and the other way round.

    Args:
        targets: How the rows of the same-identity mask become targets: `sum` divides by the number of right ones, as
            CMPM defines it; `l2` by its root, as IVT's published code does, whose targets then do not sum to 1 where
            somebody is there twice.
    """

    def __init__(self, *, targets: Normalisation = "sum") -> None:
        super().__init__()
        self.targets: Normalisation = targets

    def forward(self, images: Tensor, texts: Tensor, labels: Tensor) -> Tensor:
        """Compute the loss of both directions, summed.

        Args:
            images: [B, D], float32, of any length.
            texts: [B, D], float32, of any length; row k describes row k of `images`.
            labels: [B], int64, equal for the same identity.

        Returns:
            scalar, float32.

        Shape legend: B pairs, D embedding dimensions.
        """
        images, texts = images.float(), texts.float()
        # [B, B]
        targets = matching_targets(labels, self.targets)
        forth = images @ functional.normalize(texts).T
        back = texts @ functional.normalize(images).T
        return divergence(forth, targets) + divergence(back, targets)


class SimilarityDistribution(nn.Module):
    """SDM: CMPM over cosines, sharpened by a scale.

    Args:
        scale: what cosines are multiplied by; 1 / 0.02 in IRRA.
    """

    def __init__(self, *, scale: float = SDM_SCALE) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, images: Tensor, texts: Tensor, labels: Tensor) -> Tensor:
        """Compute the loss of both directions, summed; arguments and result as in `CrossModalProjection`."""
        logits = scaled_cosines(images, texts, self.scale)
        targets = matching_targets(labels, "sum")
        return divergence(logits, targets) + divergence(logits.T, targets)


class SharedContrast(nn.Module):
    """Contrast of cosines in which each body may have several right sentences, and the other way round (UniCL).

    The divergence of SDM the other way about: right pairs are drawn together from the first step on, where SDM pushes
    wrong ones apart, which from random weights has hardly a slope.

    Args:
        scale: what cosines are multiplied by.
    """

    def __init__(self, *, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, images: Tensor, texts: Tensor, labels: Tensor) -> Tensor:
        """Compute the mean loss of both directions; arguments and result as in `CrossModalProjection`."""
        logits = scaled_cosines(images, texts, self.scale)
        targets = matching_targets(labels, "sum")
        return 0.5 * (functional.cross_entropy(logits, targets) + functional.cross_entropy(logits.T, targets))


class SharedIdentity(nn.Module):
    """Identity told from bodies and from sentences by one classifier, so that both learn the same directions.

    Source: Zheng et al., "Dual-Path Convolutional Image-Text Embeddings with Instance Loss", arXiv:1711.05535v4.

    Args:
        embedding_dim: Length of an embedding.
        classes: Number of identities.
        smoothing: Share of the target that is spread over all classes.
    """

    def __init__(self, *, embedding_dim: int, classes: int, smoothing: float = 0.0) -> None:
        super().__init__()
        if classes < 2:
            raise ValueError(f"got {classes} classes, expected at least 2: a softmax over fewer teaches nothing")
        self.classifier = nn.Linear(embedding_dim, classes, bias=False)
        nn.init.normal_(self.classifier.weight, std=0.001)
        self.smoothing = smoothing

    def forward(self, images: Tensor, texts: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the mean cross-entropy of each modality.

        Args:
            images: [B, D], float32.
            texts: [S, D], float32; S is B where every body has a sentence.
            labels: [B], int64, 0 <= label < K, of both.

        Returns:
            two scalars, float32: of the bodies, of the sentences.

        Shape legend: B bodies, S sentences, D embedding dimensions, K classes.
        """
        losses = [
            functional.cross_entropy(self.classifier(x).float(), labels, label_smoothing=self.smoothing)
            for x in (images, texts)
        ]
        return losses[0], losses[1]


def scaled_cosines(images: Tensor, texts: Tensor, scale: float) -> Tensor:
    """Cosine of each body with each sentence, times a scale: [B, B] of float32."""
    return scale * functional.normalize(images.float()) @ functional.normalize(texts.float()).T


def matching_targets(labels: Tensor, how: Normalisation) -> Tensor:
    """Give who is the same as rows of targets, [B, B] of float32; see `CrossModalProjection`."""
    same = (labels[:, None] == labels[None, :]).to(torch.float32)
    return functional.normalize(same, p=1.0 if how == "sum" else 2.0, dim=1)


def divergence(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean over the rows of Σ_j p_j (log p_j − log(q_j + ε)), p the softmax of the logits [B, B], q the targets."""
    logs = functional.log_softmax(logits, dim=1)
    return (logs.exp() * (logs - (targets + EPSILON).log())).sum(dim=1).mean()
