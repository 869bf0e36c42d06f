"""What is said of the people of a set, and the exported text pair that reads and looks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from packs.manifest import Pack
from packs.spec import Modality
from packs.words import WordTokenizer, known_text, tokenizer_of
from training.data.descriptions import Described, Sentence, read_descriptions
from training.data.shards import DataError, FrameSet
from training.measure.evidence import Keys
from training.measure.served import F32, ServedModel, unit
from training.measure.sets import OUTFITS, crop_test, embed, input_size

U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]


def sentences_about(frames: FrameSet, shown: Keys, *, teaching: bool = False) -> tuple[list[Sentence], Keys]:
    """Give the sentences of a set about persons in outfits, and whom each describes.

    Args:
        frames: The set, with its descriptions.
        shown: int64[N], persons in outfits as `CropTest.outfit` numbers them; each is asked for once.
        teaching: Only what training may see.

    Raises:
        DataError: If nothing is said of anybody.
    """
    described = read_descriptions(frames.directory)
    said = [
        (int(key), sentence)
        for key in np.unique(shown).tolist()
        for sentence in _of(described.get((key // OUTFITS, key % OUTFITS)))
        if not (teaching and sentence.held_out)
    ]
    if not said:
        raise DataError(f"no sentence of {frames.directory} describes anybody who is seen in it")
    return [sentence for _, sentence in said], np.array([key for key, _ in said], np.int64)


def read_texts(pack: Pack, texts: Sequence[str]) -> F32:
    """Embed texts with the exported network as the service does, unknown words left out: float32[Q, D], of length one.

    Raises:
        PackError: If the pack has no text pair.
    """
    tokenizer = tokenizer_of(pack)
    rows = tokenizer([known_text(tokenizer, text) for text in texts])
    served = ServedModel(pack, pack.text_model.name if pack.text_model else "")
    return unit(served.run(rows)[0])


def look_at(pack: Pack, crops: U8) -> F32:
    """Embed body crops in the text space with the exported network: float32[N, D], not normalised."""
    return embed(pack, Modality.TEXT, crops)


def text_input_size(pack: Pack) -> tuple[int, int]:
    """Rows and columns of the crops that the text pair looks at."""
    return input_size(pack, Modality.TEXT)


def sample_words(frames: FrameSet, tokenizer: WordTokenizer, size: tuple[int, int], rows: int) -> dict[str, U8 | I32]:
    """Give real inputs of both halves of a text pair by name, for the comparison of runtimes.

    Args:
        frames: A set with its descriptions.
        tokenizer: Of the run.
        size: Rows and columns of a crop.
        rows: Most of each.
    """
    bodies = crop_test(frames, Modality.BODY, size)
    sentences, _ = sentences_about(frames, bodies.outfit)
    texts = [sentence.text for sentence in sentences]
    return {"text_image_encoder": bodies.crops[:rows], "text_encoder": tokenizer(texts[:rows])}


def _of(described: Described | None) -> tuple[Sentence, ...]:
    return () if described is None else described.sentences
