"""Loss of the anchor-free detector: which location answers for which box, and how wrong its answer is.

Sources: task-aligned assignment from Feng et al., "TOOD", arXiv:2108.07755v3, section 3.2; varifocal loss from
Zhang et al., "VarifocalNet", arXiv:2008.13367v2, equation 2; generalised IoU from Rezatofighi et al.,
arXiv:1902.09630v2, algorithm 1.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.detector import Detections


class Truth(NamedTuple):
    """All boxes of a batch, flat.

    boxes [G, 4] float32, x0, y0, x1, y1 in input pixels; image [G] int64; category [G] int64; ignored [G] bool.
    """

    boxes: Tensor
    image: Tensor
    category: Tensor
    ignored: Tensor


class Assignment(NamedTuple):
    """What each proposal is to answer.

    target [B, P, K] float32, the wanted score, 0 for background; owner [B, P, K] int64, row of the truth, -1 for none;
    counts [B, P, K] bool, false where an ignored box makes the answer open.
    """

    target: Tensor
    owner: Tensor
    counts: Tensor


class DetectionLoss(nn.Module):
    """Varifocal loss on scores and generalised IoU on boxes, over task-aligned assignments.

    Args:
        top: Locations that answer for one box.
        box_weight: Weight of the box loss.
        score_power: Power of the score in the alignment.
        overlap_power: Power of the overlap in the alignment.
    """

    def __init__(
        self, *, top: int = 10, box_weight: float = 2.5, score_power: float = 0.5, overlap_power: float = 4.0
    ) -> None:
        super().__init__()
        self.top = top
        self.box_weight = box_weight
        self.score_power = score_power
        self.overlap_power = overlap_power

    def forward(self, found: Detections, centres: Tensor, strides: Tensor, truth: Truth) -> tuple[Tensor, Tensor]:
        """Compute the losses.

        Args:
            found: logits [B, P, K] and boxes [B, P, K, 4].
            centres: [P, 2], x, y of each location in input pixels.
            strides: [P], input pixels per location.
            truth: G boxes.

        Returns:
            score loss and box loss (already weighted), scalars.

        Shape legend: B images, P locations, K classes, G true boxes.
        """
        logits = found.logits.float()
        with torch.no_grad():
            assignment = self.assign(logits, found.boxes, centres, strides, truth)
        total = assignment.target.sum().clamp(min=1.0)
        score_loss = (varifocal(logits, assignment.target) * assignment.counts).sum() / total
        positive = assignment.owner >= 0
        # [N, 4], N positive proposals
        wanted = truth.boxes[assignment.owner[positive]]
        overlap = generalised_iou(found.boxes[positive], wanted)
        box_loss = ((1.0 - overlap) * assignment.target[positive]).sum() / total
        return score_loss, self.box_weight * box_loss

    def assign(self, logits: Tensor, boxes: Tensor, centres: Tensor, strides: Tensor, truth: Truth) -> Assignment:
        """Choose for each box the locations that already answer best for it.

        Args:
            logits: [B, P, K].
            boxes: [B, P, K, 4].
            centres: [P, 2].
            strides: [P].
            truth: G boxes.

        Shape legend: B images, P locations, K classes, G true boxes.
        """
        real = ~truth.ignored
        counts = ~_inside_ignored(logits.shape, centres, truth)
        owner = torch.full(logits.shape, -1, dtype=torch.int64)
        target = torch.zeros(logits.shape)
        if not bool(real.any()):
            return Assignment(target, owner, counts)
        rows = real.nonzero().squeeze(1)
        wanted, image, category = truth.boxes[rows], truth.image[rows], truth.category[rows]
        # [G, P]
        overlap = iou(boxes[image, :, category], wanted.unsqueeze(1)).clamp(min=0.0)
        score = logits[image, :, category].sigmoid()
        near = _near(wanted, centres, strides)
        aligned = score.pow(self.score_power) * overlap.pow(self.overlap_power)
        # A whisper of closeness breaks ties while no proposal overlaps yet.
        ranked = torch.where(near, aligned + 1e-6 * _closeness(wanted, centres), aligned.new_tensor(-1.0))
        chosen = _top_mask(ranked, self.top) & near
        chosen = _one_owner(chosen, overlap, image, category, logits.shape)
        strength = aligned * chosen
        best = strength.amax(dim=1, keepdim=True).clamp(min=1e-12)
        best_overlap = (overlap * chosen).amax(dim=1, keepdim=True)
        value = strength / best * best_overlap
        box_index, location = chosen.nonzero(as_tuple=True)
        where = (image[box_index], location, category[box_index])
        owner[where] = rows[box_index]
        target[where] = value[box_index, location]
        return Assignment(target, owner, counts | (owner >= 0))


def varifocal(logits: Tensor, target: Tensor, *, alpha: float = 0.75, gamma: float = 2.0) -> Tensor:
    """Give the elementwise loss: positives weigh as much as they overlap, easy negatives weigh little.

    Args:
        logits: [...], float32.
        target: [...], float32, 0..1; 0 is background.
        alpha: Weight of the negatives.
        gamma: How fast easy negatives fade.
    """
    score = logits.detach().sigmoid()
    weight = torch.where(target > 0.0, target, alpha * score.pow(gamma))
    return weight * functional.binary_cross_entropy_with_logits(logits, target, reduction="none")


def iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of boxes [..., 4], broadcast: [...]."""
    shared, union, _ = _areas(first, second)
    return shared / union.clamp(min=1e-7)


