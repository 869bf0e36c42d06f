from collections.abc import Callable, Sequence

import numpy as np
import pytest

from evaluation.encoders.embedding import Embeddings
from evaluation.encoders.figures import encoder_figures, retrieval
from evaluation.encoders.samples import Label
from packs.spec import Modality


def oracle(vectors: np.ndarray, labels: Sequence[Label], reach: Callable[[Label, Label], bool]) -> float:
    """The definition, sample by sample: mean over identities of the mean AP of their samples."""
    found: dict[str, list[float]] = {}
    for i, own in enumerate(labels):
        others = [j for j, other in enumerate(labels) if other.group != own.group and reach(own, other)]
        others.sort(key=lambda j: -float(vectors[i] @ vectors[j] / np.linalg.norm(vectors[j])))
        right = [labels[j].identity == own.identity for j in others]
        if any(right):
            precisions = [sum(right[: k + 1]) / (k + 1) for k, flag in enumerate(right) if flag]
            found.setdefault(own.identity, []).append(sum(precisions) / sum(right))
    return float(np.mean([np.mean(values) for values in found.values()]))


@pytest.fixture
def labels() -> list[Label]:
    """Three people in two scenes, two tracklets each in each scene, two crops of each tracklet."""
    return [
        Label(f"i{person}", f"t{person}{scene}{tracklet}", f"s{scene}")
        for person in range(3)
        for scene in range(2)
        for tracklet in range(2)
        for _ in range(2)
    ]


def test_each_set_is_its_definition(labels: list[Label]) -> None:
    random = np.random.default_rng(0)
    ours, naive = (random.normal(size=(len(labels), 5)).astype(np.float32) for _ in range(2))
    embeddings = Embeddings(tuple(labels), ours, naive)
    figures = encoder_figures([{Modality.FACE: embeddings, Modality.BODY: embeddings}])
    everywhere, within, across = (
        lambda own, other: True,
        lambda own, other: own.scene == other.scene,
        lambda own, other: own.scene != other.scene,
    )
    expected = {
        "encoder.face": oracle(ours, labels, everywhere),
        "naive.face_pixels": oracle(naive, labels, everywhere),
        "encoder.body_in_scene": oracle(ours, labels, within),
        "naive.body_histogram_in_scene": oracle(naive, labels, within),
        "encoder.body_across": oracle(ours, labels, across),
        "naive.body_histogram_across": oracle(naive, labels, across),
    }
    found = {name: one.mean_average_precision.value for name, one in figures.items()}
    assert found == pytest.approx(expected)
    # Ten samples of other tracklets in the scene, two of them the person's.
    assert figures["encoder.body_in_scene"].chance == pytest.approx(0.3, abs=0.1)
    assert figures["encoder.face"].queries == figures["encoder.face"].gallery == 24


def test_films_are_pooled_and_clips_of_all_films_go_to_their_baseline_together() -> None:
    seconds = np.arange(16_000) / 16_000
    tones = {name: np.sin(2 * np.pi * hz * seconds).astype(np.float32) for name, hz in (("a", 200), ("b", 1500))}
    films = []
    for number in range(2):
        own = tuple(Label(name, f"{number}{name}") for name in tones)
        films.append({Modality.VOICE: Embeddings(own, np.eye(2, dtype=np.float32), clips=tuple(tones.values()))})
    figures = encoder_figures(films)
    assert figures["encoder.voice"].mean_average_precision.value == 1.0
    assert figures["naive.voice_mfcc"].mean_average_precision.value == 1.0
    assert figures["encoder.voice"].mean_average_precision.count == 2


def test_nobody_to_be_found_is_no_figure() -> None:
    labels = [Label("a", "t0"), Label("a", "t0"), Label("b", "t1")]
    assert retrieval(np.eye(3, dtype=np.float32), labels) is None
    assert encoder_figures([{}]) == {}
