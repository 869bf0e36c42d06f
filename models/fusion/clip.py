"""Who is in a clip: frames to clip features, all modalities to one length, attention, classifier.

Source: Liu et al., "iQIYI-VID", figure 3 and sections 5.2 and 5.3: NetVLAD for faces, averages for the rest, a fully
connected layer each to 512 dimensions, attention, and a classifier over the flattened result.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.fusion.attention import MultiModalAttention
from models.fusion.netvlad import netvlad


class FrameMean(nn.Module):
    """The average over frames, projected.

    Args:
        projection: [B, D] -> [B, E].
    """

    def __init__(self, *, projection: nn.Module) -> None:
        super().__init__()
        self.projection = projection

    def forward(self, frames: Tensor) -> Tensor:
        """Aggregate the frames of clips.

        Args:
            frames: [B, N, D], float32.

        Returns:
            [B, E], float32, not normalised.

        Shape legend: B clips, N frames, D dimensions of a frame, E dimensions of a clip.
        """
        embedding: Tensor = self.projection(frames.mean(dim=1))
        return embedding


class ClipIdentifier(nn.Module):
    """Scores of all identities for a clip, from whatever modalities it has.

    Args:
        streams: one a modality, each [B, N_m, D_m] -> [B, E].
        attention: over the M features of a clip.
        classifier: [B, M E] -> [B, K].
    """

    def __init__(self, *, streams: Sequence[nn.Module], attention: MultiModalAttention, classifier: nn.Linear) -> None:
        super().__init__()
        self.streams = nn.ModuleList(streams)
        self.attention = attention
        self.classifier = classifier

    def forward(self, present: Tensor, *frames: Tensor) -> Tensor:
        """Score identities.

        Args:
            present: [B, M], float32, 1 where the modality is there, 0 where it is missing.
            frames: M tensors, each [B, N_m, D_m], float32; what a missing modality holds does not count.

        Returns:
            [B, K], float32, logits: the ranking of clips for an identity is by their softmax.

        Raises:
            ValueError: If there are not M tensors of frames.

        Shape legend: B clips, M modalities, N_m frames of modality m, D_m its dimensions, E common dimensions,
        K identities.
        """
        if len(frames) != len(self.streams):
            raise ValueError(f"got frames of {len(frames)} modalities, expected {len(self.streams)}, in their order")
        # [B, M, E]
        features = torch.stack([stream(part) for stream, part in zip(self.streams, frames, strict=True)], dim=1)
        # [B, M E] -> [B, K]
        logits: Tensor = self.classifier(self.attention(features, present).flatten(1))
        return logits


def clip_identifier(
    *,
    face_dims: Sequence[int],
    other_dims: Sequence[int],
    common_dim: int,
    comparison_dim: int,
    clusters: int,
    identities: int,
) -> ClipIdentifier:
    """Build a `ClipIdentifier`.

    Args:
        face_dims: dimensions of each face feature; they are aggregated by NetVLAD.
        other_dims: dimensions of each other feature; they are averaged.
        common_dim: dimensions of every clip feature.
        comparison_dim: dimensions in which attention compares.
        clusters: centres of each NetVLAD.
        identities: classes.
    """
    streams: list[nn.Module] = [netvlad(dim, clusters=clusters, embedding_dim=common_dim) for dim in face_dims]
    streams += [FrameMean(projection=nn.Linear(dim, common_dim)) for dim in other_dims]
    attention = MultiModalAttention(projection=nn.Linear(common_dim, comparison_dim, bias=False))
    return ClipIdentifier(
        streams=streams, attention=attention, classifier=nn.Linear(len(streams) * common_dim, identities)
    )
