"""The language branch of CMPS: word vectors, a recurrent network, sigmoid attention, the shared space.

Source: Chen et al., "Cross-modality Progressive Person Search" (CMPS), section 2; sizes in methods.md 2.1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.text.attention import SigmoidAttention, sigmoid_attention

PAD = 0


class TwoWayRecurrence(nn.Module):
    """Reads a sentence from its beginning and from its end, as if the padding were not there.

    A packed sequence would do the same, but has no counterpart in ONNX: here the words are turned round by their own
    length before the second reading, and back after it.

    Args:
        onward: one-way LSTM, [B, T, E] -> [B, T, H], batch first.
        backward: the same, for the sentence turned round; None to read once.
    """

    def __init__(self, *, onward: nn.LSTM, backward: nn.LSTM | None) -> None:
        super().__init__()
        for lstm in (onward, *([backward] if backward is not None else [])):
            if lstm.bidirectional or not lstm.batch_first:
                raise ValueError("each reading is a one-way LSTM with batch_first=True")
        self.onward = onward
        self.backward_reading = backward

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Read.

        Args:
            vectors: [B, T, E], float32.
            mask: [B, T], bool; the words come first, the padding after them.

        Returns:
            [B, T, H] or, of both readings, [B, T, 2H], float32; what stands at padding has no meaning.

        Shape legend: B sentences, T words, E word dimensions, H state dimensions.
        """
        # [B, T, H]
        states: Tensor = self.onward(vectors)[0]
        if self.backward_reading is None:
            return states
        order = turned_order(mask)
        # [B, T, E] -> [B, T, H]
        turned = self.backward_reading(_picked(vectors, order))[0]
        return torch.cat([states, _picked(turned, order)], dim=2)


class SentenceEncoder(nn.Module):
    """Maps word vectors to the space that sentences and bodies share.

    Args:
        recurrence: [B, T, E] -> [B, T, H].
        attention: [B, T, H] -> [B, H].
        projection: [B, H] -> [B, D].
    """

    def __init__(self, *, recurrence: TwoWayRecurrence, attention: SigmoidAttention, projection: nn.Module) -> None:
        super().__init__()
        self.recurrence = recurrence
        self.attention = attention
        self.projection = projection

    def forward(self, vectors: Tensor) -> Tensor:
        """Embed sentences of word vectors (BERT's last layer, or Word2Vec).

        Args:
            vectors: [B, T, E], float32; rows of zeros are padding and come last.

        Returns:
            [B, D], float32, not normalised.

        Shape legend: B sentences, T words, E word dimensions, D embedding dimensions.
        """
        # [B, T]
        mask = vectors.abs().amax(dim=2) > 0.0
        # [B, T, H]
        states = self.recurrence(vectors, mask)
        # [B, H] -> [B, D]
        embedding: Tensor = self.projection(self.attention(states, mask))
        return embedding


class TokenSentenceEncoder(nn.Module):
    """Looks the vectors of words up in a table of its own, then embeds the sentence: CMPS-fast.

    Args:
        table: word vectors by number; the row of padding (0) is zero.
        encoder: embeds them.
    """

    def __init__(self, *, table: nn.Embedding, encoder: SentenceEncoder) -> None:
        super().__init__()
        if table.padding_idx != PAD:
            raise ValueError(f"the table has padding_idx {table.padding_idx}, expected {PAD}: its vectors must be zero")
        self.table = table
        self.encoder = encoder

    def forward(self, tokens: Tensor) -> Tensor:
        """Embed sentences.

        Args:
            tokens: [B, T], int32 or int64, 0 <= token < V, 0 for padding, which comes last.

        Returns:
            [B, D], float32, not normalised.

        Shape legend: B sentences, T words, V vocabulary, D embedding dimensions.
        """
        # [B, T, E] -> [B, D]
        embedding: Tensor = self.encoder(self.table(tokens))
        return embedding


def turned_order(mask: Tensor) -> Tensor:
    """Give the order that turns each sentence round and leaves its padding, [B, T] of int64; it undoes itself."""
    # [T]
    places = torch.arange(mask.shape[1], device=mask.device)
    # [B, 1]
    lengths = mask.sum(dim=1, keepdim=True)
    # [B, T]
    return torch.where(mask, lengths - 1 - places, places)


def _picked(x: Tensor, order: Tensor) -> Tensor:
    """Take the words [B, T, C] in the order [B, T]."""
    return x.gather(1, order.unsqueeze(2).expand(-1, -1, x.shape[2]))


def sentence_encoder(
    word_dim: int, *, state_dim: int, attention_dim: int, embedding_dim: int, two_way: bool = True, divide: bool = True
) -> SentenceEncoder:
    """Build the branch from numbers.

    Args:
        word_dim: length of a word vector.
        state_dim: length of a state of one reading.
        attention_dim: hidden width of the attention's scores.
        embedding_dim: length of the embedding.
        two_way: whether sentences are read from both ends.
        divide: whether the attention averages; see `SigmoidAttention`.
    """
    readings = [nn.LSTM(word_dim, state_dim, batch_first=True) for _ in range(2 if two_way else 1)]
    states = state_dim * len(readings)
    return SentenceEncoder(
        recurrence=TwoWayRecurrence(onward=readings[0], backward=readings[1] if two_way else None),
        attention=sigmoid_attention(states, hidden=attention_dim, divide=divide),
        projection=nn.Linear(states, embedding_dim),
    )


def token_sentence_encoder(vocabulary: int, *, word_dim: int, encoder: SentenceEncoder) -> TokenSentenceEncoder:
    """Build a table of `vocabulary` word vectors in front of an encoder."""
    return TokenSentenceEncoder(table=nn.Embedding(vocabulary, word_dim, padding_idx=PAD), encoder=encoder)
