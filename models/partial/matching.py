"""FPR matching in torch, for training and for whole batches; `packs.partial` serves the same without torch.

Source: He et al., arXiv:1904.04975 (methods.md 2.3).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

RIDGE = 0.001


def gallery_inverse(vectors: Tensor, *, ridge: float = RIDGE) -> Tensor:
    """Compute the gallery's half of the matching, (GᵀG + κI)⁻¹Gᵀ.

    Args:
        vectors: [G, C, N], float32, unit columns.
        ridge: κ > 0.

    Returns:
        [G, N, C], float32.

    Shape legend: G items, C channels, N vectors.
    """
    gram = vectors.transpose(1, 2) @ vectors
    eye = torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device)
    inverse: Tensor = torch.linalg.solve(gram + ridge * eye, vectors.transpose(1, 2))
    return inverse


def fpr_distances(query: Tensor, weights: Tensor, gallery: Tensor, *, ridge: float = RIDGE) -> Tensor:
    """Compute the distance of each query to each gallery item, Σ_n p_n ‖G W_n − Q_n‖.

    Args:
        query: [Q, C, M], float32, local vectors as columns, of any length.
        weights: [Q, M], float32, share of the foreground of each; rows sum to 1.
        gallery: [G, C, N], float32, local vectors as columns, of any length.
        ridge: κ > 0.

    Returns:
        [Q, G], float32, 0..1.

    Shape legend: Q queries, G gallery items, C channels, M vectors of a query, N vectors of an item.
    """
    unit_query = functional.normalize(query.float(), dim=1)
    unit_gallery = functional.normalize(gallery.float(), dim=1)
    inverse = gallery_inverse(unit_gallery, ridge=ridge)
    # [Q, G, N, M]
    mixture = inverse.unsqueeze(0) @ unit_query.unsqueeze(1)
    # [Q, G, C, M]
    missing = unit_gallery.unsqueeze(0) @ mixture - unit_query.unsqueeze(1)
    # [Q, G, M]; the small term keeps the root's slope finite where nothing is missing.
    residuals = (missing.square().sum(dim=2) + 1e-12).sqrt()
    return (residuals * weights.float().unsqueeze(1)).sum(dim=2)
