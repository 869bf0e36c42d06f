"""Figures of search by words on a set that nobody trained on, beside a bag of words and chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.naive import BagOfWords, colour_histogram, fit_bag_of_words, write_bag
from models.checkpoints import WORD_PRESETS, network_from_checkpoint, read_checkpoint
from models.text import SMALL_IMAGE, SMALL_WORDS, ImageTextTransformer
from packs.manifest import Pack
from packs.spec import Modality
from packs.words import Vocabulary, WordTokenizer, read_vocabulary, tokenizer_of
from training.data.descriptions import FILE, Sentence, read_descriptions
from training.data.shards import open_frames
from training.measure.by_words import WordRetrieval, ask_by_words, by_group
from training.measure.retrieval import chance
from training.measure.served import unit
from training.measure.sets import OUTFITS, CropTest, crop_test
from training.measure.words import look_at, read_texts, sentences_about, text_input_size
from training.tasks.description import VOCABULARY_FILE

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
PRESET = "ivt_body_small"
ROWS = 64
# Bodies that teach the baseline: its regression costs the cube of their number.
TAUGHT = 3000
GROUPS = ("seen", "template", "words", "both")
KINDS = ("full", "partial", "negated", "synonym")


@dataclass(frozen=True, slots=True)
class WordTest:
    """A gallery and what is asked of it.

    Attributes:
        gallery: The pictures.
        sentences: What is asked.
        keys: int64[Q], whom each sentence describes, as `gallery.outfit`.
    """

    gallery: CropTest
    sentences: tuple[Sentence, ...]
    keys: NDArray[np.int64]

    def groups(self) -> dict[str, NDArray[np.bool_]]:
        """Which sentences belong to what: held out for which reason, and, of those that are not, which kind."""
        held = np.array([sentence.group for sentence in self.sentences])
        kind = np.array([sentence.kind for sentence in self.sentences])
        named = {("seen" if name == "seen" else f"held_out_{name}"): held == name for name in GROUPS}
        return named | {f"seen_{name}": (held == "seen") & (kind == name) for name in KINDS}


def evaluate_words(weights: Path, data: Path, *, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure text to image on the `test` set.

    Args:
        weights: `weights.pt` of a run; its vocabulary lies beside it.
        data: Folder of the sets, `train` (for the baseline) and `test` among them, with their descriptions.
        say: Receives lines of progress.

    Returns:
        `gallery`, `people`, and for `network`, `bag_of_words` and `chance` the figures of each group.

    Raises:
        CheckpointError: If the weights are those of no text pair.
    """
    checkpoint = read_checkpoint(weights)
    network = network_from_checkpoint(checkpoint, PRESET, WORD_PRESETS)
    vocabulary = read_vocabulary(weights.parent / VOCABULARY_FILE)
    test = word_test(data / "test")
    say(f"{len(test.sentences)} sentences ask {len(test.gallery.crops)} pictures")
    rankings = {
        "network": rank_network(network, vocabulary, test),
        "bag_of_words": rank_bag(taught_bag(data / "train", vocabulary), test),
        "chance": rank_chance(test),
    }
    return {"step": checkpoint.step, **_figures(test, rankings)}


