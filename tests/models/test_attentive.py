"""One representation by multi-modal attention: what it lays side by side, and what is missing of it."""

from itertools import product

import pytest
import torch
from torch import Tensor

from models.fusion import associative_tracklets, attentive_network, attentive_tracklets

DIMS = (256, 192, 256, 192)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@torch.inference_mode()
def test_it_is_the_attention_laid_side_by_side() -> None:
    network = attentive_network(dims=(3, 4, 5), common_dim=6, comparison_dim=2, dropout=0.0).eval()
    parts = [drawn(2, dim, seed=dim) for dim in (3, 4, 5)]
    present = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 1.0]])
    found = network(present, torch.rand(2, 3), *parts)
    mapped = torch.stack([layer(part) for layer, part in zip(network.maps, parts, strict=True)], dim=1)
    keys = network.attention(mapped, present)
    torch.testing.assert_close(found.keys, keys)
    flat = keys.reshape(2, 18)
    torch.testing.assert_close(found.together, flat / flat.norm(dim=1, keepdim=True))
    squares = keys.square().sum(dim=2)
    torch.testing.assert_close(found.weights, squares / squares.sum(dim=1, keepdim=True))


@pytest.mark.parametrize("build", [associative_tracklets, attentive_tracklets])
@torch.inference_mode()
def test_missing_modalities_weigh_exactly_nothing(build: type) -> None:
    torch.manual_seed(0)
    network = build().eval()
    present = torch.tensor([mask for mask in product([0.0, 1.0], repeat=4) if any(mask)])
    parts = [drawn(15, dim, seed=dim) for dim in DIMS]
    before = network(present, torch.full((15, 4), 0.5), *parts)
    torch.testing.assert_close(before.weights.sum(dim=1), torch.ones(15))
    assert (before.weights[present == 0.0] == 0.0).all()
    assert (before.weights[present == 1.0] > 0.0).all()
    torch.testing.assert_close(before.together.norm(dim=1), torch.ones(15))
    for m, part in enumerate(parts):
        part[present[:, m] == 0.0] = float("nan")
    after = network(present, torch.full((15, 4), 0.5), *parts)
    for one, other in zip(before, after, strict=True):
        torch.testing.assert_close(one, other)
    assert network(torch.zeros(1, 4), torch.zeros(1, 4), *[drawn(1, dim) for dim in DIMS]).together.abs().sum() == 0.0


@pytest.mark.parametrize("build", [associative_tracklets, attentive_tracklets])
def test_it_wants_one_embedding_of_each(build: type) -> None:
    with pytest.raises(ValueError, match="got 3 embeddings, expected 4"):
        build()(torch.ones(2, 4), torch.ones(2, 4), *[drawn(2, dim) for dim in DIMS[:3]])


@torch.inference_mode()
def test_a_gate_of_quality_does_not_look_at_the_keys() -> None:
    torch.manual_seed(0)
    network = associative_tracklets().eval()
    present, quality = torch.ones(4, 4), torch.rand(4, 4)
    one, other = (network(present, quality, *[drawn(4, dim, seed=seed + dim) for dim in DIMS]) for seed in (0, 1))
    torch.testing.assert_close(one.weights, other.weights)
    moved = network(present, quality.flip(0), *[drawn(4, dim, seed=dim) for dim in DIMS])
    assert not torch.allclose(one.weights, moved.weights)


@torch.inference_mode()
def test_a_modality_is_worth_more_the_clearer_it_is_whatever_was_learned() -> None:
    torch.manual_seed(0)
    network = associative_tracklets().eval()
    network.gate.worth.copy_(drawn(4))
    network.gate.gain.copy_(-2.0 + drawn(4, seed=1))
    parts = [drawn(1, dim, seed=dim).expand(5, dim) for dim in DIMS]
    quality = torch.full((5, 4), 0.5)
    for modality in range(4):
        rising = quality.clone()
        rising[:, modality] = torch.linspace(0.0, 1.0, 5)
        assert (network(torch.ones(5, 4), rising, *parts).weights[:, modality].diff() > 0.0).all()
