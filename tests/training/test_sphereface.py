import math

import pytest
import torch
from torch import Tensor

from training.losses.sphereface import SphereFaceLoss


def slow_psi(angle: float, margin: int) -> float:
    """Equation 7's function, by looking for the piece that the angle lies in."""
    for piece in range(margin):
        if piece * math.pi / margin <= angle <= (piece + 1) * math.pi / margin:
            return (-1) ** piece * math.cos(margin * angle) - 2 * piece
    raise AssertionError(angle)


def slow_loss(embeddings: Tensor, centres: Tensor, labels: list[int], margin: int, blend: float) -> float:
    total = 0.0
    for x, label in zip(embeddings.tolist(), labels, strict=True):
        length = math.hypot(*x)
        logits = []
        for index, centre in enumerate(centres.tolist()):
            cosine = sum(a * b for a, b in zip(x, centre, strict=True)) / (length * math.hypot(*centre))
            if index == label:
                cosine = (blend * cosine + slow_psi(math.acos(cosine), margin)) / (1 + blend)
            logits.append(length * cosine)
        total += math.log(sum(math.exp(value) for value in logits)) - logits[label]
    return total / len(labels)


def loss_of(margin: int, blend: float = 0.0) -> SphereFaceLoss:
    torch.manual_seed(3)
    return SphereFaceLoss(embedding_dim=6, classes=5, margin=margin, blend=blend)


@pytest.mark.parametrize("margin", [1, 2, 3, 4])
@pytest.mark.parametrize("blend", [0.0, 5.0])
def test_the_loss_is_the_formula(margin: int, blend: float) -> None:
    loss = loss_of(margin, blend)
    embeddings = torch.randn(9, 6) * 2.0
    labels = torch.arange(9) % 5
    expected = slow_loss(embeddings, loss.centres.detach(), labels.tolist(), margin, blend)
    assert loss(embeddings, labels).item() == pytest.approx(expected, rel=1e-4)


def test_a_margin_of_one_is_plain_softmax_over_centres_of_length_one() -> None:
    loss = loss_of(1)
    embeddings, labels = torch.randn(9, 6), torch.arange(9) % 5
    logits = embeddings @ torch.nn.functional.normalize(loss.centres).T
    torch.testing.assert_close(loss(embeddings, labels), torch.nn.functional.cross_entropy(logits, labels))


@pytest.mark.parametrize("margin", [2, 3, 4])
def test_the_curve_falls_all_the_way(margin: int) -> None:
    angles = torch.linspace(0.002, math.pi - 0.002, 500)
    curve = loss_of(margin)._curve(torch.cos(angles))
    assert (curve.diff() < 0.0).all()
    assert curve[0].item() == pytest.approx(1.0, abs=1e-3)
    assert curve[-1].item() == pytest.approx(1.0 - 2.0 * margin, abs=1e-3)


def test_a_right_embedding_gains_by_length() -> None:
    """Which is why length can say how clear a face is: the loss rewards it where the direction is right."""
    loss = loss_of(4)
    right = torch.nn.functional.normalize(loss.centres.detach())
    labels = torch.arange(5)
    assert loss(10.0 * right, labels) < loss(right, labels)
    assert loss(-10.0 * right, labels) > loss(-right, labels)


def test_slopes_are_finite_at_the_centre_and_opposite_to_it() -> None:
    loss = loss_of(4)
    right = torch.nn.functional.normalize(loss.centres.detach())
    for sign in (1.0, -1.0):
        embeddings = (sign * right).requires_grad_()
        loss(embeddings, torch.arange(5)).backward()
        assert embeddings.grad is not None
        assert torch.isfinite(embeddings.grad).all()


def test_what_teaches_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="got 1 classes"):
        SphereFaceLoss(embedding_dim=2, classes=1)
    with pytest.raises(ValueError, match="got margin 0"):
        SphereFaceLoss(embedding_dim=2, classes=2, margin=0)
