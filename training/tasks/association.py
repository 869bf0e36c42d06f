"""Training what makes one representation of a tracklet: the associative network, and multi-modal attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from models.fusion.associative import AssociativeNetwork
from models.fusion.attentive import AttentiveNetwork
from models.fusion.dropout import drop_modalities
from training.data.associations import LASTING, PARTS, SUBSETS, FilmTracklets, Rows
from training.data.batches import step_generator
from training.losses import ArcFace
from training.losses.association import AssociationLoss, TrackletKeys
from training.losses.contrast import contrast
from training.recipe import AssociationRecipe, phase_at, total_steps
from training.tasks.encoder import margin_at

FusingNetwork = AssociativeNetwork | AttentiveNetwork
LASTING_SUBSETS = tuple(subset for subset in SUBSETS if LASTING.issuperset(subset))
# Beyond these, subsets that are rarer than a batch is wide teach by chance.
LEAST_ROWS = 16


@dataclass(frozen=True, slots=True)
class View:
    """Tracklets that have a subset of the modalities, and nothing else of them.

    `present` and `quality` float32[B, M], `embeddings` M of float32[B, D_m]; `where` says whose and when; `comparable`
    bool[B, B] says which pairs may be compared by all of the subset.
    """

    present: Tensor
    quality: Tensor
    embeddings: tuple[Tensor, ...]
    where: TrackletKeys
    comparable: Tensor


@dataclass(frozen=True, slots=True)
class AssociationBatch:
    """`lasting` by face or voice or both, of all films; `near` by any modalities, mostly of one film."""

    lasting: View
    near: View


class AssociationTask:
    """The four terms of methods.md 1.2 over what lasts, and a contrast over what is near.

    A body must not say who somebody is in another film. So the terms that know identities see faces and voices alone,
    and where heads and bodies take part, only pairs within the window teach. Tracklets are compared by what both have,
    therefore modalities are dropped for all of a view at once; of what lasts more is dropped, for each by itself, since
    a face alone asks for who has both.

    Args:
        network: It is set to begin with isometries, which keep the cosines of the embeddings.
        tracklets: What it learns from.
        recipe: How.
    """

    def __init__(self, *, network: FusingNetwork, tracklets: FilmTracklets, recipe: AssociationRecipe) -> None:
        begin_with_isometries(network)
        # Drawn with the batch instead, so that a run that was killed goes on as if it had not been.
        network.dropout.probability = 0.0
        self.network: nn.Module = network
        self.maps = network.maps
        self.tracklets = tracklets
        self.recipe = recipe
        self.subsets = [subset for subset in SUBSETS if len(tracklets.having(subset)) >= LEAST_ROWS]
        self.lasting = [subset for subset in LASTING_SUBSETS if subset in self.subsets]
        margin, terms = recipe.margin, recipe.terms
        wide = int(_answer_width(network))

        def arcface(dim: int) -> ArcFace:
            return ArcFace(embedding_dim=dim, classes=tracklets.classes, scale=margin.scale, margin=margin.margin)

        self.loss = AssociationLoss(
            together=arcface(wide),
            keys=[arcface(_key_width(network)) for _ in PARTS],
            short_term=[number for number in range(len(PARTS)) if number not in LASTING],
            short_term_s=terms.window_s,
            keys_weight=terms.keys,
            triplet_weight=terms.triplet,
            association_weight=terms.association,
            temperature=terms.temperature,
        )
        self.trained: nn.Module = nn.ModuleDict({"network": network, "loss": self.loss})

    def make_batch(self, step: int) -> AssociationBatch:
        """Draw a subset for each view, and rows that have it."""
        rng, batch = step_generator(self.recipe.seed, step), phase_at(self.recipe, step).batch
        lasting = self.lasting[rng.integers(len(self.lasting))]
        rows = self.tracklets.having(lasting)
        near = self.subsets[rng.integers(len(self.subsets))]
        rows, others = rng.permutation(rows)[:batch], self._of_a_film(near, batch, rng)
        draws = torch.from_numpy(rng.random((len(rows), len(PARTS)), dtype=np.float32))
        one = self._view(rows, lasting)
        kept = drop_modalities(one.present, draws, self.recipe.dropout)
        return AssociationBatch(replace(one, present=kept), self._view(others, near))

    def losses(self, batch: AssociationBatch, step: int) -> dict[str, Tensor]:
        """Compute all terms, with the margin that this step has reached."""
        for layers, (modality, _) in zip(self.maps, PARTS, strict=True):
            layers.requires_grad_(modality in self.recipe.learns and step >= self.recipe.maps_from)
        margin = margin_at(self.recipe.margin, step, total_steps(self.recipe))
        for arcface in (self.loss.together, *self.loss.keys):
            arcface.margin = margin
        one, other = batch.lasting, batch.near
        found = self.loss(self.network(one.present, one.quality, *one.embeddings), one.present, one.where)
        together = self.network(other.present, other.quality, *other.embeddings).together
        terms = self.recipe.terms
        near = contrast(together, other.where.identity, other.comparable, temperature=terms.temperature)
        return {**found, "near": terms.near * near}

    def _of_a_film(self, subset: Sequence[int], batch: int, rng: np.random.Generator) -> Rows:
        """Rows of one film in their order of time, from somewhere on; of all films where the subset lasts."""
        rows = self.tracklets.having(subset)
        drawn: Rows
        if LASTING.issuperset(subset):
            drawn = rng.permutation(rows)[:batch]
            return drawn
        films = self.tracklets.film[rows]
        # A tracklet is drawn, and with it the film: films that have more of a subset come more often.
        own = rows[films == films[rng.integers(len(films))]]
        own = own[np.argsort(self.tracklets.spans_s[own, 0], kind="stable")]
        first = int(rng.integers(max(1, len(own) - batch + 1)))
        drawn = own[first : first + batch]
        return drawn

    def _view(self, rows: Rows, subset: Sequence[int]) -> View:
        taken, held = self.tracklets, np.zeros(len(PARTS), np.float32)
        held[list(subset)] = 1.0
        span = taken.spans_s[rows].astype(np.float32)
        where = TrackletKeys(
            *(torch.from_numpy(one) for one in (taken.identity[rows], taken.film[rows], span[:, 0], span[:, 1]))
        )
        return View(
            torch.from_numpy(taken.present[rows] * held),
            torch.from_numpy(taken.quality[rows] * held),
            tuple(torch.from_numpy(one[rows]) for one in taken.vectors),
            where,
            torch.from_numpy(taken.comparable(rows, subset, self.recipe.terms.window_s)),
        )


@torch.no_grad()
def begin_with_isometries(network: FusingNetwork) -> None:
    """Set the maps so that cosines are kept, and where there is room those of different modalities are 0.

    The columns also have a mean of 0, so that a layer norm behind them changes nothing but the length.
    """
    layers = [layer for one in network.maps for layer in one.modules() if isinstance(layer, nn.Linear)]
    wide, narrow = layers[0].out_features, [layer.in_features for layer in layers]
    if sum(narrow) < wide:
        columns = list(torch.split(_orthogonal(wide, sum(narrow)), narrow, dim=1))
    else:
        columns = [_orthogonal(wide, count) for count in narrow]
    for layer, part in zip(layers, columns, strict=True):
        layer.weight.copy_(part)
        layer.bias.zero_()


def _orthogonal(rows: int, columns: int) -> Tensor:
    """Columns of length 1 at right angles, and at right angles to a column of ones where there is room for it."""
    drawn = torch.randn(rows, columns, dtype=torch.float64)
    spare = 1 if columns < rows else 0
    ones = torch.ones(rows, spare, dtype=torch.float64)
    right: Tensor = torch.linalg.qr(torch.cat([ones, drawn], dim=1))[0]
    return right[:, spare:].float()


def _key_width(network: FusingNetwork) -> int:
    return next(layer.out_features for layer in network.maps.modules() if isinstance(layer, nn.Linear))


def _answer_width(network: FusingNetwork) -> int:
    dim = _key_width(network)
    return dim if isinstance(network, AssociativeNetwork) else dim * len(network.maps)
