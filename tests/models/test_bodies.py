"""Bodies: the stripes and their shortest path against the recursion of the paper."""

import math

import pytest
import torch
from torch import Tensor

from models.body import StripeHead, aligned_body_small, element_distances, shortest_path, stripe_distances, stripe_head


def slow_path(costs: list[list[float]]) -> float:
    """Equation 2 of AlignedReID, cell by cell."""
    table = [[0.0] * len(costs[0]) for _ in costs]
    for i, row in enumerate(costs):
        for j, cost in enumerate(row):
            before = [table[i - 1][j]] if i else []
            before += [table[i][j - 1]] if j else []
            table[i][j] = cost + (min(before) if before else 0.0)
    return table[-1][-1]


def slow_distance(first: Tensor, second: Tensor) -> float:
    """Equations 1 and 2, stripe by stripe."""
    costs = []
    for a in first.tolist():
        lengths = [math.dist(a, b) for b in second.tolist()]
        costs.append([(math.exp(d) - 1.0) / (math.exp(d) + 1.0) for d in lengths])
    return slow_path(costs)


def stripes(bodies: int, count: int, dim: int = 6, seed: int = 0) -> Tensor:
    drawn = torch.randn(bodies, count, dim, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(drawn, dim=2)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 5), (5, 1), (2, 3), (8, 8), (7, 4)])
def test_the_path_is_the_recursion(rows: int, columns: int) -> None:
    costs = torch.rand(3, 2, rows, columns, generator=torch.Generator().manual_seed(rows))
    found = shortest_path(costs)
    for i in range(3):
        for j in range(2):
            assert found[i, j].item() == pytest.approx(slow_path(costs[i, j].tolist()), abs=1e-5)


@pytest.mark.parametrize("other", [8, 5])
def test_the_distance_is_the_papers(other: int) -> None:
    first, second = stripes(3, 8), stripes(4, other, seed=1)
    found = stripe_distances(first, second)
    for i in range(3):
        for j in range(4):
            assert found[i, j].item() == pytest.approx(slow_distance(first[i], second[j]), abs=1e-4)


def test_the_distance_is_symmetric() -> None:
    first, second = stripes(3, 8), stripes(3, 8, seed=1)
    torch.testing.assert_close(stripe_distances(first, second), stripe_distances(second, first).T)


def test_a_body_cut_lower_is_nearer_than_another_body() -> None:
    """What the method is for: the same stripes one place down are told from a stranger's, in place they hardly are."""
    body = stripes(1, 8)
    lowered = torch.cat([body[:, :1], body[:, :-1]], dim=1)
    both = torch.cat([lowered, stripes(1, 8, seed=5)])
    aligned = stripe_distances(body, both).squeeze(0)
    in_place = element_distances(body, both).squeeze(0).diagonal(dim1=1, dim2=2).sum(dim=1)
    assert aligned[0] < 0.6 * aligned[1]
    assert in_place[0] > 0.7 * in_place[1]


def test_slopes_stay_finite_where_stripes_are_equal() -> None:
    body = stripes(2, 4).requires_grad_()
    stripe_distances(body, body).sum().backward()
    assert body.grad is not None
    assert torch.isfinite(body.grad).all()


def test_slopes_run_along_the_path_alone() -> None:
    costs = torch.tensor([[1.0, 9.0], [1.0, 1.0]], requires_grad=True)
    shortest_path(costs).backward()
    assert costs.grad is not None
    assert costs.grad.tolist() == [[1.0, 0.0], [1.0, 1.0]]


def test_a_stripe_is_its_strongest_answer_made_one_long() -> None:
    head = stripe_head(2, stripe_dim=2).eval()
    with torch.no_grad():
        head.projection.weight.copy_(torch.eye(2).reshape(2, 2, 1, 1))
        head.projection.bias.zero_()
        # Row 0: strongest 3 and 4; row 1: strongest 0 (negative ones count as 0) and 2.
        features = torch.tensor([[[[3.0, 1.0], [-5.0, -1.0]], [[0.0, 4.0], [2.0, 1.0]]]])
        found = head(features)
    torch.testing.assert_close(found, torch.tensor([[[0.6, 0.8], [0.0, 1.0]]]), atol=1e-5, rtol=1e-5)


def test_a_head_refuses_a_norm_of_another_width() -> None:
    with pytest.raises(ValueError, match="norm gives 3 channels, projection takes 4"):
        StripeHead(norm=torch.nn.BatchNorm2d(3), projection=torch.nn.Conv2d(4, 2, 1))


def test_the_small_body_has_eight_stripes_from_top_to_bottom() -> None:
    network = aligned_body_small().eval()
    crop = torch.randint(0, 256, (2, 128, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        found = network(crop)
        changed = network(torch.cat([crop[:, :112], 255 - crop[:, 112:]], dim=1))
    assert found.whole.shape == (2, 256)
    assert found.stripes.shape == (2, 8, 32)
    torch.testing.assert_close(found.stripes.norm(dim=2), torch.ones(2, 8))
    moved = (found.stripes - changed.stripes).norm(dim=2)
    assert (moved[:, 7] > 10 * moved[:, 0]).all()
