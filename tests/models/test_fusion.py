"""What makes one embedding out of several: formulas and test vectors of methods.md, and what must hold of them."""

import pytest
import torch
from torch import Tensor, nn

from models.fusion import (
    MultiModalAttention,
    NetVlad,
    clip_identifier_small,
    two_stream_small,
)
from models.fusion.masked import masked_softmax
from models.fusion.netvlad import netvlad


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def attention(dim: int, inner: int, gamma: float = 0.05) -> MultiModalAttention:
    torch.manual_seed(0)
    return MultiModalAttention(projection=nn.Linear(dim, inner, bias=False), gamma=gamma).eval()


def slow_netvlad(frames: Tensor, module: NetVlad) -> Tensor:
    """V_k = sum_i a_ik (x_i - c_k), one clip, frame and centre at a time."""
    linear, norm = module.assignment
    result = torch.zeros(frames.shape[0], *module.centres.shape)
    for clip in range(frames.shape[0]):
        for x in frames[clip]:
            raw = linear.weight @ x + linear.bias
            scaled = (raw - norm.running_mean) / torch.sqrt(norm.running_var + norm.eps) * norm.weight + norm.bias
            a = torch.exp(scaled) / torch.exp(scaled).sum()
            for k, centre in enumerate(module.centres):
                result[clip, k] += a[k] * (x - centre)
    return result


@torch.inference_mode()
def test_attention_reproduces_the_test_vector() -> None:
    """methods.md 5.1 [RUN]: W_F = I, X = [[1, 0, 1], [0, 1, 1]]."""
    module = attention(2, 2)
    module.projection.weight.copy_(torch.eye(2))
    features = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]])
    present = torch.ones(1, 3)
    weights = torch.tensor(
        [[0.422319, 0.155362, 0.211942], [0.155362, 0.422319, 0.211942], [0.422319, 0.422319, 0.576117]]
    )
    torch.testing.assert_close(module.weights(features, present)[0], weights, atol=1e-6, rtol=1e-5)
    fused = torch.tensor([[1.042232, 0.028884, 1.039403], [0.028884, 1.042232, 1.039403]])
    torch.testing.assert_close(module(features, present)[0].T, fused, atol=1e-6, rtol=1e-5)


@torch.inference_mode()
def test_attention_is_the_formula() -> None:
    module = attention(7, 4)
    features = drawn(3, 5, 7)
    for clip in range(3):
        x = features[clip].T.double()
        f = module.projection.weight.double() @ x
        z = f.T @ f
        y = torch.exp(z) / torch.exp(z).sum(dim=0, keepdim=True)
        expected = (x + 0.05 * x @ y).T.float()
        torch.testing.assert_close(module(features, torch.ones(3, 5))[clip], expected, atol=1e-5, rtol=1e-5)


def test_a_masked_softmax_is_a_softmax_over_what_is_there() -> None:
    scores = torch.tensor([[1.0, 2.0, 900.0], [0.5, -3.0, 0.1], [1.0, 2.0, 3.0]])
    present = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    found = masked_softmax(scores, present, dim=1)
    torch.testing.assert_close(found[0, :2], scores[0, :2].softmax(dim=0))
    torch.testing.assert_close(found[1], scores[1].softmax(dim=0))
    assert found[0, 2] == 0.0
    assert found[2].tolist() == [0.0, 0.0, 0.0]


@torch.inference_mode()
def test_attention_without_gamma_changes_nothing() -> None:
    features = drawn(2, 4, 6)
    torch.testing.assert_close(attention(6, 3, gamma=0.0)(features, torch.ones(2, 4)), features)


@torch.inference_mode()
def test_attention_does_not_know_the_order_of_modalities() -> None:
    module, features, order = attention(6, 3), drawn(2, 4, 6), [2, 0, 3, 1]
    present = torch.tensor([[1.0, 1.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
    torch.testing.assert_close(module(features[:, order], present[:, order]), module(features, present)[:, order])


@torch.inference_mode()
def test_a_missing_modality_is_as_if_it_had_never_been() -> None:
    module, features = attention(6, 3), drawn(1, 4, 6)
    features[:, 2] = float("nan")
    found = module(features, torch.tensor([[1.0, 1.0, 0.0, 1.0]]))
    torch.testing.assert_close(found[:, [0, 1, 3]], module(features[:, [0, 1, 3]], torch.ones(1, 3)))
    assert found[:, 2].abs().sum() == 0.0
    assert module(features, torch.zeros(1, 4)).abs().sum() == 0.0


def test_attention_refuses_a_bias() -> None:
    with pytest.raises(ValueError, match="bias=False"):
        MultiModalAttention(projection=nn.Linear(4, 2))


@torch.inference_mode()
def test_netvlad_is_the_formula() -> None:
    torch.manual_seed(0)
    module = netvlad(5, clusters=3, embedding_dim=4).eval()
    norm = module.assignment[1]
    norm.running_mean.uniform_(-0.5, 0.5)
    norm.running_var.uniform_(0.5, 2.0)
    frames = drawn(2, 6, 5)
    residuals = slow_netvlad(frames, module)
    torch.testing.assert_close(module.residuals(frames), residuals, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(module(frames), module.projection(residuals.flatten(1)), atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_netvlad_does_not_know_the_order_of_frames() -> None:
    module, frames = netvlad(5, clusters=3, embedding_dim=4).eval(), drawn(2, 6, 5)
    torch.testing.assert_close(module(frames[:, [3, 1, 5, 0, 2, 4]]), module(frames))


@torch.inference_mode()
def test_netvlad_with_one_centre_sums_the_differences() -> None:
    module, frames = netvlad(5, clusters=1, embedding_dim=4).eval(), drawn(2, 6, 5)
    torch.testing.assert_close(module.residuals(frames)[:, 0], (frames - module.centres[0]).sum(dim=1))


@torch.inference_mode()
def test_netvlad_normalises_nothing_at_its_end() -> None:
    """Twice as many frames give twice the residuals; a norm at the end would hide it."""
    module, frames = netvlad(5, clusters=3, embedding_dim=4).eval(), drawn(1, 6, 5)
    torch.testing.assert_close(module.residuals(torch.cat([frames, frames], dim=1)), 2.0 * module.residuals(frames))


@torch.inference_mode()
def test_a_clip_is_scored_without_what_it_lacks() -> None:
    network = clip_identifier_small().eval()
    frames = [drawn(2, 8, dim, seed=dim) for dim in (256, 192, 256, 192)]
    present = torch.tensor([[1.0, 1.0, 1.0, 0.0], [1.0, 0.0, 1.0, 1.0]])
    found = network(present, *frames)
    frames[3][0] = 1e6
    frames[1][1] = float("nan")
    torch.testing.assert_close(network(present, *frames), found)
    assert found.shape == (2, 64)
    with pytest.raises(ValueError, match="got frames of 3 modalities, expected 4"):
        network(present, *frames[:3])


@torch.inference_mode()
def test_two_streams_meet_in_the_joint_embedding() -> None:
    network = two_stream_small().eval()
    crop = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    found = network(crop, drawn(2, 45, 64))
    assert found.face.shape == found.voice.shape == found.joint.shape == (2, 128)
    expected = network.joint(torch.cat([found.voice, found.face], dim=1))
    torch.testing.assert_close(found.joint, expected)
    other = network(crop, drawn(2, 45, 64, seed=1))
    torch.testing.assert_close(other.face, found.face)
    assert not torch.allclose(other.voice, found.voice)