def generalised_iou(first: Tensor, second: Tensor) -> Tensor:
    """Generalised IoU of boxes [..., 4], broadcast: [...], -1..1; it has a slope even where boxes do not meet."""
    shared, union, hull = _areas(first, second)
    return shared / union.clamp(min=1e-7) - (hull - union) / hull.clamp(min=1e-7)


def _areas(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    low = torch.maximum(first[..., :2], second[..., :2])
    high = torch.minimum(first[..., 2:], second[..., 2:])
    shared = (high - low).clamp(min=0.0).prod(dim=-1)
    union = _area(first) + _area(second) - shared
    outer_low = torch.minimum(first[..., :2], second[..., :2])
    outer_high = torch.maximum(first[..., 2:], second[..., 2:])
    return shared, union, (outer_high - outer_low).prod(dim=-1)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0.0).prod(dim=-1)


def _near(boxes: Tensor, centres: Tensor, strides: Tensor) -> Tensor:
    """Say which locations may answer for a box, [G, P]: those inside, and for tiny boxes the nearest ones."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2.0
    half = (boxes[:, 2:] - boxes[:, :2]) / 2.0
    # [G, P, 2]
    reach = torch.maximum(half.unsqueeze(1), 0.75 * strides.reshape(1, -1, 1))
    return ((centres.unsqueeze(0) - middle.unsqueeze(1)).abs() <= reach).all(dim=2)


def _closeness(boxes: Tensor, centres: Tensor) -> Tensor:
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2.0
    half = ((boxes[:, 2:] - boxes[:, :2]) / 2.0).clamp(min=1.0)
    offset = (centres.unsqueeze(0) - middle.unsqueeze(1)) / half.unsqueeze(1)
    return torch.exp(-offset.square().sum(dim=2))


def _top_mask(ranked: Tensor, top: int) -> Tensor:
    best = ranked.topk(min(top, ranked.shape[1]), dim=1).indices
    return torch.zeros_like(ranked, dtype=torch.bool).scatter_(1, best, True)


def _one_owner(chosen: Tensor, overlap: Tensor, image: Tensor, category: Tensor, shape: torch.Size) -> Tensor:
    """Leave a location that several boxes of one class chose to the box that it overlaps most."""
    batch, _, classes = shape
    group = image * classes + category
    claims = torch.where(chosen, overlap, overlap.new_tensor(-1.0))
    # [B * K, P]: the strongest claim at each location
    strongest = claims.new_full((batch * classes, claims.shape[1]), -1.0)
    strongest.scatter_reduce_(0, group.unsqueeze(1).expand_as(claims), claims, reduce="amax")
    return chosen & (claims >= strongest[group])


def _inside_ignored(shape: torch.Size, centres: Tensor, truth: Truth) -> Tensor:
    """Say which proposals lie in an ignored box of their class, [B, P, K]."""
    open_answers = torch.zeros(shape, dtype=torch.bool)
    for row in truth.ignored.nonzero().squeeze(1).tolist():
        box = truth.boxes[row]
        inside = ((centres >= box[:2]) & (centres <= box[2:])).all(dim=1)
        open_answers[truth.image[row], :, truth.category[row]] |= inside
    return open_answers
