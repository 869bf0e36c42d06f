"""The tokenizer that a pack's text pair was trained with."""

from __future__ import annotations

from packs.errors import PackError
from packs.manifest import Pack, file_sha256
from packs.spec import WordPreprocessing
from packs.words.splitting import words_of
from packs.words.tokenizer import WordTokenizer
from packs.words.vocabulary import UNKNOWN, read_vocabulary, read_wordpieces
from packs.words.wordpiece import WordPieceTokenizer

Tokenizer = WordTokenizer | WordPieceTokenizer


def tokenizer_of(pack: Pack) -> Tokenizer:
    """Build the tokenizer that a pack's manifest names, with its vocabulary.

    Raises:
        PackError: If the pack reads no sentences, or its vocabulary is absent or not the one of the manifest.
    """
    spec = pack.text_model
    if spec is None or not isinstance(spec.preprocessing, WordPreprocessing):
        raise PackError(f"pack {pack.name} reads no sentences; choose one that has `text` in its manifest")
    how = spec.preprocessing
    path = pack.directory / how.vocabulary
    read = read_vocabulary if how.kind == "words" else read_wordpieces
    vocabulary = read(path)
    found = file_sha256(path)
    if found != how.vocabulary_sha256:
        raise PackError(
            f"{path} has SHA-256 {found[:12]}, expected {how.vocabulary_sha256[:12]}: its numbers mean nothing to "
            f"{spec.name}; restore the pack's files"
        )
    if how.kind == "words":
        return WordTokenizer(vocabulary, length=how.length)
    return WordPieceTokenizer(vocabulary, length=how.length)


def known_text(tokenizer: Tokenizer, text: str) -> str:
    """A text without the words that a vocabulary lacks.

    Networks learn from sentences with words deleted and never meet the unknown word: it would say something at random.
    """
    return " ".join(word for word in words_of(text) if UNKNOWN not in tokenizer.tokens(word))
