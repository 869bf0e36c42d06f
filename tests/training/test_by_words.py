from pathlib import Path

import numpy as np
import pytest

from evaluation.naive import BagError, fit_bag_of_words, read_bag, write_bag
from packs.words import build_vocabulary
from training.measure.by_words import ask_by_words, by_group, trapezoid_precision
from training.measure.retrieval import average_precision


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_both_rules_give_the_test_vector() -> None:
    hits = np.array([1, 0, 1, 0, 0], bool)
    assert average_precision(hits) == pytest.approx(0.833333, abs=1e-6)
    assert trapezoid_precision(hits) == pytest.approx(0.791667, abs=1e-6)
    assert trapezoid_precision(np.zeros(3, bool)) == 0.0
    assert trapezoid_precision(np.ones(3, bool)) == 1.0


@pytest.mark.parametrize("seed", range(5))
def test_trapezoids_are_areas_under_the_curve(seed: int) -> None:
    hits = np.random.default_rng(seed).random(12) < 0.4
    hits[3] = True
    total, found, recall, precision = 0.0, 0, 0.0, 1.0
    for rank, hit in enumerate(hits, start=1):
        found += int(hit)
        new_recall, new_precision = found / hits.sum(), found / rank
        total += (new_recall - recall) * (precision + new_precision) / 2
        recall, precision = new_recall, new_precision
    assert trapezoid_precision(hits) == pytest.approx(total)


def slow_figures(texts, images, text_keys, image_keys) -> tuple[float, float, float]:
    """R@1, R@10 and mAP, one sentence and one picture at a time."""
    first, ten, precisions = [], [], []
    for text, key in zip(texts, text_keys, strict=True):
        if key not in image_keys:
            continue
        order = sorted(range(len(images)), key=lambda g: (-float(images[g] @ text), g))
        hits = [image_keys[g] == key for g in order]
        first.append(hits[0])
        ten.append(any(hits[:10]))
        found = 0
        parts = []
        for rank, hit in enumerate(hits, start=1):
            found += int(hit)
            parts += [found / rank] if hit else []
        precisions.append(sum(parts) / len(parts))
    return float(np.mean(first)), float(np.mean(ten)), float(np.mean(precisions))


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_the_slow_protocol(seed: int) -> None:
    rng = np.random.default_rng(seed)
    texts, images = unit(rng.normal(size=(30, 6))), unit(rng.normal(size=(40, 6)))
    text_keys, image_keys = rng.integers(0, 9, 30), rng.integers(0, 8, 40)
    found = ask_by_words(texts, images, text_keys, image_keys)
    assert len(found.queries) == int((text_keys < 8).sum())
    rank1, rank10, mean = slow_figures(texts, images, text_keys, image_keys)
    figures = found.figures()
    assert (figures["rank1"], figures["rank10"]) == (round(rank1, 4), round(rank10, 4))
    assert figures["map"] == pytest.approx(mean, abs=1e-4)


def test_groups_are_measured_apart() -> None:
    eye = np.eye(3, dtype=np.float32)
    found = ask_by_words(eye, eye[[0, 2, 1]], np.arange(3), np.array([0, 1, 2]))
    groups = by_group(found, {"first": np.array([True, False, False]), "none": np.zeros(3, bool)})
    assert groups == {"first": {"queries": 1, "rank1": 1.0, "rank10": 1.0, "map": 1.0}, "none": {"queries": 0}}
    assert found.figures()["rank1"] == pytest.approx(1 / 3, abs=1e-4)


def bodies(count: int, seed: int) -> tuple[np.ndarray, list[list[str]]]:
    """Bodies whose features are what is said of them, with noise: one of four colours above one of three below."""
    rng = np.random.default_rng(seed)
    top, bottom = rng.integers(0, 4, count), rng.integers(0, 3, count)
    features = np.concatenate([np.eye(4)[top], np.eye(3)[bottom]], axis=1) + rng.normal(0, 0.1, (count, 7))
    tops, bottoms = ("red", "blue", "green", "black"), ("jeans", "skirt", "shorts")
    texts = [[f"a person in {tops[t]} and {bottoms[b]}", f"{tops[t]} shirt"] for t, b in zip(top, bottom, strict=True)]
    return unit(features), texts


def test_a_bag_of_words_learns_which_words_go_with_which_colours() -> None:
    features, texts = bodies(80, 0)
    vocabulary = build_vocabulary((text for row in texts for text in row), most=50)
    bag = fit_bag_of_words(features, texts, vocabulary, ridge=0.1)
    others, said = bodies(40, 1)
    # Right is who wears the same: each combination is a key.
    keys = np.unique([row[0] for row in said], return_inverse=True)[1]
    found = ask_by_words(bag.of_texts([row[0] for row in said]), bag.of_bodies(others), keys, keys)
    assert found.figures()["map"] > 0.9
    # What is always said tells nobody from anybody.
    assert bag.rarity[vocabulary.numbers["a"]] == 0.0
    assert bag.rarity[vocabulary.numbers["skirt"]] > 0.5
    assert np.abs(bag.of_texts(["an unheard-of thing"])).max() == 0.0


def test_the_dual_form_is_ridge_regression() -> None:
    features, texts = bodies(30, 2)
    vocabulary = build_vocabulary((text for row in texts for text in row), most=50)
    bag = fit_bag_of_words(features, texts, vocabulary, ridge=0.5)
    wanted = np.zeros((30, len(vocabulary)))
    for row, said in enumerate(texts):
        for text in said:
            for word in set(text.split()):
                wanted[row, vocabulary.numbers[word]] += bag.rarity[vocabulary.numbers[word]] / len(said)
    x = features.astype(np.float64)
    weights = np.linalg.solve(x.T @ x + 0.5 * np.eye(7), x.T @ (wanted - wanted.mean(axis=0)))
    others = bodies(9, 3)[0]
    expected = others @ weights
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(bag.of_bodies(others), expected, atol=1e-3)
    with pytest.raises(ValueError, match="give one for each"):
        fit_bag_of_words(features, texts[1:], vocabulary)


def test_a_bag_is_kept_and_read_again(tmp_path: Path) -> None:
    features, texts = bodies(30, 4)
    bag = fit_bag_of_words(features, texts, build_vocabulary((t for row in texts for t in row), most=50))
    path = tmp_path / "bag.npz"
    write_bag(path, bag)
    again = read_bag(path)
    assert again.vocabulary.words == bag.vocabulary.words
    np.testing.assert_array_equal(again.of_bodies(features), bag.of_bodies(features))
    np.testing.assert_array_equal(again.of_texts(["red skirt"]), bag.of_texts(["red skirt"]))
    with pytest.raises(BagError, match="no bag of words at"):
        read_bag(tmp_path / "absent.npz")
    np.savez(path, words=np.array(["a"]))
    with pytest.raises(BagError, match="is no bag of words"):
        read_bag(path)
