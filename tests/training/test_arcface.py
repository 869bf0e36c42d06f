import math

import numpy as np
import pytest
import torch

from training.losses import ArcFace


def slow_arcface(embeddings, centres, labels, scale, margin) -> float:
    """Equation 3 of the paper, one example and one class at a time; past pi - m the margin becomes a straight cost."""
    total = 0.0
    for embedding, label in zip(embeddings, labels, strict=True):
        logits = []
        for index, centre in enumerate(centres):
            cosine = float(np.dot(embedding, centre) / (np.linalg.norm(embedding) * np.linalg.norm(centre)))
            if index == label:
                angle = math.acos(cosine)
                cosine = math.cos(angle + margin) if angle < math.pi - margin else cosine - margin * math.sin(margin)
            logits.append(scale * cosine)
        top = max(logits)
        total += top + math.log(sum(math.exp(value - top) for value in logits)) - logits[label]
    return total / len(labels)


@pytest.mark.parametrize("margin", [0.0, 0.3, 0.5])
@pytest.mark.parametrize("classes", [2, 7])
def test_arcface_is_the_formula(classes: int, margin: float) -> None:
    torch.manual_seed(3)
    loss = ArcFace(embedding_dim=6, classes=classes, scale=16.0, margin=margin)
    embeddings = torch.randn(9, 6, dtype=torch.float32) * 4.0
    labels = torch.arange(9) % classes
    expected = slow_arcface(embeddings.numpy(), loss.centres.detach().numpy(), labels.tolist(), 16.0, margin)
    assert loss(embeddings, labels).item() == pytest.approx(expected, rel=1e-4)


def test_an_embedding_opposite_to_its_centre_is_still_pulled() -> None:
    loss = ArcFace(embedding_dim=2, classes=2, scale=8.0, margin=0.5)
    loss.centres.data = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    embeddings = torch.tensor([[-1.0, 1e-3]], requires_grad=True)
    value = loss(embeddings, torch.tensor([0]))
    value.backward()
    assert embeddings.grad is not None
    assert torch.isfinite(embeddings.grad).all()
    expected = slow_arcface(embeddings.detach().numpy(), loss.centres.detach().numpy(), [0], 8.0, 0.5)
    assert value.item() == pytest.approx(expected, rel=1e-4)


def test_the_length_of_embeddings_does_not_matter() -> None:
    torch.manual_seed(0)
    loss = ArcFace(embedding_dim=4, classes=3, scale=30.0, margin=0.4)
    embeddings, labels = torch.randn(5, 4), torch.tensor([0, 1, 2, 1, 0])
    torch.testing.assert_close(loss(embeddings, labels), loss(embeddings * 9.0, labels))


def test_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="got 1 classes"):
        ArcFace(embedding_dim=4, classes=1, scale=30.0, margin=0.4)
