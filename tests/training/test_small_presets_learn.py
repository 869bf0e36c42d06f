"""Every small preset with its loss: a few steps on one batch lower it, and every weight takes part."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.presets_papers import SMALL_PRESETS
from training.losses.aligned import AlignedLoss
from training.losses.arcface import ArcFace
from training.losses.association import AssociationLoss, TrackletKeys
from training.losses.speaking import SpeakingLoss
from training.losses.sphereface import SphereFaceLoss
from training.losses.triplet import TripletMargin
from training.losses.two_stream import TwoStreamLoss

ROWS = 8
LABELS = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
STEPS = 8

# Network and its loss as one module with everything that is trained, and the loss of the fixed batch.
Setup = tuple[nn.Module, Callable[[], Tensor]]


def pictures(side: int, columns: int | None = None) -> Tensor:
    """Two views of each of four people: a colour of their own, and noise."""
    torch.manual_seed(7)
    colours = torch.rand(4, 1, 1, 3)[LABELS] * 200
    return (colours + 50 * torch.rand(ROWS, side, columns or side, 3)).to(torch.uint8)


def sounds(frames: int, bands: int) -> Tensor:
    torch.manual_seed(8)
    return torch.randn(4, 1, bands)[LABELS] + 0.3 * torch.randn(ROWS, frames, bands)


def vectors(dim: int) -> Tensor:
    torch.manual_seed(dim)
    return functional.normalize(torch.randn(4, dim)[LABELS] + 0.3 * torch.randn(ROWS, dim), dim=1)


def arcface(dim: int) -> ArcFace:
    return ArcFace(embedding_dim=dim, classes=4, scale=16.0, margin=0.2)


def embedded(name: str, dim: int, inputs: Tensor, loss: nn.Module | None = None) -> Setup:
    """An encoder of one input, with a loss over identities."""
    network = SMALL_PRESETS[name]()
    over = arcface(dim) if loss is None else loss
    return nn.ModuleList([network, over]), lambda: over(network(inputs), LABELS)


def aligned_body() -> Setup:
    network, loss = SMALL_PRESETS["aligned_body_small"](), AlignedLoss(classifier=nn.Linear(256, 4))
    crops = pictures(64, 32)
    return nn.ModuleList([network, loss]), lambda: sum_of(loss(network(crops), LABELS))


def two_stream() -> Setup:
    network, loss = SMALL_PRESETS["two_stream_small"](), TwoStreamLoss(triplet=TripletMargin(margin=1.0))
    crops, windows = pictures(64), sounds(45, 64)
    positives, negatives = torch.tensor([1, 0, 3, 2, 5, 4, 7, 6]), torch.tensor([2, 3, 0, 1, 6, 7, 4, 5])

    def value() -> Tensor:
        found = network(crops, windows)
        pick = [type(found)(*[part[rows] for part in found]) for rows in (positives, negatives)]
        return sum_of(loss(found, *pick))

    return network, value


def active_speaker() -> Setup:
    network, loss = SMALL_PRESETS["active_speaker_small"](), SpeakingLoss(temperature=1.3)
    torch.manual_seed(9)
    speaking = (torch.rand(ROWS, 4) < 0.5).long()
    # Bright faces speak: a mouth that is seen, and a sound that is heard.
    faces = (speaking[:, :, None, None] * 90 + 100 * torch.rand(ROWS, 4, 24, 24)).to(torch.uint8)
    cepstra = speaking.repeat_interleave(4, dim=1).unsqueeze(2) + 0.5 * torch.randn(ROWS, 16, 13)
    return network, lambda: sum_of(loss(network(faces, cepstra), speaking, torch.ones(ROWS, 4)))


def clip_identifier() -> Setup:
    network = SMALL_PRESETS["clip_identifier_small"]()
    frames = [vectors(dim).unsqueeze(1) + 0.01 * torch.randn(ROWS, 5, dim) for dim in (256, 192, 256, 192)]
    present = torch.ones(ROWS, 4)
    present[::3, 1] = 0.0
    return network, lambda: functional.cross_entropy(network(present, *frames), LABELS)


def associative() -> Setup:
    network = SMALL_PRESETS["associative_small"]()
    loss = AssociationLoss(together=arcface(128), keys=[arcface(128) for _ in range(3)])
    where = TrackletKeys(LABELS, torch.zeros(ROWS).long(), 10.0 * torch.arange(ROWS), 10.0 * torch.arange(ROWS) + 5)
    parts, present = [vectors(dim) for dim in (256, 256, 192)], torch.ones(ROWS, 3)

    def value() -> Tensor:
        torch.manual_seed(10)  # the same modalities dropped each time
        return sum_of(loss(network(present, present * 0.7, *parts), present, where))

    return nn.ModuleList([network, loss]), value


def sum_of(terms: dict[str, Tensor]) -> Tensor:
    return torch.stack(list(terms.values())).sum()


SETUPS: dict[str, Callable[[], Setup]] = {
    "active_speaker_small": active_speaker,
    "aligned_body_small": aligned_body,
    "associative_small": associative,
    "clip_identifier_small": clip_identifier,
    "iresnet_small": lambda: embedded("iresnet_small", 256, pictures(96)),
    "speaker_magnitude_small": lambda: embedded("speaker_magnitude_small", 192, 30.0 * sounds(64, 257).abs()),
    "speaker_mel_small": lambda: embedded("speaker_mel_small", 192, sounds(45, 64)),
    "sphereface_small": lambda: embedded(
        "sphereface_small", 256, pictures(96), SphereFaceLoss(embedding_dim=256, classes=4, margin=4, blend=5.0)
    ),
    "two_stream_small": two_stream,
}


def idle(trained: nn.Module) -> list[str]:
    """Names of the weights that the loss does not reach."""
    return [key for key, p in trained.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())]


@pytest.mark.parametrize("name", sorted(SETUPS))
def test_a_few_steps_lower_the_loss(name: str) -> None:
    torch.manual_seed(0)
    trained, value = SETUPS[name]()
    trained.train()
    optimiser = torch.optim.Adam(trained.parameters(), lr=1e-3)
    losses = []
    for step in range(STEPS):
        optimiser.zero_grad()
        loss = value()
        loss.backward()
        losses.append(loss.item())
        # Later on a triplet may be solved, and its hinge teaches nothing more.
        assert step > 0 or not idle(trained)
        optimiser.step()
    assert losses[-1] < 0.8 * losses[0]


def test_no_preset_is_forgotten() -> None:
    assert set(SETUPS) == set(SMALL_PRESETS)
