"""Training an encoder: crops in, identities (or outfits) told apart by ArcFace."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models import Encoder, VoiceEncoder
from training.data.batches import epoch_rows, step_generator
from training.data.crops import CropSet, augment_crop
from training.data.heads import head_table
from training.data.traits import trait_table
from training.data.worn import worn_table
from training.losses import ArcFace, TraitReader
from training.recipe import EncoderRecipe, Margin, phase_at, total_steps


@dataclass(frozen=True, slots=True)
class CropBatch:
    """Crops uint8[B, H, W, 3] and their labels int64[B]."""

    crops: Tensor
    labels: Tensor

    def on(self, device: torch.device) -> CropBatch:
        """Copy it to an accelerator, while that computes."""
        return CropBatch(self.crops.to(device, non_blocking=True), self.labels.to(device, non_blocking=True))

    def pin_memory(self) -> CropBatch:
        """Lay it where an accelerator reads by itself; the data loader calls this."""
        return CropBatch(self.crops.pin_memory(), self.labels.pin_memory())


class EncoderTask:
    """An encoder with ArcFace over the labels of a crop set.

    Args:
        encoder: The network.
        crops: What it learns from.
        recipe: How.
    """

    def __init__(self, *, encoder: Encoder, crops: CropSet, recipe: EncoderRecipe) -> None:
        self.network: nn.Module = encoder
        self.crops = crops
        self.recipe = recipe
        self.arcface = ArcFace(
            embedding_dim=embedding_dim(encoder),
            classes=crops.classes,
            scale=recipe.margin.scale,
            margin=recipe.margin.margin,
        )
        parts = nn.ModuleDict({"network": encoder, "arcface": self.arcface})
        self.reader: TraitReader | None = None
        if recipe.traits is not None:
            table = torch.from_numpy(known_of_classes(crops, recipe))
            self.reader = TraitReader(embedding_dim=embedding_dim(encoder), table=table)
            parts["reader"] = self.reader
        self.trained: nn.Module = parts

    def make_batch(self, step: int) -> CropBatch:
        """Draw and change the crops of a step."""
        recipe = self.recipe
        phase = phase_at(recipe, step)
        rng = step_generator(recipe.seed, step)
        rows = epoch_rows(len(self.crops), phase.batch, step, recipe.seed)
        size = (phase.height, phase.width)
        images = [
            augment_crop(self.crops.images[row], self.crops.regions[row], size, recipe.augment, rng) for row in rows
        ]
        return CropBatch(torch.from_numpy(np.stack(images)), torch.from_numpy(self.crops.labels[rows]))

    def losses(self, batch: CropBatch, step: int) -> dict[str, Tensor]:
        """Compute ArcFace with the margin that this step has reached, and what is misread of the traits."""
        self.arcface.margin = margin_at(self.recipe.margin, step, total_steps(self.recipe))
        embeddings = self.network(batch.crops)
        losses = {"arcface": self.arcface(embeddings, batch.labels)}
        if self.reader is not None and self.recipe.traits is not None:
            losses["traits"] = self.recipe.traits.weight * self.reader(embeddings, batch.labels)
        return losses


def known_of_classes(crops: CropSet, recipe: EncoderRecipe) -> NDArray[np.float32]:
    """List what the renderer knows of each class: of a person, their head, or what they wear; float32[C, K]."""
    wearers = crops.wearers_of_classes()
    if recipe.crops.kind == "head":
        return head_table(wearers)
    if recipe.crops.label == "outfit":
        return worn_table(wearers)
    return trait_table((seed, number) for seed, number, _ in wearers)


def margin_at(margin: Margin, step: int, total: int) -> float:
    """Give the margin of a step, in radians: a line up over the first `warmup` of all steps, then level."""
    return margin.margin * min(1.0, step / max(1.0, margin.warmup * total))


def embedding_dim(encoder: Encoder | VoiceEncoder) -> int:
    """Length of an encoder's embedding, read off its last layer."""
    sizes = [layer.num_features for layer in encoder.projection.modules() if isinstance(layer, nn.BatchNorm1d)]
    if len(sizes) != 1:
        raise ValueError(f"expected one BatchNorm1d at the end of the projection, found {len(sizes)}")
    return sizes[0]
