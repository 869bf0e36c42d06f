import pytest
import torch
from torch import nn

from models.speech import (
    ChunkGraph,
    Recogniser,
    RecogniserGraph,
    deep_speech,
    deep_speech_small,
    deep_speech_streaming,
    recogniser,
    weights_from_published,
)


def frames(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).abs()


def tiny(*, streaming: bool) -> Recogniser:
    torch.manual_seed(0)
    network = recogniser(channels=2, layers=2, state_dim=6, symbols=29, streaming=streaming, scale=nn.Identity())
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.uniform_(layer.bias, -0.3, 0.3)
            layer.running_mean.uniform_(-0.2, 0.2)
            layer.running_var.uniform_(0.5, 1.5)
    return network.eval()


def published_shapes() -> dict[str, tuple[int, ...]]:
    """The layout of methods.md 2.4, written out: 161 frequencies become 41, times 32 channels."""
    shapes: dict[str, tuple[int, ...]] = {
        "conv.seq_module.0.weight": (32, 1, 41, 11),
        "conv.seq_module.0.bias": (32,),
        "conv.seq_module.3.weight": (32, 32, 21, 11),
        "conv.seq_module.3.bias": (32,),
        "fc.0.module.1.weight": (29, 1024),
    }
    norms = {"conv.seq_module.1": 32, "conv.seq_module.4": 32, "fc.0.module.0": 1024}
    norms |= {f"rnns.{index}.batch_norm.module": 1024 for index in range(1, 5)}
    for name, size in norms.items():
        shapes |= {f"{name}.{part}": (size,) for part in ("weight", "bias", "running_mean", "running_var")}
        shapes[f"{name}.num_batches_tracked"] = ()
    for index in range(5):
        for way in ("", "_reverse"):
            shapes[f"rnns.{index}.rnn.weight_ih_l0{way}"] = (4096, 1312 if index == 0 else 1024)
            shapes[f"rnns.{index}.rnn.weight_hh_l0{way}"] = (4096, 1024)
            shapes |= {f"rnns.{index}.rnn.bias_{part}_l0{way}": (4096,) for part in ("ih", "hh")}
    return shapes


def test_the_published_layout() -> None:
    with torch.device("meta"):
        state = deep_speech().state_dict()
        streaming = deep_speech_streaming().state_dict()
    assert {name: tuple(value.shape) for name, value in state.items()} == published_shapes()
    # One direction has the same layout without the second reading.
    assert set(streaming) == {name for name in published_shapes() if not name.endswith("_reverse")}


def test_published_weights_load_strictly() -> None:
    network, other = tiny(streaming=False), tiny(streaming=False)
    other.load_state_dict(weights_from_published({f"model.{k}": v for k, v in network.state_dict().items()}))
    with pytest.raises(ValueError, match=r"1 keys belong to no DeepSpeech2, such as .*encoder"):
        weights_from_published({"encoder.weight": torch.zeros(1)})


def slow_convolution(x: torch.Tensor, conv: nn.Conv2d, before: int, steps: int) -> torch.Tensor:
    """A convolution by its definition, one output at a time, with silence before and after. x: [C, F, T]."""
    kernel, stride, pad = conv.kernel_size, conv.stride, conv.padding[0]
    padded = torch.zeros(x.shape[0], x.shape[1] + 2 * pad, before + x.shape[2] + kernel[1])
    padded[:, pad : pad + x.shape[1], before : before + x.shape[2]] = x
    rows = (x.shape[1] + 2 * pad - kernel[0]) // stride[0] + 1
    out = torch.zeros(conv.out_channels, rows, steps)
    for f in range(rows):
        for t in range(steps):
            part = padded[:, f * stride[0] :, t * stride[1] :][:, : kernel[0], : kernel[1]]
            out[:, f, t] = (conv.weight * part).sum(dim=(1, 2, 3)) + conv.bias
    return out


