"""Triplet losses against slow oracles: given triplets (APES), batch hard, and the stripes of AlignedReID++."""

import math

import pytest
import torch
from torch import Tensor, nn

from models.body import BodyEmbeddings, stripe_distances
from models.fusion import TwoStreamEmbeddings
from training.losses.aligned import AlignedLoss
from training.losses.distances import cosine, euclidean, same
from training.losses.triplet import BatchHardTriplet, TripletMargin, hardest
from training.losses.two_stream import TwoStreamLoss

LABELS = torch.tensor([0, 1, 0, 2, 1, 0, 3])


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def slow_cosine(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return 1.0 - dot / (math.hypot(*a) * math.hypot(*b))


def slow_hardest(table: list[list[float]], labels: list[int]) -> list[tuple[int, int, int]]:
    """For each anchor the farthest of its label and the nearest of another, by looking at all of them."""
    found = []
    for a, label in enumerate(labels):
        positives = [i for i in range(len(labels)) if labels[i] == label and i != a]
        negatives = [i for i in range(len(labels)) if labels[i] != label]
        if positives and negatives:
            far = max(positives, key=lambda i, a=a: table[a][i])
            near = min(negatives, key=lambda i, a=a: table[a][i])
            found.append((a, far, near))
    return found


def slow_hinge(table: list[list[float]], triplets: list[tuple[int, int, int]], margin: float) -> float:
    losses = [max(0.0, table[a][p] - table[a][n] + margin) for a, p, n in triplets]
    return sum(losses) / len(losses)


@pytest.mark.parametrize("margin", [0.3, 1.0])
@pytest.mark.parametrize(("name", "slow"), [("euclidean", math.dist), ("cosine", slow_cosine)])
def test_batch_hard_is_the_formula(name: str, slow, margin: float) -> None:
    embeddings = drawn(7, 4)
    rows = embeddings.tolist()
    table = [[slow(a, b) for b in rows] for a in rows]
    expected = slow_hinge(table, slow_hardest(table, LABELS.tolist()), margin)
    distance = {"euclidean": euclidean, "cosine": cosine}[name]
    found = BatchHardTriplet(margin=margin, distance=distance)(embeddings, LABELS)
    assert found.item() == pytest.approx(expected, abs=1e-5)


def test_an_anchor_without_a_positive_is_left_out() -> None:
    rows = hardest(euclidean(drawn(7, 4), drawn(7, 4)), LABELS)
    assert rows.anchor.tolist() == [0, 1, 2, 4, 5]


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_a_batch_without_triplets_costs_nothing_and_still_has_slopes(labels: list[int]) -> None:
    embeddings = drawn(3, 4).requires_grad_()
    loss = BatchHardTriplet()(embeddings, torch.tensor(labels))
    loss.backward()
    assert loss.item() == 0.0
    assert embeddings.grad is not None
    assert embeddings.grad.abs().sum() == 0.0


def test_slopes_stay_finite_where_rows_are_equal() -> None:
    embeddings = torch.ones(4, 3, requires_grad=True)
    BatchHardTriplet(margin=0.3)(embeddings, torch.tensor([0, 0, 1, 1])).backward()
    assert embeddings.grad is not None
    assert torch.isfinite(embeddings.grad).all()


def test_given_triplets_are_the_published_formula() -> None:
    anchor, positive, negative = (drawn(6, 5, seed=seed) for seed in range(3))
    losses = [
        max(0.0, math.dist(a, p) - math.dist(a, n) + 1.0)
        for a, p, n in zip(anchor.tolist(), positive.tolist(), negative.tolist(), strict=True)
    ]
    found = TripletMargin(margin=1.0)(anchor, positive, negative)
    assert found.item() == pytest.approx(sum(losses) / 6, abs=1e-5)


def test_the_loss_of_apes_has_its_three_terms() -> None:
    views = [
        TwoStreamEmbeddings(drawn(4, 3, seed=s), drawn(4, 3, seed=s + 9), drawn(4, 2, seed=s + 18)) for s in range(3)
    ]
    triplet = TripletMargin(margin=1.0)
    found = TwoStreamLoss(triplet=triplet)(*views)
    assert set(found) == {"face", "voice", "joint"}
    for name, value in found.items():
        assert value == triplet(*[getattr(view, name) for view in views])


def test_labels_are_compared_with_labels() -> None:
    assert same(torch.tensor([1, 2, 1])).tolist() == [[True, False, True], [False, True, False], [True, False, True]]


def bodies(count: int = 7) -> BodyEmbeddings:
    stripes = nn.functional.normalize(drawn(count, 5, 3, seed=4), dim=2)
    return BodyEmbeddings(whole=drawn(count, 6, seed=3), stripes=stripes)


def test_the_loss_of_aligned_bodies_is_the_sum_of_the_paper() -> None:
    torch.manual_seed(0)
    found = bodies()
    loss = AlignedLoss(classifier=nn.Linear(6, 4), margin=0.3, smoothing=0.1)
    terms = loss(found, LABELS)
    rows = found.whole.tolist()
    table = [[math.dist(a, b) for b in rows] for a in rows]
    triplets = slow_hardest(table, LABELS.tolist())
    assert terms["whole"].item() == pytest.approx(slow_hinge(table, triplets, 0.3), abs=1e-5)
    # The stripes' loss is over the triplets that the whole bodies chose.
    stripes = stripe_distances(found.stripes, found.stripes).tolist()
    assert terms["stripes"].item() == pytest.approx(slow_hinge(stripes, triplets, 0.3), abs=1e-5)
    assert triplets != slow_hardest(stripes, LABELS.tolist())
    logits = loss.classifier(found.whole).log_softmax(dim=1).tolist()
    smoothed = [
        -sum((0.9 * (k == label) + 0.1 / 4) * row[k] for k in range(4))
        for row, label in zip(logits, LABELS.tolist(), strict=True)
    ]
    assert terms["identity"].item() == pytest.approx(sum(smoothed) / 7, abs=1e-5)


def test_each_term_of_aligned_bodies_has_slopes_of_its_own() -> None:
    whole, stripes = drawn(7, 6, seed=3).requires_grad_(), drawn(7, 5, 3, seed=4).requires_grad_()
    found = BodyEmbeddings(whole=whole, stripes=nn.functional.normalize(stripes, dim=2))
    terms = AlignedLoss(classifier=nn.Linear(6, 4))(found, LABELS)
    (slope,) = torch.autograd.grad(terms["stripes"], stripes, retain_graph=True)
    assert slope.abs().sum() > 0.0
    (slope,) = torch.autograd.grad(terms["whole"], whole)
    assert slope.abs().sum() > 0.0
