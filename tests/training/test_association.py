"""InfoNCE, the losses of the associative network and of the active speaker, against slow oracles."""

import math

import pytest
import torch
from torch import Tensor, nn

from models.fusion import AssociativeEmbeddings
from models.speaking import SpeakingScores
from training.losses.arcface import ArcFace
from training.losses.association import AssociationLoss, TrackletKeys, near
from training.losses.distances import cosine
from training.losses.info_nce import info_nce
from training.losses.speaking import SpeakingLoss, temperature_at
from training.losses.triplet import BatchHardTriplet

# Two films; identity 0 is in both; tracklets 0 and 1 of film 0 are near, 2 is later by more than five minutes.
IDENTITY = torch.tensor([0, 1, 2, 0, 3, 0])
VIDEO = torch.tensor([0, 0, 0, 1, 1, 0])
START_S = torch.tensor([0.0, 20.0, 500.0, 0.0, 10.0, 30.0])
WHERE = TrackletKeys(identity=IDENTITY, video=VIDEO, start_s=START_S, end_s=START_S + 5.0)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def slow_cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


def slow_info_nce(first: Tensor, second: Tensor, rivals: list[list[bool]], present: list[bool], tau: float) -> float:
    """-log of the partner's share, row by row and direction by direction."""
    sides = []
    for left, right in ((first.tolist(), second.tolist()), (second.tolist(), first.tolist())):
        losses = []
        for i in range(len(left)):
            others = [j for j in range(len(left)) if j != i and rivals[i][j] and present[j]]
            if present[i] and others:
                partner = math.exp(slow_cosine(left[i], right[i]) / tau)
                total = partner + sum(math.exp(slow_cosine(left[i], right[j]) / tau) for j in others)
                losses.append(-math.log(partner / total))
        sides.append(sum(losses) / len(losses))
    return sum(sides) / 2.0


def slow_near(where: TrackletKeys, seconds: float) -> list[list[bool]]:
    rows = list(zip(where.video.tolist(), where.start_s.tolist(), where.end_s.tolist(), strict=True))
    return [[a[0] == b[0] and max(b[1] - a[2], a[1] - b[2]) <= seconds for b in rows] for a in rows]


@pytest.mark.parametrize("tau", [0.07, 1.0])
def test_info_nce_is_the_formula(tau: float) -> None:
    first, second = drawn(6, 4), drawn(6, 4, seed=1)
    rivals = IDENTITY.unsqueeze(0) != IDENTITY.unsqueeze(1)
    present = torch.tensor([True, True, False, True, True, True])
    found = info_nce(first, second, rivals, present=present, temperature=tau)
    expected = slow_info_nce(first, second, rivals.tolist(), present.tolist(), tau)
    assert found.item() == pytest.approx(expected, rel=1e-4)


def test_info_nce_with_one_rival_is_known_by_heart() -> None:
    """Partners alike, rivals at right angles, temperature 1: -log(e / (e + 1)) = log(1 + 1 / e)."""
    both = torch.eye(2)
    found = info_nce(
        both, both, torch.ones(2, 2, dtype=torch.bool), present=torch.ones(2, dtype=torch.bool), temperature=1.0
    )
    assert found.item() == pytest.approx(math.log(1.0 + math.exp(-1.0)), abs=1e-6)


def test_info_nce_of_rows_without_rivals_costs_nothing() -> None:
    first = drawn(3, 4).requires_grad_()
    nobody = torch.zeros(3, 3, dtype=torch.bool)
    loss = info_nce(first, drawn(3, 4), nobody, present=torch.ones(3, dtype=torch.bool), temperature=0.1)
    loss.backward()
    assert loss.item() == 0.0


def test_a_missing_row_spreads_no_nan() -> None:
    first = drawn(4, 3)
    first[1] = float("nan")
    first.requires_grad_()
    present = torch.tensor([True, False, True, True])
    loss = info_nce(first, drawn(4, 3), torch.ones(4, 4, dtype=torch.bool), present=present, temperature=0.1)
    loss.backward()
    assert torch.isfinite(loss)
    assert first.grad is not None
    assert torch.isfinite(first.grad).all()
    assert first.grad[1].abs().sum() == 0.0


def test_near_is_one_video_and_a_few_minutes() -> None:
    assert near(WHERE, 300.0).tolist() == slow_near(WHERE, 300.0)
    assert near(WHERE, 300.0)[0].tolist() == [True, True, False, False, False, True]
    # From 25 s (the end of 1) to 500 s it is 475 s of silence.
    assert near(WHERE, 475.0)[1, 2].item()
    assert not near(WHERE, 474.0)[1, 2].item()


def embeddings(present: Tensor) -> AssociativeEmbeddings:
    keys = drawn(6, 3, 4, seed=2) * present.unsqueeze(2)
    weights = present / present.sum(dim=1, keepdim=True)
    together = nn.functional.normalize((weights.unsqueeze(2) * keys).sum(dim=1), dim=1)
    return AssociativeEmbeddings(together=together, keys=keys, weights=weights)


