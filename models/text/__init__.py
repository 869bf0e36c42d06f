"""Networks of words: sentences with sigmoid attention (CMPS), and images and text in one transformer (IVT)."""

from models.text.attention import SigmoidAttention, sigmoid_attention
from models.text.blocks import FeedForward, Mode, SharedAttention, SharedBlock, shared_block
from models.text.embeddings import PatchEmbedding, WordEmbeddings, patch_grid, word_embeddings
from models.text.initial import initial_weights, resized_places
from models.text.presets import (
    BERT_DIM,
    SMALL_IMAGE,
    SMALL_VOCABULARY,
    SMALL_WORDS,
    cmps_fast_text,
    cmps_fast_text_small,
    cmps_text,
    cmps_text_small,
    ivt,
    ivt_body_small,
    ivt_small,
)
from models.text.published import weights_from_published
from models.text.sentence import (
    SentenceEncoder,
    TokenSentenceEncoder,
    TwoWayRecurrence,
    sentence_encoder,
    token_sentence_encoder,
)
from models.text.transformer import ImageGraph, ImageTextTransformer, TextGraph, image_text_transformer

__all__ = [
    "BERT_DIM",
    "SMALL_IMAGE",
    "SMALL_VOCABULARY",
    "SMALL_WORDS",
    "FeedForward",
    "ImageGraph",
    "ImageTextTransformer",
    "Mode",
    "PatchEmbedding",
    "SentenceEncoder",
    "SharedAttention",
    "SharedBlock",
    "SigmoidAttention",
    "TextGraph",
    "TokenSentenceEncoder",
    "TwoWayRecurrence",
    "WordEmbeddings",
    "cmps_fast_text",
    "cmps_fast_text_small",
    "cmps_text",
    "cmps_text_small",
    "image_text_transformer",
    "initial_weights",
    "ivt",
    "ivt_body_small",
    "ivt_small",
    "patch_grid",
    "resized_places",
    "sentence_encoder",
    "shared_block",
    "sigmoid_attention",
    "token_sentence_encoder",
    "weights_from_published",
    "word_embeddings",
]
