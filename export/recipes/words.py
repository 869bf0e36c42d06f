"""BERT and MiniLM, networks of sentences: transformers' own, with the mean over words that sentence encoders take.

Sources: Devlin et al., "BERT", arXiv:1810.04805v2; Wang et al., "MiniLM", arXiv:2002.10957v2; Reimers and Gurevych,
"Sentence-BERT", arXiv:1908.10084v1, section 3 (mean pooling).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from export.recipes.matching import Served
from export.recipes.pretrained import config_of, loaded_strictly
from export.recipes.shapes import plain
from export.recipes.source import Source
from export.samples import Feed
from packs.spec import TensorSpec

TOKENS = 64


class SentenceGraph(nn.Module):
    """The served form: a vector for each word, and their mean.

    Args:
        network: transformers' `BertModel`.
    """

    def __init__(self, *, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Read.

        Args:
            ids: [B, T], int64, numbers of word pieces, padded.
            mask: [B, T], int64, 1 where there is a piece, 0 in the padding.

        Returns:
            The sentence [B, D], not normalised, and its pieces [B, T, D]; both float32.

        Shape legend: B sentences, T pieces, D dimensions.
        """
        found: Any = self.network(input_ids=ids, attention_mask=mask, return_dict=True)
        pieces: Tensor = found.last_hidden_state
        weights = mask.unsqueeze(2).to(torch.float32)
        return (pieces * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0), pieces


def serve(recipe: str, source: Source) -> tuple[str, Sequence[Served]]:
    """The network of a file, and its encoder of sentences.

    Raises:
        RecipeError: If the file is no BERT.
    """
    config = config_of(source, "BertConfig", "bert")
    # Heads of training; the vector of the first piece goes unused too, and some files leave it out.
    network = loaded_strictly(
        "BertModel", config, source.weights, ignored=(r"^cls\.", r"(^|\.)pooler\."), absent=(r"^pooler\.",)
    )
    tokens, width = min(TOKENS, config.max_position_embeddings), config.hidden_size
    spec = plain(
        "sentence_encoder",
        [TensorSpec(name=name, dtype="INT64", shape=(tokens,)) for name in ("ids", "mask")],
        [
            TensorSpec(name="sentence", dtype="FP32", shape=(width,)),
            TensorSpec(name="pieces", dtype="FP32", shape=(tokens, width)),
        ],
        max_batch=32,
    ).model_copy(update={"embedding_dim": width})
    graph = SentenceGraph(network=network).eval()
    return f"bert of {config.num_hidden_layers} layers", [Served(spec, graph, _sentences(tokens, config.vocab_size))]


def _sentences(tokens: int, vocabulary: int) -> Feed:
    """Seeded sentences of all lengths to compare on."""
    rng = np.random.default_rng(0)
    lengths = np.array([3, tokens // 2, tokens])
    mask = (np.arange(tokens)[None] < lengths[:, None]).astype(np.int64)
    return {"ids": rng.integers(1, vocabulary, size=mask.shape) * mask, "mask": mask}
