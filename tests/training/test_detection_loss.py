import math

import pytest
import torch

from models.detector import Detections
from training.losses import DetectionLoss, Truth
from training.losses.detection import generalised_iou, iou, varifocal
from training.tasks.detector import locations


def slow_giou(a, b) -> float:
    """Algorithm 1 of the paper, with areas of integer pixels counted."""

    def cells(box):
        return {(x, y) for x in range(box[0], box[2]) for y in range(box[1], box[3])}

    shared, union = cells(a) & cells(b), cells(a) | cells(b)
    hull = cells((min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])))
    return len(shared) / len(union) - (len(hull) - len(union)) / len(hull)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((0, 0, 4, 4), (2, 1, 6, 5)),
        ((0, 0, 3, 3), (5, 5, 9, 8)),
        ((1, 1, 7, 7), (2, 3, 4, 5)),
        ((0, 0, 2, 2), (0, 0, 2, 2)),
    ],
    ids=["crossing", "apart", "inside", "same"],
)
def test_generalised_iou_counts_cells(a, b) -> None:
    found = generalised_iou(torch.tensor(a, dtype=torch.float32), torch.tensor(b, dtype=torch.float32))
    assert found.item() == pytest.approx(slow_giou(a, b), abs=1e-5)


@pytest.mark.parametrize(("logit", "target"), [(-2.0, 0.0), (1.5, 0.0), (0.3, 0.8), (-4.0, 0.4)])
def test_varifocal_is_the_formula(logit: float, target: float) -> None:
    score = 1 / (1 + math.exp(-logit))
    cross = -(target * math.log(score) + (1 - target) * math.log(1 - score))
    expected = target * cross if target > 0 else 0.75 * score**2 * cross
    assert varifocal(torch.tensor(logit), torch.tensor(target)).item() == pytest.approx(expected, rel=1e-4)


def scene(boxes, categories, ignored=None, images=None) -> Truth:
    count = len(boxes)
    return Truth(
        boxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        image=torch.tensor(images or [0] * count, dtype=torch.int64),
        category=torch.tensor(categories, dtype=torch.int64),
        ignored=torch.tensor(ignored or [False] * count, dtype=torch.bool),
    )


def fixed_answer(batch: int = 1) -> tuple[Detections, torch.Tensor, torch.Tensor]:
    """A 64x64 input whose every proposal is a box of four strides about its centre, with seeded scores."""
    centres, strides = locations(64, 64, (8, 16))
    half = 2.0 * strides.reshape(-1, 1)
    boxes = torch.cat([centres - half, centres + half], dim=1).reshape(1, -1, 1, 4).repeat(batch, 1, 2, 1)
    logits = torch.randn(batch, len(centres), 2, generator=torch.Generator().manual_seed(5))
    return Detections(logits, boxes), centres, strides


def slow_assignment(found, centres, strides, truth, loss) -> dict[tuple[int, int, int], tuple[int, float]]:
    """Section 3.2 of TOOD, one box at a time: {(image, location, class): (owner, target)}."""
    claims: dict[tuple[int, int, int], list[tuple[float, int]]] = {}
    metric: dict[tuple[int, int], tuple[float, float]] = {}
    for g, (box, image, category) in enumerate(zip(truth.boxes, truth.image.tolist(), truth.category.tolist())):
        ranked = []
        for p, centre in enumerate(centres):
            reach = [max((box[2 + a] - box[a]) / 2, 0.75 * strides[p]) for a in (0, 1)]
            middle = [(box[2 + a] + box[a]) / 2 for a in (0, 1)]
            if any(abs(centre[a] - middle[a]) > reach[a] for a in (0, 1)):
                continue
            overlap = float(iou(found.boxes[image, p, category], box))
            score = float(found.logits[image, p, category].sigmoid())
            aligned = score**loss.score_power * overlap**loss.overlap_power
            metric[g, p] = (aligned, overlap)
            ranked.append((aligned, p))
        for _, p in sorted(ranked, reverse=True)[: loss.top]:
            claims.setdefault((image, p, category), []).append((metric[g, p][1], g))
    owners = {key: max(value)[1] for key, value in claims.items()}
    result = {}
    for (image, p, category), g in owners.items():
        mine = [metric[g, q] for (_, q, _), owner in owners.items() if owner == g]
        strongest, widest = max(m[0] for m in mine), max(m[1] for m in mine)
        result[image, p, category] = (g, metric[g, p][0] / strongest * widest)
    return result


def test_assignment_agrees_with_the_slow_one() -> None:
    found, centres, strides = fixed_answer(batch=2)
    truth = scene(
        [[4, 4, 40, 44], [20, 10, 60, 60], [30, 30, 36, 37], [5, 8, 30, 60]], [0, 0, 1, 1], images=[0, 0, 0, 1]
    )
    loss = DetectionLoss(top=4)
    got = loss.assign(found.logits, found.boxes, centres, strides, truth)
    expected = slow_assignment(found, centres, strides, truth, loss)
    positives = {tuple(key): None for key in (got.owner >= 0).nonzero().tolist()}
    assert positives.keys() == expected.keys()
    for key, (owner, target) in expected.items():
        assert int(got.owner[key]) == owner
        assert float(got.target[key]) == pytest.approx(target, rel=1e-3)


def test_a_box_smaller_than_a_stride_still_has_an_owner() -> None:
    found, centres, strides = fixed_answer()
    got = DetectionLoss().assign(found.logits, found.boxes, centres, strides, scene([[6.5, 6.5, 9.5, 9.5]], [1]))
    assert (got.owner >= 0).any()


def test_an_ignored_box_is_neither_wanted_nor_held_against() -> None:
    found, centres, strides = fixed_answer()
    got = DetectionLoss().assign(
        found.logits, found.boxes, centres, strides, scene([[8, 8, 40, 40]], [1], ignored=[True])
    )
    inside = ((centres >= 8) & (centres <= 40)).all(dim=1)
    assert not (got.owner >= 0).any()
    assert not got.counts[0, inside, 1].any()
    assert got.counts[0, ~inside, 1].all()
    assert got.counts[0, :, 0].all()


def test_an_empty_image_only_costs_its_scores() -> None:
    found, centres, strides = fixed_answer()
    score_loss, box_loss = DetectionLoss()(found, centres, strides, scene([], []))
    assert score_loss > 0.0
    assert box_loss == 0.0


def test_a_proposal_that_fits_costs_nothing_for_its_box() -> None:
    found, centres, strides = fixed_answer()
    truth = scene([found.boxes[0, 27, 0].tolist()], [0])
    loss = DetectionLoss(top=1)
    assert loss(found, centres, strides, truth)[1].item() == pytest.approx(0.0, abs=1e-5)
    wider = Detections(found.logits, found.boxes + torch.tensor([-3.0, -3.0, 3.0, 3.0]))
    assert loss(wider, centres, strides, truth)[1] > 0.5
