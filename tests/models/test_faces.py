"""Faces: the networks against their definition written with functions alone, and the quality of an embedding."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from models.face import NormQuality, QualityGraph, iresnet, iresnet_small, sphereface, sphereface_small
from models.face.iresnet import IResNet

Weights = dict[str, Tensor]


def lively(network: torch.nn.Module) -> torch.nn.Module:
    """Give norms and activations something to do, so that a wrong order of them shows."""
    generator = torch.Generator().manual_seed(1)
    for name, tensor in network.state_dict().items():
        if name.endswith(("running_mean", "bias")):
            tensor.uniform_(-0.2, 0.2, generator=generator)
        elif name.endswith("running_var") or tensor.dim() == 1:
            tensor.uniform_(0.5, 1.5, generator=generator)
    return network.eval()


def crops(*shape: int) -> Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def norm(w: Weights, key: str, x: Tensor) -> Tensor:
    return functional.batch_norm(
        x, w[f"{key}.running_mean"], w[f"{key}.running_var"], w[f"{key}.weight"], w[f"{key}.bias"], eps=1e-5
    )


def block_by_hand(w: Weights, key: str, x: Tensor, stride: int) -> Tensor:
    y = functional.conv2d(norm(w, f"{key}.bn1", x), w[f"{key}.conv1.weight"], padding=1)
    y = functional.prelu(norm(w, f"{key}.bn2", y), w[f"{key}.prelu.weight"])
    y = norm(w, f"{key}.bn3", functional.conv2d(y, w[f"{key}.conv2.weight"], stride=stride, padding=1))
    if f"{key}.downsample.0.weight" in w:
        x = norm(w, f"{key}.downsample.1", functional.conv2d(x, w[f"{key}.downsample.0.weight"], stride=stride))
    return y + x


def iresnet_by_hand(w: Weights, crop: Tensor, counts: tuple[int, ...]) -> Tensor:
    """The public forward pass, from the public keys, with no module of ours."""
    x = (crop.permute(0, 3, 1, 2).float() - 127.5) / 127.5
    x = functional.prelu(norm(w, "bn1", functional.conv2d(x, w["conv1.weight"], padding=1)), w["prelu.weight"])
    for stage, count in enumerate(counts, start=1):
        for index in range(count):
            x = block_by_hand(w, f"layer{stage}.{index}", x, 2 if index == 0 else 1)
    x = functional.linear(norm(w, "bn2", x).flatten(1), w["fc.weight"], w["fc.bias"])
    return norm(w, "features", x)


def test_iresnet_is_its_definition() -> None:
    counts = (2, 1, 2, 1)
    network = lively(iresnet(counts=counts, widths=(8, 12, 16, 20), embedding_dim=24, side_px=32))
    crop = crops(3, 32, 32, 3)
    with torch.inference_mode():
        torch.testing.assert_close(
            network(crop), iresnet_by_hand(network.state_dict(), crop, counts), atol=1e-4, rtol=1e-4
        )


def test_arcface_keeps_the_last_norm_at_one() -> None:
    network = iresnet_small()
    assert not network.features.weight.requires_grad
    assert network.features.bias.requires_grad
    assert torch.equal(network.features.weight, torch.ones(256))


def test_sphereface_is_its_definition() -> None:
    network = lively(sphereface(counts=(1, 0, 1, 0), widths=(4, 6, 8, 10), embedding_dim=5, height_px=32, width_px=16))
    w = network.state_dict()
    crop = crops(2, 32, 16, 3)

    def unit(x: Tensor, key: str, stride: int = 1) -> Tensor:
        y = functional.conv2d(x, w[f"{key}.0.weight"], w[f"{key}.0.bias"], stride=stride, padding=1)
        return functional.prelu(y, w[f"{key}.1.weight"])

    x = unit((crop.permute(0, 3, 1, 2).float() - 127.5) / 128.0, "trunk.0", 2)
    x = x + unit(unit(x, "trunk.1.body.0"), "trunk.1.body.1")
    x = unit(unit(x, "trunk.2", 2), "trunk.3", 2)
    x = x + unit(unit(x, "trunk.4.body.0"), "trunk.4.body.1")
    x = unit(x, "trunk.5", 2)
    expected = functional.linear(x.flatten(1), w["fc1.weight"], w["fc1.bias"])
    with torch.inference_mode():
        torch.testing.assert_close(network(crop), expected, atol=1e-4, rtol=1e-4)


def test_sphereface_leaves_the_length_free() -> None:
    """Nothing after FC1 may normalise: its length is iQIYI's measure of quality."""
    network = sphereface_small().eval()
    crop = crops(2, 96, 96, 3)
    with torch.inference_mode():
        before = network(crop)
        network.fc1.weight.mul_(3.0)
        network.fc1.bias.mul_(3.0)
        torch.testing.assert_close(network(crop), 3.0 * before, rtol=1e-4, atol=1e-4)


def test_quality_is_the_length() -> None:
    embeddings = torch.tensor([[3.0, 4.0], [0.0, 0.0], [-1.0, 0.0]])
    torch.testing.assert_close(NormQuality()(embeddings), torch.tensor([[5.0], [0.0], [1.0]]))


def test_the_served_graph_gives_the_embedding_and_its_quality() -> None:
    network = iresnet_small().eval()
    crop = crops(2, 96, 96, 3)
    with torch.inference_mode():
        embeddings, quality = QualityGraph(encoder=network, quality=NormQuality())(crop)
        torch.testing.assert_close(embeddings, network(crop))
    torch.testing.assert_close(quality, embeddings.norm(dim=1, keepdim=True))


@pytest.mark.parametrize("side", [100, 8])
def test_a_side_that_does_not_halve_is_refused(side: int) -> None:
    with pytest.raises(ValueError, match="multiple of 16"):
        iresnet(counts=(1, 1, 1, 1), side_px=side)
    with pytest.raises(ValueError, match="multiples of 16"):
        sphereface(counts=(1, 1, 1, 1), widths=(1, 1, 1, 1), embedding_dim=2, height_px=32, width_px=side)


def test_the_layout_knows_four_stages() -> None:
    whole = iresnet_small()
    with pytest.raises(ValueError, match="got 3 stages"):
        IResNet(
            pixels=whole.pixels,
            conv1=whole.conv1,
            bn1=whole.bn1,
            prelu=whole.prelu,
            stages=[whole.layer1, whole.layer2, whole.layer3],
            bn2=whole.bn2,
            fc=whole.fc,
            features=whole.features,
        )
