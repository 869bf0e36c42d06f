"""Training the image-text transformer: crops and sentences in, each brought to the other (IVT).

Source: Shu et al., "See Finer, See More" (IVT), arXiv:2208.08608 (methods.md 4): three texts and three views of each
pair, one matching loss over all of them, some tokens deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.text import SMALL_IMAGE, SMALL_VOCABULARY, SMALL_WORDS, ImageTextTransformer
from models.text.transformer import PAD
from packs.words import WordTokenizer, build_vocabulary, read_vocabulary, write_vocabulary
from training.data.batches import epoch_rows, step_generator
from training.data.crops import augment_crop
from training.data.descriptions import Described, PairSet
from training.data.levels import phrase_level, sentence_level, word_level
from training.data.shards import DataError
from training.data.worn import worn_table
from training.losses import (
    CrossModalProjection,
    SharedContrast,
    SharedIdentity,
    SimilarityDistribution,
    TraitReader,
)
from training.masking import kept_places
from training.recipe import DescriptionRecipe, RecipeError, phase_at

VOCABULARY_FILE = "vocabulary.json"


@dataclass(frozen=True, slots=True)
class DescriptionBatch:
    """L views and L texts of each of B pairs, and which tokens stay.

    `crops` uint8[LB, H, W, 3]; `tokens` int32[LB, T]; `labels` int64[LB]; `patches` int64[K] and `words` int64[M], the
    places that stay.
    """

    crops: Tensor
    tokens: Tensor
    labels: Tensor
    patches: Tensor
    words: Tensor


class DescriptionTask:
    """The image-text transformer over pairs of crops and sentences.

    Args:
        network: The network.
        pairs: What it learns from.
        recipe: How.

    Raises:
        RecipeError: If a phase asks for another size than the network's.
    """

    def __init__(self, *, network: ImageTextTransformer, pairs: PairSet, recipe: DescriptionRecipe) -> None:
        wrong = [phase for phase in recipe.phases if (phase.height, phase.width) != SMALL_IMAGE]
        if wrong:
            size = f"{SMALL_IMAGE[0]}x{SMALL_IMAGE[1]}"
            raise RecipeError(f"{recipe.preset} takes crops of {size}, got {wrong[0].height}x{wrong[0].width}")
        self.network: nn.Module = network
        self.model = network
        self.pairs = pairs
        self.recipe = recipe
        self.vocabulary = build_vocabulary(pairs.teaching_texts(), most=SMALL_VOCABULARY)
        self.tokenizer = WordTokenizer(self.vocabulary, length=SMALL_WORDS)
        self.matching = _matching(recipe)
        self.identity = SharedIdentity(embedding_dim=network.width, classes=max(2, pairs.crops.classes))
        parts: dict[str, nn.Module] = {"network": network}
        if recipe.words.identity > 0.0:
            parts["identity"] = self.identity
        self.reader: TraitReader | None = None
        if recipe.words.traits > 0.0:
            table = torch.from_numpy(worn_table(pairs.crops.wearers_of_classes()))
            self.reader = TraitReader(embedding_dim=network.width, table=table)
            parts["reader"] = self.reader
        self.trained: nn.Module = nn.ModuleDict(parts)

    def make_batch(self, step: int) -> DescriptionBatch:
        """Draw the pairs of a step, their views and their texts."""
        recipe = self.recipe
        phase = phase_at(recipe, step)
        rng = step_generator(recipe.seed, step)
        rows = epoch_rows(len(self.pairs.crops), phase.batch, step, recipe.seed)
        labels = self.pairs.crops.labels[rows]
        captions = [self._caption(label, rng) for label in labels]
        crops, texts = [], []
        for level in recipe.words.levels:
            crops += [self._view(int(row), (phase.height, phase.width), rng) for row in rows]
            texts += [
                text_at(level, caption, self.pairs.described[label], rng)
                for label, caption in zip(labels, captions, strict=True)
            ]
        patches = self.model.pos_embed.shape[1]
        share = recipe.words.mask
        tokens = without_padding(self.tokenizer(texts))
        return DescriptionBatch(
            crops=torch.from_numpy(np.stack(crops)),
            tokens=torch.from_numpy(tokens),
            labels=torch.from_numpy(np.tile(labels, len(recipe.words.levels))),
            patches=torch.from_numpy(kept_places(patches, share, rng)),
            words=torch.from_numpy(kept_places(tokens.shape[1], share, rng)),
        )

    def losses(self, batch: DescriptionBatch, step: int) -> dict[str, Tensor]:
        """Compute the matching loss over the whole grid of views and texts, and what else the recipe has.

        Traits are read off both by one layer: so a colour is the same direction in what is seen and what is said.
        """
        del step
        images = self.model.embed_image(batch.crops, batch.patches)
        texts = self.model.embed_text(batch.tokens, batch.words)
        losses: dict[str, Tensor] = {self.recipe.words.loss: self.matching(images, texts, batch.labels)}
        if self.recipe.words.identity > 0.0:
            of_images, of_texts = self.identity(images.float(), texts.float(), batch.labels)
            losses["identity"] = self.recipe.words.identity * 0.5 * (of_images + of_texts)
        if self.reader is not None:
            read = self.reader(images, batch.labels) + self.reader(texts, batch.labels)
            losses["traits"] = self.recipe.words.traits * 0.5 * read
        return losses

    def keep_vocabulary(self, out: Path) -> Path:
        """Write the words beside the weights that know them by their numbers.

        Raises:
            DataError: If a former run into this folder had other words.
        """
        path = out / VOCABULARY_FILE
        if path.exists() and read_vocabulary(path).words != self.vocabulary.words:
            raise DataError(f"{path} has other words than this data: give another folder, or delete this one")
        out.mkdir(parents=True, exist_ok=True)
        write_vocabulary(path, self.vocabulary)
        return path

    def _caption(self, label: int, rng: np.random.Generator) -> str:
        teaching = self.pairs.described[label].teaching
        return teaching[int(rng.integers(len(teaching)))]

    def _view(self, row: int, size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.uint8]:
        crops = self.pairs.crops
        return augment_crop(crops.images[row], crops.regions[row], size, self.recipe.augment, rng)


def without_padding(tokens: NDArray[np.int32]) -> NDArray[np.int32]:
    """Rows no longer than the longest text: int32[B, T] to int32[B, t]; what is padding in all is attended by none."""
    used = np.flatnonzero((tokens != PAD).any(axis=0))
    return tokens[:, : int(used[-1]) + 1]


def text_at(level: str, caption: str, described: Described, rng: np.random.Generator) -> str:
    """Say a caption at a level: `word`, `phrase` or `sentence`."""
    if level == "word":
        return word_level(described.attributes, caption, rng)
    return phrase_level(caption, rng) if level == "phrase" else sentence_level(caption)


def _matching(recipe: DescriptionRecipe) -> nn.Module:
    if recipe.words.loss == "sdm":
        return SimilarityDistribution(scale=recipe.words.scale)
    if recipe.words.loss == "contrast":
        return SharedContrast(scale=recipe.words.scale)
    return CrossModalProjection(targets=recipe.words.targets)
