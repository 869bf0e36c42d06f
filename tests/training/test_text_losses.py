import math

import numpy as np
import pytest
import torch

from models.partial import PartialBodies
from packs.partial import fpr_distance, gallery_half
from training.losses import CmpsLoss, CrossModalProjection, SharedContrast, SharedIdentity, SimilarityDistribution
from training.losses.cmps import balance, batch_hard, two_way_triplet

# Methods.md 4.4.
IMAGES = torch.tensor([[1.0, 0], [0, 2], [1, 1]])
TEXTS = torch.tensor([[2.0, 0], [1, 1], [0, 1]])
LABELS = torch.tensor([0, 1, 1])


def batch(rows: int = 6, dims: int = 5, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    images, texts = (torch.randn(rows, dims, generator=generator) for _ in range(2))
    return images, texts, torch.randint(0, 3, (rows,), generator=generator)


def softmax(values: list[float]) -> list[float]:
    top = max(values)
    parts = [math.exp(value - top) for value in values]
    return [part / sum(parts) for part in parts]


def dot(a, b) -> float:
    return float(sum(float(x) * float(y) for x, y in zip(a, b, strict=True)))


def length(a) -> float:
    return math.sqrt(dot(a, a))


def slow_direction(scores: list[list[float]], labels, norm: str) -> float:
    """The divergence of one direction, written from the definition, one row and one column at a time."""
    total = 0.0
    for i, row in enumerate(scores):
        mask = [1.0 if labels[i] == labels[j] else 0.0 for j in range(len(row))]
        size = sum(mask) if norm == "sum" else math.sqrt(sum(mask))
        for p, m in zip(softmax(row), mask, strict=True):
            total += p * (math.log(p) - math.log(m / size + 1e-8))
    return total / len(scores)


def slow_cmpm(images, texts, labels, norm: str) -> float:
    forth = [[dot(x, y) / length(y) for y in texts] for x in images]
    back = [[dot(y, x) / length(x) for x in images] for y in texts]
    return slow_direction(forth, labels, norm) + slow_direction(back, labels, norm)


def slow_sdm(images, texts, labels) -> float:
    forth = [[50 * dot(x, y) / length(x) / length(y) for y in texts] for x in images]
    back = [list(column) for column in zip(*forth, strict=True)]
    return slow_direction(forth, labels, "sum") + slow_direction(back, labels, "sum")


@pytest.mark.parametrize(("targets", "expected"), [("sum", 9.547623), ("l2", 9.180635)])
def test_cmpm_gives_the_test_vector(targets, expected: float) -> None:
    found = CrossModalProjection(targets=targets)(IMAGES, TEXTS, LABELS)
    assert found.item() == pytest.approx(expected, abs=2e-6)
    assert slow_cmpm(IMAGES, TEXTS, LABELS, targets) == pytest.approx(expected, abs=2e-6)


def test_sdm_gives_the_test_vector() -> None:
    assert SimilarityDistribution()(IMAGES, TEXTS, LABELS).item() == pytest.approx(0.924188, abs=2e-6)
    assert slow_sdm(IMAGES, TEXTS, LABELS) == pytest.approx(0.924188, abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_matching_losses_are_their_slow_oracles(seed: int) -> None:
    images, texts, labels = batch(seed=seed)
    for norm in ("sum", "l2"):
        found = CrossModalProjection(targets=norm)(images, texts, labels).item()
        assert found == pytest.approx(slow_cmpm(images, texts, labels, norm), rel=1e-4)
    found = SimilarityDistribution()(images, texts, labels).item()
    assert found == pytest.approx(slow_sdm(images, texts, labels), rel=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_the_contrast_is_its_slow_oracle(seed: int) -> None:
    images, texts, labels = batch(seed=seed)
    forth = [[20 * dot(x, y) / length(x) / length(y) for y in texts] for x in images]
    total = 0.0
    for scores in (forth, [list(column) for column in zip(*forth, strict=True)]):
        for i, row in enumerate(scores):
            right = [math.log(p) for j, p in enumerate(softmax(row)) if labels[i] == labels[j]]
            total -= sum(right) / len(right)
    found = SharedContrast(scale=20.0)(images, texts, labels).item()
    assert found == pytest.approx(total / 2 / len(images), rel=1e-4)


def test_the_two_targets_agree_where_everybody_is_there_once() -> None:
    images, texts, _ = batch()
    labels = torch.arange(6)
    losses = [CrossModalProjection(targets=how)(images, texts, labels) for how in ("sum", "l2")]
    torch.testing.assert_close(losses[0], losses[1])


def test_right_pairs_cost_nothing() -> None:
    pairs = torch.eye(4)
    assert SimilarityDistribution()(pairs, pairs, torch.arange(4)).item() == pytest.approx(0.0, abs=1e-5)
    assert SimilarityDistribution()(pairs, pairs.roll(1, 0), torch.arange(4)).item() > 10


def test_identity_is_told_by_one_classifier() -> None:
    torch.manual_seed(0)
    images, texts, labels = batch()
    loss = SharedIdentity(embedding_dim=5, classes=3)
    of_images, of_texts = loss(images, texts, labels)
    for x, found in ((images, of_images), (texts, of_texts)):
        rows = [[dot(row, centre) for centre in loss.classifier.weight.detach()] for row in x]
        slow = -sum(math.log(softmax(row)[label]) for row, label in zip(rows, labels.tolist(), strict=True)) / 6
        assert found.item() == pytest.approx(slow, rel=1e-5)
    with pytest.raises(ValueError, match="at least 2"):
        SharedIdentity(embedding_dim=5, classes=1)


def test_labels_may_be_smoothed() -> None:
    images, texts, labels = batch()
    hard, soft = (SharedIdentity(embedding_dim=5, classes=3, smoothing=share) for share in (0.0, 0.3))
    soft.load_state_dict(hard.state_dict())
    logs = hard.classifier(images).log_softmax(1)
    expected = -(0.7 * logs.gather(1, labels[:, None]).mean() + 0.3 * logs.mean())
    torch.testing.assert_close(soft(images, texts, labels)[0], expected)


def test_balance_gives_the_test_vector() -> None:
    texts = torch.tensor([[0.7, 0.2, 0.1], [0.5, 0.25, 0.25]])
    images = torch.tensor([[0.6, 0.3, 0.1], [0.25, 0.5, 0.25]])
    assert balance(texts, images).item() == pytest.approx(0.2775, abs=1e-6)
    assert balance(images, texts).item() == pytest.approx(0.2775, abs=1e-6)
    assert balance(texts, texts).item() == 0.0
    assert balance(torch.eye(3), torch.eye(3).roll(1, 0)).item() == pytest.approx(2.0)


@pytest.mark.parametrize("seed", range(3))
def test_balance_is_the_equation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    texts, images = (rng.dirichlet(np.ones(4), size=5) for _ in range(2))
    slow = np.mean(
        [
            sum(t * abs(t - i) for t, i in zip(p, q, strict=True))
            + sum(i * abs(i - t) for t, i in zip(p, q, strict=True))
            for p, q in zip(texts, images, strict=True)
        ]
    )
    found = balance(*(torch.from_numpy(x.astype(np.float32)) for x in (texts, images))).item()
    assert found == pytest.approx(float(slow), rel=1e-5)


def slow_triplet(images, texts, labels, margin: float) -> float:
    def cosine(a, b) -> float:
        return dot(a, b) / length(a) / length(b)

    total = 0.0
    for k in range(len(labels)):
        wrong = [j for j in range(len(labels)) if labels[j] != labels[k]]
        if wrong:
            right = cosine(images[k], texts[k])
            total += max(0.0, margin + max(cosine(images[k], texts[j]) for j in wrong) - right)
            total += max(0.0, margin + max(cosine(images[j], texts[k]) for j in wrong) - right)
    return total / len(labels)


@pytest.mark.parametrize("seed", range(3))
def test_triplets_between_modalities_are_their_slow_oracle(seed: int) -> None:
    images, texts, labels = batch(seed=seed)
    found = two_way_triplet(images, texts, labels, 0.2).item()
    assert found == pytest.approx(slow_triplet(images, texts, labels, 0.2), rel=1e-5)
    assert two_way_triplet(images, texts, torch.zeros(6, dtype=torch.int64), 0.2).item() == 0.0


def slow_batch_hard(distances, labels, margin: float) -> float:
    total = 0.0
    for a in range(len(labels)):
        right = [float(distances[a][p]) for p in range(len(labels)) if labels[p] == labels[a] and p != a]
        wrong = [float(distances[a][n]) for n in range(len(labels)) if labels[n] != labels[a]]
        if wrong:
            total += max(0.0, margin + max(right, default=0.0) - min(wrong))
    return total / len(labels)


@pytest.mark.parametrize("seed", range(3))
def test_triplets_between_bodies_are_their_slow_oracle(seed: int) -> None:
    _, _, labels = batch(seed=seed)
    distances = torch.rand(6, 6, generator=torch.Generator().manual_seed(seed))
    assert batch_hard(distances, labels, 0.3).item() == pytest.approx(slow_batch_hard(distances, labels, 0.3), rel=1e-5)


def bodies(rows: int = 6, seed: int = 0) -> PartialBodies:
    generator = torch.Generator().manual_seed(seed)
    return PartialBodies(
        embedding=torch.randn(rows, 5, generator=generator),
        vectors=torch.randn(rows, 8, 4, generator=generator),
        weights=torch.rand(rows, 4, generator=generator).softmax(1),
        foreground=torch.randn(rows, 8, generator=generator),
    )


def test_the_five_terms_are_the_five_terms() -> None:
    torch.manual_seed(0)
    seen, (_, texts, labels) = bodies(), batch()
    loss = CmpsLoss(embedding_dim=5, channels=8, classes=3).eval()
    found = loss(seen, texts, labels)
    assert list(found) == ["text_identity", "image_identity", "balance", "triplet", "fpr"]
    image_loss, text_loss = loss.identity(seen.embedding, texts, labels)
    torch.testing.assert_close(found["text_identity"], text_loss)
    torch.testing.assert_close(found["image_identity"], image_loss)
    rows = [
        np.array([softmax([dot(r, c) for c in loss.identity.classifier.weight.detach()]) for r in x])
        for x in (texts, seen.embedding)
    ]
    slow = np.mean(np.sum((rows[0] + rows[1]) * np.abs(rows[0] - rows[1]), axis=1))
    assert found["balance"].item() == pytest.approx(float(slow), rel=1e-4)
    assert found["triplet"].item() == pytest.approx(slow_triplet(seen.embedding, texts, labels, 0.2), rel=1e-5)


def test_the_fpr_term_is_matching_and_the_foreground_s_identity() -> None:
    torch.manual_seed(0)
    seen, (_, texts, labels) = bodies(), batch()
    loss = CmpsLoss(embedding_dim=5, channels=8, classes=3).eval()
    halves = [gallery_half(vectors.numpy()) for vectors in seen.vectors]
    matched = [
        [fpr_distance(v.numpy(), w.numpy(), half) for half in halves]
        for v, w in zip(seen.vectors, seen.weights, strict=True)
    ]
    apart = [[length(a - b) for b in seen.foreground] for a in seen.foreground]
    logs = loss.foreground(seen.foreground).log_softmax(1)
    entropy = -(0.9 * logs.gather(1, labels[:, None]).mean() + 0.1 * logs.mean()).item()
    expected = slow_batch_hard(matched, labels, 0.3) + entropy + slow_batch_hard(apart, labels, 0.3)
    assert loss(seen, texts, labels)["fpr"].item() == pytest.approx(expected, rel=1e-4)


def test_every_term_reaches_what_it_is_made_of() -> None:
    seen = PartialBodies(*(x.requires_grad_() for x in bodies()))
    _, texts, labels = batch()
    texts.requires_grad_()
    loss = CmpsLoss(embedding_dim=5, channels=8, classes=3)
    torch.stack(list(loss(seen, texts, labels).values())).sum().backward()
    for part in (*seen, texts):
        assert part.grad is not None
        assert torch.isfinite(part.grad).all()
