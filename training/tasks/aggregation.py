"""Training NetVLAD to make one embedding of a tracklet's (iQIYI-VID, section 5.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from models.fusion.netvlad import NetVlad
from training.data.batches import epoch_rows, step_generator
from training.data.tracklets import Rows, Tracklets
from training.losses import ArcFace
from training.measure.served import F32, unit
from training.recipe import AggregationRecipe, phase_at, total_steps
from training.tasks.encoder import margin_at


@dataclass(frozen=True, slots=True)
class TrackletBatch:
    """Embeddings float32[B, N, D] of length 1 times how sure each is, and labels int64[B]."""

    frames: Tensor
    labels: Tensor


class AggregationTask:
    """NetVLAD with ArcFace over the identities of tracklets.

    Args:
        network: The network; it is set to begin as the mean of a tracklet's embeddings, which is hard to beat from
            random weights with a few thousand tracklets.
        tracklets: What it learns from.
        recipe: How.
    """

    def __init__(self, *, network: NetVlad, tracklets: Tracklets, recipe: AggregationRecipe) -> None:
        begin_as_mean(network)
        self.network: nn.Module = network
        self.tracklets = tracklets
        self.recipe = recipe
        self.looks = relative(tracklets)
        self.arcface = ArcFace(
            embedding_dim=tracklets.embeddings.shape[1],
            classes=tracklets.classes,
            scale=recipe.margin.scale,
            margin=recipe.margin.margin,
        )
        self.trained: nn.Module = nn.ModuleDict({"network": network, "arcface": self.arcface})

    def make_batch(self, step: int) -> TrackletBatch:
        """Draw the tracklets of a step and as many frames of each as the recipe says."""
        rng = step_generator(self.recipe.seed, step)
        rows = epoch_rows(len(self.tracklets), phase_at(self.recipe, step).batch, step, self.recipe.seed)
        drawn = np.stack([drawn_frames(self.tracklets.members[row], self.recipe.frames, rng) for row in rows])
        return TrackletBatch(
            torch.from_numpy(self.looks[drawn]), torch.from_numpy(self.tracklets.identity[rows].astype(np.int64))
        )

    def losses(self, batch: TrackletBatch, step: int) -> dict[str, Tensor]:
        """Compute ArcFace with the margin that this step has reached."""
        self.arcface.margin = margin_at(self.recipe.margin, step, total_steps(self.recipe))
        return {"arcface": self.arcface(self.network(batch.frames), batch.labels)}


def relative(tracklets: Tracklets) -> F32:
    """Scale embeddings so that a usual crop's has length 1: float32[N, D]. Longer ones are surer, and stay longer."""
    usual = float(np.median(np.linalg.norm(tracklets.embeddings, axis=1)))
    return np.asarray(tracklets.embeddings / max(usual, 1e-6), dtype=np.float32)


def drawn_frames(members: Rows, count: int, rng: np.random.Generator) -> Rows:
    """Draw `count` of a tracklet's rows: without repeating one before all are drawn, as a short clip has few."""
    rounds = -(-count // len(members))
    return np.concatenate([rng.permutation(members) for _ in range(rounds)])[:count]


@torch.no_grad()
def begin_as_mean(network: NetVlad) -> None:
    """Set a network so that it gives the sum of its frames less a constant: residuals to all centres, added up."""
    clusters, dim = network.centres.shape
    if not isinstance(network.projection, nn.Linear) or network.projection.out_features != dim:
        raise ValueError(f"expected a projection from {clusters * dim} to {dim}, as long as a frame's embedding")
    network.centres.mul_(0.1)
    network.projection.weight.copy_(torch.eye(dim).repeat(1, clusters))
    network.projection.bias.zero_()


def aggregated(network: nn.Module, looks: F32, members: Rows) -> F32:
    """Give the embedding of one tracklet, all its frames at once: float32[E] of length 1, in inference mode."""
    with torch.inference_mode():
        vector = network.eval()(torch.from_numpy(looks[members][None])).numpy()
    joined: F32 = unit(vector)[0]
    return joined
