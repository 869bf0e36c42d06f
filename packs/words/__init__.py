"""Words to network inputs, torch-free: training, export and serving all call it."""

from __future__ import annotations

from packs.words.reading import Tokenizer, known_text, tokenizer_of
from packs.words.splitting import words_of
from packs.words.tokenizer import WordTokenizer
from packs.words.vocabulary import (
    VOCABULARY_FORMAT,
    Vocabulary,
    VocabularyError,
    build_vocabulary,
    read_vocabulary,
    read_wordpieces,
    write_vocabulary,
)
from packs.words.wordpiece import WordPieceTokenizer

__all__ = [
    "VOCABULARY_FORMAT",
    "Tokenizer",
    "Vocabulary",
    "VocabularyError",
    "WordPieceTokenizer",
    "WordTokenizer",
    "build_vocabulary",
    "known_text",
    "read_vocabulary",
    "read_wordpieces",
    "tokenizer_of",
    "words_of",
    "write_vocabulary",
]
