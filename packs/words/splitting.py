"""Text to words: what BERT calls basic tokenisation, which our own small vocabularies use too.

Source: Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding",
arXiv:1810.04805v2, and the behaviour of its published uncased tokenizer: invisible characters go, ideographs stand
alone, letters are lowered and lose their accents, punctuation stands alone.
"""

from __future__ import annotations

import unicodedata
from typing import Final

# ASCII that is neither letter nor digit counts as punctuation even where Unicode calls it a symbol ("$", "+", "^").
_ASCII_MARKS: Final = frozenset(chr(code) for code in range(33, 127) if not chr(code).isalnum())
_IDEOGRAPHS: Final = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


def words_of(text: str) -> list[str]:
    """Split text into lower-case words without accents; each mark of punctuation is a word of its own."""
    return [word for part in _spaced(text).split() for word in _cut_at_marks(_plain(part))]


def _spaced(text: str) -> str:
    """Drop what cannot be seen, make every blank a space, and set ideographs apart."""
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    if char in "\t\n\r" or unicodedata.category(char) == "Zs":
        return " "
    if char == "\ufffd" or unicodedata.category(char).startswith("C"):
        return ""
    code = ord(char)
    return f" {char} " if any(low <= code <= high for low, high in _IDEOGRAPHS) else char


def _plain(word: str) -> str:
    decomposed = unicodedata.normalize("NFD", word.lower())
    return "".join(char for char in decomposed if unicodedata.category(char) != "Mn")


def _cut_at_marks(word: str) -> list[str]:
    parts, current = [], ""
    for char in word:
        if char in _ASCII_MARKS or unicodedata.category(char).startswith("P"):
            parts += [current, char]
            current = ""
        else:
            current += char
    return [part for part in (*parts, current) if part]