@pytest.mark.parametrize("streaming", [True, False], ids=["causal", "centred"])
def test_the_front_end_is_the_definition(streaming: bool) -> None:
    network = tiny(streaming=streaming).conv
    x, before = frames(1, 1, 161, 7), ((9, 10) if streaming else (5, 5))
    with torch.no_grad():
        y = x[0]
        for index, silence in zip((0, 3), before, strict=True):
            y = slow_convolution(y, network.seq_module[index], silence, 4)
            y = network.seq_module[index + 1](y[None])[0].clamp(0.0, 20.0)
        torch.testing.assert_close(network(x)[0], y, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("sizes", [[40], [2] * 20, [2, 10, 6, 22], [32, 8]], ids=str)
def test_chunks_give_what_the_whole_gives(sizes: list[int]) -> None:
    network, x = tiny(streaming=True), frames(3, 40, 161)
    state, parts = network.start(3), []
    with torch.inference_mode():
        whole = network(x)
        for chunk in x.split(sizes, dim=1):
            logits, state = network.step(chunk, state)
            parts.append(logits)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-5, rtol=1e-4)


def test_no_answer_of_a_stream_knows_what_comes_later() -> None:
    network, x = tiny(streaming=True), frames(1, 30, 161)
    changed = x.clone()
    changed[:, 16:] += 2.0
    with torch.inference_mode():
        moved = (network(x) - network(changed)).abs().amax(dim=(0, 2)) > 1e-6
    # Frames 16 and 17 belong to answer 8.
    assert moved.tolist() == [False] * 8 + [True] * 7


def test_a_stream_takes_pairs_of_frames_and_no_look_ahead() -> None:
    network = tiny(streaming=True)
    with pytest.raises(ValueError, match="even number"):
        network.step(frames(1, 3, 161), network.start(1))
    with pytest.raises(ValueError, match="comes later"):
        tiny(streaming=False).start(1)


@pytest.mark.parametrize("streaming", [True, False])
def test_silence_after_the_end_changes_nothing(streaming: bool) -> None:
    network, x = tiny(streaming=streaming), frames(2, 20, 161)
    with torch.inference_mode():
        both = network(x, torch.tensor([20, 11]))
        alone = network(x[1:, :11], torch.tensor([11]))
    torch.testing.assert_close(both[1, :6], alone[0], atol=1e-5, rtol=1e-4)


def test_both_directions_are_summed() -> None:
    layer = tiny(streaming=False).rnns[0]
    x = frames(5, 2, 82)
    with torch.no_grad():
        two = layer.rnn(x)[0]
        torch.testing.assert_close(layer(x), two[..., :6] + two[..., 6:])


def test_the_served_graphs_answer_in_probabilities() -> None:
    network, x = deep_speech_small().eval(), frames(2, 16, 161)
    with torch.inference_mode():
        scores = RecogniserGraph(network=network)(x)
        first = network.start(2)
        chunk = ChunkGraph(network=network)
        states = (*first.past, first.hidden.transpose(0, 1), first.cell.transpose(0, 1))
        one, *states = chunk(x[:, :6], *states)
        two, *_ = chunk(x[:, 6:], *states)
    assert scores.shape == (2, 8, 29)
    torch.testing.assert_close(scores.exp().sum(dim=2), torch.ones(2, 8))
    torch.testing.assert_close(torch.cat([one, two], dim=1), scores, atol=1e-5, rtol=1e-4)


def test_a_tiny_recogniser_learns_two_sentences() -> None:
    """CTC goes down through the whole network: the layers hang together while training, too."""
    network, x = tiny(streaming=True).train(), frames(2, 24, 161)
    x[1] += 1.0
    targets = torch.tensor([[3, 4, 5], [6, 7, 8]])
    loss = nn.CTCLoss()
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.02)
    values = []
    for _ in range(30):
        scores = network(x, torch.tensor([24, 24])).log_softmax(2).transpose(0, 1)
        value = loss(scores, targets, torch.tensor([12, 12]), torch.tensor([3, 3]))
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        values.append(value.item())
    assert values[-1] < 0.6 * values[0]
