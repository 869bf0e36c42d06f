"""The active-speaker network against its definition, written with functions alone from the public keys."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from models.speaking import SpeakingGraph, active_speaker, active_speaker_small

Weights = dict[str, Tensor]


def lively(network: torch.nn.Module) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(1)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_mean"):
            tensor.uniform_(-0.2, 0.2, generator=generator)
        elif name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=generator)
    return network.eval()


def faces(*shape: int) -> Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def sound(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(2))


def norm(w: Weights, key: str, x: Tensor) -> Tensor:
    statistics = (w[f"{key}.running_mean"], w[f"{key}.running_var"])
    return functional.batch_norm(x, *statistics, w[f"{key}.weight"], w[f"{key}.bias"], eps=0.001)


def visual_by_hand(w: Weights, key: str, x: Tensor, stride: int) -> Tensor:
    total = torch.zeros(())
    for kernel in (3, 5):
        half = kernel // 2
        y = functional.conv3d(x, w[f"{key}.s_{kernel}.weight"], stride=(1, stride, stride), padding=(0, half, half))
        y = functional.relu(norm(w, f"{key}.bn_s_{kernel}", y))
        y = functional.conv3d(y, w[f"{key}.t_{kernel}.weight"], padding=(half, 0, 0))
        total = total + functional.relu(norm(w, f"{key}.bn_t_{kernel}", y))
    return functional.relu(norm(w, f"{key}.bn_last", functional.conv3d(total, w[f"{key}.last.weight"])))


def audio_by_hand(w: Weights, key: str, x: Tensor) -> Tensor:
    total = torch.zeros(())
    for kernel in (3, 5):
        half = kernel // 2
        y = functional.conv2d(x, w[f"{key}.m_{kernel}.weight"], padding=(half, 0))
        y = functional.relu(norm(w, f"{key}.bn_m_{kernel}", y))
        y = functional.conv2d(y, w[f"{key}.t_{kernel}.weight"], padding=(0, half))
        total = total + functional.relu(norm(w, f"{key}.bn_t_{kernel}", y))
    return functional.relu(norm(w, f"{key}.bn_last", functional.conv2d(total, w[f"{key}.last.weight"])))


def gru_by_hand(w: Weights, key: str, x: Tensor) -> Tensor:
    """The recurrence, one step at a time: reset and update gates, then the candidate."""
    state = torch.zeros(x.shape[0], w[f"{key}.weight_hh_l0"].shape[1])
    answers = []
    for step in x.unbind(1):
        from_input = functional.linear(step, w[f"{key}.weight_ih_l0"], w[f"{key}.bias_ih_l0"]).chunk(3, dim=1)
        from_state = functional.linear(state, w[f"{key}.weight_hh_l0"], w[f"{key}.bias_hh_l0"]).chunk(3, dim=1)
        reset = (from_input[0] + from_state[0]).sigmoid()
        update = (from_input[1] + from_state[1]).sigmoid()
        candidate = (from_input[2] + reset * from_state[2]).tanh()
        state = (1.0 - update) * candidate + update * state
        answers.append(state)
    return torch.stack(answers, dim=1)


def network_by_hand(w: Weights, grey: Tensor, cepstra: Tensor) -> tuple[Tensor, Tensor]:
    x = (grey.float().unsqueeze(1) / 255 - 0.4161) / 0.1688
    for index, stride in ((1, 2), (2, 1), (3, 1)):
        x = visual_by_hand(w, f"visual.block{index}", x, stride)
        if index < 3:
            x = functional.max_pool3d(x, (1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))
    seen = x.flatten(3).max(dim=3).values.transpose(1, 2)
    y = cepstra.unsqueeze(1).transpose(2, 3)
    for index in (1, 2, 3):
        y = audio_by_hand(w, f"audio.block{index}", y)
        if index < 3:
            y = functional.max_pool2d(y, (1, 3), stride=(1, 2), padding=(0, 1))
    heard = y.mean(dim=2).transpose(1, 2)
    z = functional.gelu(gru_by_hand(w, "memory.forwards", seen + heard))
    z = functional.gelu(gru_by_hand(w, "memory.backwards", z.flip(1)).flip(1))
    both = functional.linear(z, w["score.weight"], w["score.bias"])
    return both, functional.linear(seen, w["visual_score.weight"], w["visual_score.bias"])


def test_the_network_is_its_definition() -> None:
    network = lively(active_speaker(widths=(3, 4, 5)))
    grey, cepstra = faces(2, 6, 24, 24), sound(2, 24, 13)
    with torch.inference_mode():
        found = network(grey, cepstra)
        both, visual = network_by_hand(network.state_dict(), grey, cepstra)
    torch.testing.assert_close(found.both, both, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.visual, visual, atol=1e-4, rtol=1e-4)


def test_the_faces_alone_hear_nothing() -> None:
    network = lively(active_speaker_small())
    grey = faces(1, 4, 48, 48)
    with torch.inference_mode():
        quiet, loud = network(grey, torch.zeros(1, 16, 13)), network(grey, sound(1, 16, 13) * 5)
    torch.testing.assert_close(quiet.visual, loud.visual)
    assert not torch.allclose(quiet.both, loud.both)


@pytest.mark.parametrize("frames", [1, 5, 25])
def test_four_frames_of_sound_meet_one_of_picture(frames: int) -> None:
    network = lively(active_speaker_small())
    with torch.inference_mode():
        served = SpeakingGraph(network=network)(faces(2, frames, 48, 48), sound(2, 4 * frames, 13))
        scores = network(faces(2, frames, 48, 48), sound(2, 4 * frames, 13)).both
    assert served.shape == (2, frames)
    torch.testing.assert_close(served, torch.sigmoid(scores[..., 1] - scores[..., 0]))
