"""Networks of words as named functions: the paper's sizes, and small ones that train on two cores."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from models.presets import BODY_WIDTHS, body_trunk
from models.text.sentence import SentenceEncoder, TokenSentenceEncoder, sentence_encoder, token_sentence_encoder
from models.text.transformer import ImageTextTransformer, image_text_transformer

BERT_DIM = 768
WORD2VEC_DIM = 300
# Numbers that fit the small presets' tables; SynthCast's descriptions use fewer than half of them.
SMALL_VOCABULARY = 512
SMALL_WORDS = 32
SMALL_IMAGE = (128, 64)
SMALL_WIDTH = 160
BERT_VOCABULARY = 30_522
BERT_PLACES = 512


def cmps_text() -> SentenceEncoder:
    """Build CMPS's language branch over BERT's last layer: [B, T, 768] to 1024 dimensions, about 6.8 M parameters."""
    return sentence_encoder(BERT_DIM, state_dim=512, attention_dim=512, embedding_dim=1024)


def cmps_fast_text(vocabulary: int = 10_000) -> TokenSentenceEncoder:
    """Build CMPS-fast: Word2Vec vectors of 300 in a table, to 1024 dimensions, about 7.9 M parameters.

    Args:
        vocabulary: rows of the table.
    """
    encoder = sentence_encoder(WORD2VEC_DIM, state_dim=512, attention_dim=512, embedding_dim=1024)
    return token_sentence_encoder(vocabulary, word_dim=WORD2VEC_DIM, encoder=encoder)


def cmps_text_small() -> SentenceEncoder:
    """Build the branch over BERT-sized vectors, small: [B, T, 768] to 128 dimensions, about 0.45 M parameters."""
    return sentence_encoder(BERT_DIM, state_dim=64, attention_dim=64, embedding_dim=128)


def cmps_fast_text_small() -> TokenSentenceEncoder:
    """Build CMPS-fast, small: rows of words to 128 dimensions, about 0.12 M parameters."""
    encoder = sentence_encoder(64, state_dim=64, attention_dim=64, embedding_dim=128)
    return token_sentence_encoder(SMALL_VOCABULARY, word_dim=64, encoder=encoder)


def ivt(*, image_size: tuple[int, int] = (384, 128), stride: int = 12) -> ImageTextTransformer:
    """Build IVT at the size of ViT-B/16: 768 dimensions, 166.6 M parameters.

    Args:
        image_size: rows and columns of a crop, in pixels.
        stride: 12 for CUHK-PEDES and ICFG-PEDES (311 tokens), 16 for RSTPReid (193).
    """
    return image_text_transformer(
        image_size=image_size,
        patch=16,
        stride=stride,
        vocabulary=BERT_VOCABULARY,
        places=BERT_PLACES,
        width=768,
        depth=12,
        heads=12,
        hidden=3072,
        drop_path=0.1,
        dropout=0.1,
    )


def ivt_small() -> ImageTextTransformer:
    """Build IVT for 128x64 crops and rows of 32 words: 50 patches, 160 dimensions, about 1.9 M parameters."""
    return _small(stride=12, depth=4)


def ivt_body_small() -> ImageTextTransformer:
    """Build IVT over the map of the body encoder's trunk: 32 patches, 160 dimensions, about 2.2 M parameters.

    Patches of raw pixels have to learn what a stripe is from a few thousand crops; a trunk that told outfits apart
    knows.
    """
    channels = BODY_WIDTHS[-1]
    seen = OrderedDict(trunk=body_trunk(), norm=nn.BatchNorm2d(channels), cut=nn.Conv2d(channels, SMALL_WIDTH, 1))
    return _small(stride=16, depth=3, proj=nn.Sequential(seen))


def _small(*, stride: int, depth: int, proj: nn.Module | None = None) -> ImageTextTransformer:
    return image_text_transformer(
        image_size=SMALL_IMAGE,
        patch=16,
        stride=stride,
        vocabulary=SMALL_VOCABULARY,
        places=SMALL_WORDS,
        width=SMALL_WIDTH,
        depth=depth,
        heads=5,
        hidden=480,
        drop_path=0.0,
        dropout=0.0,
        weight_sd=SMALL_WIDTH**-0.5,
        proj=proj,
    )