def the_loss(**changes: float) -> AssociationLoss:
    torch.manual_seed(0)
    margins = [ArcFace(embedding_dim=4, classes=4, scale=30.0, margin=0.3) for _ in range(4)]
    return AssociationLoss(together=margins[0], keys=margins[1:], short_term_s=300.0, temperature=0.2, **changes)


PRESENT = torch.tensor(
    [[1.0, 1.0, 1.0], [1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]]
)


def test_associations_are_the_formula() -> None:
    """Face and voice against everybody else, body pairs against others of one film within five minutes."""
    found = embeddings(PRESENT)
    terms = the_loss(association_weight=1.0)(found, PRESENT, WHERE)
    everybody = (IDENTITY.unsqueeze(0) != IDENTITY.unsqueeze(1)).tolist()
    close = slow_near(WHERE, 300.0)
    short = [[a and b for a, b in zip(*rows, strict=True)] for rows in zip(everybody, close, strict=True)]
    parts = []
    for first, second in ((0, 1), (0, 2), (1, 2)):
        present = ((PRESENT[:, first] * PRESENT[:, second]) > 0).tolist()
        rivals = everybody if (first, second) == (0, 2) else short
        has_any = any(present[i] and any(present[j] and rivals[i][j] for j in range(6) if j != i) for i in range(6))
        parts.append(
            slow_info_nce(found.keys[:, first], found.keys[:, second], rivals, present, 0.2) if has_any else 0.0
        )
    assert parts[0] > 0.0
    assert terms["association"].item() == pytest.approx(sum(parts) / 3.0, rel=1e-4)


def test_a_body_of_another_film_does_not_matter() -> None:
    """Clothes hold for a while only: what people wear elsewhere must not change the loss of the body's pairs."""
    found = embeddings(PRESENT)
    moved = found.keys.clone()
    moved[3, 1] = drawn(4, seed=9)
    before = the_loss()(found, PRESENT, WHERE)["association"]
    torch.testing.assert_close(the_loss()(found._replace(keys=moved), PRESENT, WHERE)["association"], before)
    moved[1, 1] = drawn(4, seed=9)
    assert not torch.allclose(the_loss()(found._replace(keys=moved), PRESENT, WHERE)["association"], before)


def test_the_other_terms_are_arcface_and_batch_hard() -> None:
    found, loss = embeddings(PRESENT), the_loss(keys_weight=0.5, triplet_weight=2.0)
    terms = loss(found, PRESENT, WHERE)
    torch.testing.assert_close(terms["identity"], loss.together(found.together, IDENTITY))
    keys = sum(
        arcface(found.keys[PRESENT[:, m] > 0, m], IDENTITY[PRESENT[:, m] > 0]) for m, arcface in enumerate(loss.keys)
    )
    torch.testing.assert_close(terms["keys"], 0.5 * keys)
    triplet = BatchHardTriplet(margin=0.3, distance=cosine)(found.together, IDENTITY)
    torch.testing.assert_close(terms["triplet"], 2.0 * triplet)


def test_what_the_network_dropped_is_not_asked() -> None:
    dropped = PRESENT.clone()
    dropped[0] = torch.tensor([1.0, 0.0, 0.0])
    found = embeddings(dropped)
    told, untold = (the_loss()(found, mask, WHERE) for mask in (dropped, PRESENT))
    for name, value in told.items():
        torch.testing.assert_close(value, untold[name])


def test_a_batch_without_voices_has_all_its_terms() -> None:
    present = PRESENT * torch.tensor([1.0, 1.0, 0.0])
    terms = the_loss()(embeddings(present), present, WHERE)
    assert all(torch.isfinite(value) for value in terms.values())


def slow_speaking(logits: Tensor, speaking: Tensor, counts: Tensor, temperature: float) -> float:
    losses = []
    for row, label, counted in zip(logits.flatten(0, 1).tolist(), speaking.flatten(), counts.flatten(), strict=True):
        if counted:
            shares = [math.exp(value / temperature) for value in row]
            losses.append(-math.log(shares[int(label)] / sum(shares)))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("temperature", [1.0, 1.3])
def test_the_speaking_loss_is_the_formula(temperature: float) -> None:
    scores = SpeakingScores(both=drawn(2, 5, 2), visual=drawn(2, 5, 2, seed=1))
    speaking = torch.tensor([[0, 1, 1, 0, 1], [1, 0, 0, 0, 0]])
    counts = torch.tensor([[1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 0.0, 0.0, 0.0]])
    terms = SpeakingLoss(temperature=temperature)(scores, speaking, counts)
    assert terms["both"].item() == pytest.approx(slow_speaking(scores.both, speaking, counts, temperature), rel=1e-5)
    visual = 0.5 * slow_speaking(scores.visual, speaking, counts, temperature)
    assert terms["visual"].item() == pytest.approx(visual, rel=1e-5)


def test_the_temperature_falls_as_published() -> None:
    assert temperature_at(0) == 1.3
    assert temperature_at(29) == pytest.approx(0.72)
    assert temperature_at(1000) == 0.1