def evaluate_text_pair(pack: Pack, data: Path, *, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure a pack's exported text pair on the `test` set, as `evaluate_words` measures a run.

    The bag of words is left out, and that is said, where there is no described `train` set to teach it.

    Raises:
        PackError: If the pack has no text pair.
    """
    test = word_test(data / "test", text_input_size(pack))
    texts = read_texts(pack, [sentence.text for sentence in test.sentences])
    found = ask_by_words(texts, unit(look_at(pack, test.gallery.crops)), test.keys, test.gallery.outfit)
    rankings = {"network": found}
    if (data / "train" / FILE).exists():
        rankings["bag_of_words"] = rank_bag(taught_bag(data / "train", tokenizer_of(pack).vocabulary), test)
    else:
        say(f"no bag of words to compare with: {data / 'train' / FILE} is not there to teach it")
    rankings["chance"] = rank_chance(test)
    return _figures(test, rankings)


def _figures(test: WordTest, rankings: Mapping[str, WordRetrieval]) -> dict[str, Any]:
    groups = test.groups()
    return {
        "gallery": len(test.gallery.crops),
        "people": len(np.unique(test.gallery.outfit)),
        **{name: by_group(found, groups) for name, found in rankings.items()},
    }


def word_test(directory: Path, size: tuple[int, int] = SMALL_IMAGE) -> WordTest:
    """Read a set: every body that is seen well enough, and every sentence about one of them.

    Raises:
        DataError: If nothing is said of anybody who is seen.
    """
    frames = open_frames(directory)
    gallery = crop_test(frames, Modality.BODY, size)
    sentences, keys = sentences_about(frames, gallery.outfit)
    return WordTest(gallery, tuple(sentences), keys)


def rank_network(network: torch.nn.Module, vocabulary: Vocabulary, test: WordTest) -> WordRetrieval:
    """Ask by the embeddings of a network."""
    if not isinstance(network, ImageTextTransformer):
        raise TypeError(f"expected an ImageTextTransformer, got a {type(network).__name__}")
    tokens = WordTokenizer(vocabulary, length=SMALL_WORDS)([sentence.text for sentence in test.sentences])
    texts = _embedded(network.embed_text, tokens)
    images = _embedded(network.embed_image, test.gallery.crops)
    return ask_by_words(texts, images, test.keys, test.gallery.outfit)


def taught_bag(directory: Path, vocabulary: Vocabulary) -> BagOfWords:
    """Fit the baseline on bodies of a set that training may see."""
    bodies = crop_test(open_frames(directory), Modality.BODY, SMALL_IMAGE)
    described = read_descriptions(directory)
    teaching = [described[(int(key) // OUTFITS, int(key) % OUTFITS)].teaching for key in bodies.outfit]
    rows = np.random.default_rng(0).permutation(np.flatnonzero([bool(texts) for texts in teaching]))[:TAUGHT]
    return fit_bag_of_words(colour_histogram(bodies.crops[rows]), [teaching[row] for row in rows], vocabulary)


def teach_words(data: Path, vocabulary: Path, out: Path, *, say: Callable[[str], None]) -> None:
    """Fit the bag of words on the `train` set and write it, for `python -m evaluation words`.

    Args:
        data: Folder of the sets, `train` among them, with its descriptions.
        vocabulary: The words of the run or the pack that it is compared with.
        out: npz file.
        say: Receives lines of progress.
    """
    bag = taught_bag(data / "train", read_vocabulary(vocabulary))
    out.parent.mkdir(parents=True, exist_ok=True)
    write_bag(out, bag)
    say(f"a bag of {len(bag.vocabulary)} words in {out}")


def rank_bag(bag: BagOfWords, test: WordTest) -> WordRetrieval:
    """Ask by the words that colours suggest."""
    texts = bag.of_texts([sentence.text for sentence in test.sentences])
    bodies = bag.of_bodies(colour_histogram(test.gallery.crops))
    return ask_by_words(texts, bodies, test.keys, test.gallery.outfit)


def rank_chance(test: WordTest) -> WordRetrieval:
    """Ask by directions without meaning."""
    vectors = chance(len(test.sentences) + len(test.gallery.crops))
    texts, images = np.split(vectors, [len(test.sentences)])
    return ask_by_words(texts, images, test.keys, test.gallery.outfit)


def _embedded(embed: Callable[[torch.Tensor], torch.Tensor], rows: NDArray[Any]) -> F32:
    with torch.inference_mode():
        parts = [embed(torch.from_numpy(rows[start : start + ROWS])).numpy() for start in range(0, len(rows), ROWS)]
    return unit(np.concatenate(parts))
