"""The associative network: weights, keys and representation of methods.md 1.2, and modality dropout."""

import pytest
import torch
from torch import Tensor, nn

from models.fusion import ModalityDropout, associative_network, associative_small, drop_modalities


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@torch.inference_mode()
def test_weights_are_the_formula() -> None:
    """methods.md 1.2, one modality at a time."""
    torch.manual_seed(0)
    network = associative_network(dims=(3, 4, 5), common_dim=6, hidden_dim=7, dropout=0.0).eval()
    parts = [drawn(1, dim, seed=dim) for dim in (3, 4, 5)]
    quality = torch.tensor([[0.2, 0.9, 0.5]])
    found = network(torch.ones(1, 3), quality, *parts)
    keys = [network.maps[m][1](network.maps[m][0](part[0])) for m, part in enumerate(parts)]
    hidden = torch.tanh(network.gate.mixing.weight @ torch.cat([*keys, quality[0]]))
    scores = torch.stack([row @ hidden for row in network.gate.scores.weight])
    weights = torch.exp(scores) / torch.exp(scores).sum()
    together = sum(weight * key for weight, key in zip(weights, keys, strict=True))
    torch.testing.assert_close(found.weights[0], weights)
    torch.testing.assert_close(found.together[0], together / together.norm(), atol=1e-5, rtol=1e-5)


ALL_MASKS = [[float(b) for b in f"{n:03b}"] for n in range(1, 8)]


@torch.inference_mode()
def test_weights_sum_to_one_and_are_exactly_zero_on_what_is_missing() -> None:
    network = associative_small().eval()
    present = torch.tensor(ALL_MASKS)
    parts = [drawn(7, dim, seed=dim) for dim in (256, 256, 192)]
    found = network(present, torch.rand(7, 3), *parts)
    torch.testing.assert_close(found.weights.sum(dim=1), torch.ones(7))
    assert (found.weights[present == 0.0] == 0.0).all()
    assert (found.weights[present == 1.0] > 0.0).all()
    assert (found.keys[present == 0.0] == 0.0).all()
    torch.testing.assert_close(found.together.norm(dim=1), torch.ones(7))


@torch.inference_mode()
def test_a_face_alone_is_the_face() -> None:
    """methods.md 1.2 (d): weight 1, and the same ranking as a search by the face's own key."""
    network = associative_small().eval()
    parts = [drawn(6, dim, seed=dim) for dim in (256, 256, 192)]
    found = network(torch.tensor([[1.0, 0.0, 0.0]] * 6), torch.rand(6, 3), *parts)
    assert found.weights.tolist() == [[1.0, 0.0, 0.0]] * 6
    keys = nn.functional.normalize(found.keys[:, 0], dim=1)
    torch.testing.assert_close(found.together @ found.together.T, keys @ keys.T)


@torch.inference_mode()
def test_what_a_missing_modality_holds_does_not_count() -> None:
    network = associative_small().eval()
    present = torch.tensor([[1.0, 0.0, 1.0]])
    parts = [drawn(1, dim, seed=dim) for dim in (256, 256, 192)]
    before = network(present, torch.tensor([[0.5, 0.1, 0.5]]), *parts)
    parts[1].fill_(float("nan"))
    after = network(present, torch.tensor([[0.5, float("nan"), 0.5]]), *parts)
    for first, second in zip(before, after, strict=True):
        torch.testing.assert_close(first, second)


@torch.inference_mode()
def test_nothing_present_is_no_number_nowhere() -> None:
    network = associative_small().eval()
    found = network(torch.zeros(1, 3), torch.zeros(1, 3), *[drawn(1, dim) for dim in (256, 256, 192)])
    assert all(part.abs().sum() == 0.0 for part in found)


def test_quality_moves_the_weights() -> None:
    network = associative_small().eval()
    parts = [drawn(1, dim, seed=dim) for dim in (256, 256, 192)]
    quality = torch.tensor([[0.5, 0.5, 0.5]], requires_grad=True)
    network(torch.ones(1, 3), quality, *parts).weights[0, 0].backward()
    assert quality.grad is not None
    assert (quality.grad != 0.0).all()


def test_dropout_follows_its_draws_and_leaves_the_last_one() -> None:
    present = torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    draws = torch.tensor([[0.1, 0.5, 0.9], [0.1, 0.2, 0.9], [0.9, 0.9, 0.9], [0.29, 0.1, 0.2]])
    kept = drop_modalities(present, draws, 0.3)
    assert kept.tolist() == [[0, 1, 1], [0, 1, 0], [0, 0, 0], [1, 0, 0]]


def test_dropout_drops_about_its_share_and_never_all() -> None:
    torch.manual_seed(0)
    present = (torch.rand(20_000, 3) < 0.7).float()
    kept = ModalityDropout(probability=0.3).train()(present)
    assert (kept <= present).all()
    assert torch.equal(kept.sum(dim=1) > 0, present.sum(dim=1) > 0)
    whole = kept[present.sum(dim=1) == 3]
    # Of three, 0.3 go; where all three would go, one comes back: 0.3 - 0.027 / 3.
    assert whole.mean().item() == pytest.approx(1.0 - 0.3 + 0.009, abs=0.01)


def test_dropout_rests_while_serving() -> None:
    present = torch.ones(100, 3)
    assert torch.equal(ModalityDropout(probability=0.9).eval()(present), present)
    with pytest.raises(ValueError, match="something must be left"):
        ModalityDropout(probability=1.0)


def test_the_network_is_given_what_dropout_left() -> None:
    torch.manual_seed(0)
    network = associative_network(dims=(3, 4, 5), common_dim=6, hidden_dim=7, dropout=0.5).train()
    parts = [drawn(200, dim, seed=dim) for dim in (3, 4, 5)]
    found = network(torch.ones(200, 3), torch.rand(200, 3), *parts)
    gone = found.weights == 0.0
    assert 0.3 < gone.float().mean().item() < 0.6
    assert (found.keys[gone] == 0.0).all()
