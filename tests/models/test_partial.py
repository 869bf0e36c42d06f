import numpy as np
import pytest
import torch

from models.partial import PartialGraph, cmps_body, cmps_body_small, fpr_distances, mobilenet_features, partial_encoder
from packs.partial import fpr_distance, gallery_half, pyramid_size


def pixels(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def test_the_features_are_the_paper_s() -> None:
    with torch.device("meta"):
        features = mobilenet_features(width=1.0, last=1280, last_stride=2)
        assert features(torch.zeros(1, 3, 224, 224)).shape == (1, 1280, 7, 7)
    # Table 2: 3.5 M with the classifier (1280 x 1000 + 1000), 2,223,872 without it.
    assert sum(p.numel() for p in features.parameters()) == 2_223_872
    shapes = {name: tuple(value.shape) for name, value in features.state_dict().items()}
    assert shapes["0.0.weight"] == (32, 3, 3, 3)
    assert shapes["1.conv.0.0.weight"] == (32, 1, 3, 3)
    assert shapes["1.conv.1.weight"] == (16, 32, 1, 1)
    assert shapes["2.conv.0.0.weight"] == (96, 16, 1, 1)
    assert shapes["2.conv.2.weight"] == (24, 96, 1, 1)
    assert shapes["18.0.weight"] == (1280, 320, 1, 1)
    assert len(features) == 19


@pytest.mark.parametrize(("last_stride", "side", "count"), [(2, 7, 14), (1, 14, 126)])
def test_the_last_stride_makes_the_map(last_stride: int, side: int, count: int) -> None:
    with torch.device("meta"):
        features = mobilenet_features(width=1.0, last=1280, last_stride=last_stride)
        assert features(torch.zeros(1, 3, 224, 224)).shape[2:] == (side, side)
    assert pyramid_size(side, side, (2, 4, 6, 8)) == count


def test_the_paper_s_branch_has_fourteen_vectors() -> None:
    with torch.device("meta"):
        network = cmps_body().eval()
        found = network(torch.zeros(2, 224, 224, 3))
    assert found.embedding.shape == (2, 1024)
    assert found.vectors.shape == (2, 1280, 14)
    # Features, a 7x7 convolution without bias, its norm, and the score of the foreground.
    expected = 2_223_872 + 1280 * 1024 * 49 + 2 * 1024 + 1281
    assert sum(p.numel() for p in network.parameters()) == expected


def test_the_pyramid_is_a_maximum_over_windows() -> None:
    network = cmps_body_small()
    x = torch.randn(2, 3, 8, 4, generator=torch.Generator().manual_seed(0))
    small, large = network.pyramid(x)
    assert (small.shape[2], large.shape[2]) == (8, 3)
    for index, (row, column) in enumerate((r, c) for r in range(4) for c in range(2)):
        window = x[:, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        torch.testing.assert_close(small[:, :, index], window.amax(dim=(2, 3)))
    for index in range(3):
        torch.testing.assert_close(large[:, :, index], x[:, :, 2 * index : 2 * index + 4].amax(dim=(2, 3)))


def test_weights_are_the_foreground_s_share() -> None:
    torch.manual_seed(0)
    network = cmps_body_small().eval()
    with torch.inference_mode():
        found = network(pixels(2, 128, 64, 3))
        chances = torch.sigmoid(found.vectors.transpose(1, 2) @ network.foreground.score.weight[0] + 0.0)
        chances = torch.sigmoid(torch.logit(chances) + network.foreground.score.bias)
    torch.testing.assert_close(found.weights, chances / chances.sum(dim=1, keepdim=True), atol=1e-5, rtol=1e-4)
    finest = chances[:, :8] / chances[:, :8].sum(dim=1, keepdim=True)
    torch.testing.assert_close(found.foreground, (found.vectors[:, :, :8] * finest[:, None]).sum(dim=2))


def test_the_projection_weighs_places_and_does_not_average_them() -> None:
    torch.manual_seed(0)
    network = cmps_body_small().eval()
    x = torch.randn(1, 128, 8, 4)
    with torch.inference_mode():
        assert (network.projection(x) - network.projection(x.flip(2))).abs().max() > 0.01


def test_torch_matches_as_numpy_does() -> None:
    rng = np.random.default_rng(0)
    gallery, query = (rng.normal(size=(n, 6, m)).astype(np.float32) for n, m in ((3, 4), (2, 5)))
    weights = rng.dirichlet(np.ones(5), size=2).astype(np.float32)
    found = fpr_distances(*(torch.from_numpy(x) for x in (query, weights, gallery)))
    for q in range(2):
        for g in range(3):
            expected = fpr_distance(query[q], weights[q], gallery_half(gallery[g]))
            assert found[q, g].item() == pytest.approx(expected, abs=2e-5)


def test_the_vector_of_the_paper() -> None:
    gallery = torch.tensor([[[1.0, 0], [0, 1], [0, 0]]])
    query = torch.tensor([[[1.0, 0, 0.6], [0, 0, 0.8], [0, 1, 0]]])
    found = fpr_distances(query, torch.tensor([[0.2, 0.5, 0.3]]), gallery)
    assert found.item() == pytest.approx(0.5004995, abs=1e-6)


def test_distances_can_be_descended_even_from_nothing() -> None:
    vectors = torch.randn(2, 6, 3, requires_grad=True)
    fpr_distances(vectors, torch.full((2, 3), 1 / 3), vectors).sum().backward()
    assert torch.isfinite(vectors.grad).all()


def test_the_served_graph_gives_what_matching_needs() -> None:
    network = cmps_body_small().eval()
    with torch.inference_mode():
        embedding, vectors, weights = PartialGraph(network=network)(pixels(3, 128, 64, 3))
    assert (embedding.shape, vectors.shape, weights.shape) == ((3, 128), (3, 128, 11), (3, 11))
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(3))
    assert sum(p.numel() for p in network.parameters()) < 1_100_000


def test_a_window_larger_than_the_map_is_refused() -> None:
    with pytest.raises(ValueError, match="window of 6 does not fit a map of 8x4"):
        partial_encoder(width=0.5, channels=8, last_stride=1, grid=(8, 4), kernels=(2, 6), embedding_dim=4)
