"""An anchor-free detector: each location of three feature maps proposes one box for each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.blocks import ConvUnit, PixelInput

# exp(6) strides is wider than any input; the bound keeps a wild early step from overflowing.
MAX_LOG_DISTANCE = 6.0


class Detections(NamedTuple):
    """Raw proposals of a batch: `logits` [B, P, K]; `boxes` [B, P, K, 4] as x0, y0, x1, y1 in input pixels."""

    logits: Tensor
    boxes: Tensor


class FeaturePyramid(nn.Module):
    """Adds coarse context to fine maps, top down.

    Args:
        laterals: one per level, fine to coarse; map each level to a common number of channels.
        smooth: one per level; applied after the sum.
    """

    def __init__(self, *, laterals: Sequence[nn.Module], smooth: Sequence[nn.Module]) -> None:
        super().__init__()
        if len(laterals) != len(smooth):
            raise ValueError(f"{len(laterals)} laterals and {len(smooth)} smooth layers: give one of each per level")
        self.laterals = nn.ModuleList(laterals)
        self.smooth = nn.ModuleList(smooth)

    def forward(self, levels: Sequence[Tensor]) -> list[Tensor]:
        """Fuse the levels.

        Args:
            levels: fine to coarse, each [B, C_l, H / 2^l, W / 2^l], float32.

        Returns:
            the same number of maps, each [B, C, H / 2^l, W / 2^l].

        Shape legend: B batch, C_l channels of level l, C common channels.
        """
        merged = [lateral(level) for lateral, level in zip(self.laterals, levels, strict=True)]
        for index in range(len(merged) - 2, -1, -1):
            merged[index] = merged[index] + functional.interpolate(merged[index + 1], scale_factor=2.0)
        return [smooth(level) for smooth, level in zip(self.smooth, merged, strict=True)]


class LevelHead(nn.Module):
    """Class scores and box distances at each location of each level.

    Convolutions may be shared between levels, normalisations may not: what a batch's mean and variance are differs from
    level to level, so that one running average of all would fit none (measured: 0.09 of overlap lost).

    Args:
        score_towers: shape-keeping layers before the scores, one per level.
        box_towers: shape-keeping layers before the distances, one per level.
        score: gives K channels of logits.
        distance: gives 4 K channels, logarithms of the distances to the four sides in strides.
    """

    def __init__(
        self,
        *,
        score_towers: Sequence[nn.Module],
        box_towers: Sequence[nn.Module],
        score: nn.Conv2d,
        distance: nn.Conv2d,
    ) -> None:
        super().__init__()
        if distance.out_channels != 4 * score.out_channels:
            raise ValueError(
                f"distance gives {distance.out_channels} channels, expected 4 for each of {score.out_channels} classes"
            )
        self.score_towers = nn.ModuleList(score_towers)
        self.box_towers = nn.ModuleList(box_towers)
        self.score = score
        self.distance = distance
        self.classes = score.out_channels

    def forward(self, levels: Sequence[Tensor], strides_px: Sequence[int]) -> Detections:
        """Propose one box for each class at each location.

        Args:
            levels: fine to coarse, each [B, C, H_l, W_l], float32.
            strides_px: input pixels from one location to the next, one per level.

        Returns:
            `Detections` with the P = sum of H_l * W_l proposals of all levels, boxes in input pixels.

        Shape legend: B batch, C channels, K classes, P proposals.
        """
        towers = zip(levels, self.score_towers, self.box_towers, strides_px, strict=True)
        parts = [self._propose(score(level), box(level), stride) for level, score, box, stride in towers]
        return Detections(
            logits=torch.cat([part.logits for part in parts], dim=1),
            boxes=torch.cat([part.boxes for part in parts], dim=1),
        )

    def _propose(self, score_map: Tensor, box_map: Tensor, stride_px: int) -> Detections:
        batch, _, height, width = score_map.shape
        # [B, K, H, W] -> [B, P, K]
        logits = self.score(score_map).flatten(2).transpose(1, 2)
        # [B, 4K, H, W] -> [B, P, 4K] -> [B, P, K, 4]
        raw = self.distance(box_map).flatten(2).transpose(1, 2)
        distance = raw.reshape(batch, height * width, self.classes, 4).float().clamp(max=MAX_LOG_DISTANCE).exp()
        # [1, P, 1, 2]
        centres = location_centres(height, width, stride_px, score_map.device).reshape(1, height * width, 1, 2)
        low = centres - distance[..., :2] * stride_px
        high = centres + distance[..., 2:] * stride_px
        return Detections(logits=logits, boxes=torch.cat([low, high], dim=-1))


class Detector(nn.Module):
    """Finds faces, heads and persons in whole frames.

    Classes have boxes of their own at each location, because a face and its head share a centre.

    Args:
        pixels: normalisation of raw pixels.
        stem: [B, 3, H, W] -> the map at the first level's stride divided by two.
        stages: one per level, fine to coarse, each halving the map.
        pyramid: fuses the levels.
        head: proposes boxes.
        strides_px: input pixels per location, one per level.
    """

    def __init__(
        self,
        *,
        pixels: PixelInput,
        stem: nn.Module,
        stages: Sequence[nn.Module],
        pyramid: FeaturePyramid,
        head: LevelHead,
        strides_px: Sequence[int],
    ) -> None:
        super().__init__()
        self.pixels = pixels
        self.stem = stem
        self.stages = nn.ModuleList(stages)
        self.pyramid = pyramid
        self.head = head
        self.strides_px = tuple(strides_px)

    def forward(self, image: Tensor) -> Detections:
        """Propose boxes.

        Args:
            image: [B, H, W, 3], uint8 (or float), 0..255, RGB; H and W multiples of the largest stride.

        Returns:
            `Detections` with the proposals of all levels, fine to coarse.

        Shape legend: B images, H rows, W columns.
        """
        x = self.stem(self.pixels(image))
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        found: Detections = self.head(self.pyramid(levels), self.strides_px)
        return found


class DetectorGraph(nn.Module):
    """The served form of a detector: the best proposals of each class, scored and decoded.

    Keeping only the best makes the answer 8 KB an image; every proposal would be 420 KB.

    Args:
        detector: the trained network.
        per_class: proposals kept for each class.
    """

    def __init__(self, *, detector: Detector, per_class: int) -> None:
        super().__init__()
        self.detector = detector
        self.per_class = per_class

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Detect.

        Args:
            image: [B, H, W, 3], uint8, RGB.

        Returns:
            boxes [B, N, 4], x0, y0, x1, y1 in input pixels, and scores [B, N, K], 0..1, zero for the classes
            that a row is not about. N = K * per_class; class k has rows k * per_class and following, best first.

        Shape legend: B images, N rows, K classes.
        """
        logits, boxes = self.detector(image)
        classes = logits.shape[2]
        kept_boxes, kept_scores = [], []
        for index in range(classes):
            # [B, P] -> [B, per_class]
            best, where = logits[:, :, index].topk(self.per_class, dim=1)
            # [B, per_class, 4]
            kept_boxes.append(boxes[:, :, index].gather(1, where.unsqueeze(2).expand(-1, -1, 4)))
            # [B, per_class, K]
            kept_scores.append(functional.pad(best.sigmoid().unsqueeze(2), (index, classes - 1 - index)))
        return torch.cat(kept_boxes, dim=1), torch.cat(kept_scores, dim=1)


def location_centres(height: int, width: int, stride_px: int, device: torch.device) -> Tensor:
    """Give the centre of each location of a map, [height * width, 2] as x, y in input pixels, row by row."""
    ys = (torch.arange(height, dtype=torch.float32, device=device) + 0.5) * stride_px
    xs = (torch.arange(width, dtype=torch.float32, device=device) + 0.5) * stride_px
    grid_y, grid_x = torch.meshgrid(ys, xs, indexing="ij")
    return torch.stack([grid_x.reshape(-1), grid_y.reshape(-1)], dim=1)


def box_head(channels: int, *, levels: int, classes: int, prior: float) -> LevelHead:
    """Build a head whose first scores are `prior`: else the many empty locations drown the start of training."""
    score = nn.Conv2d(channels, classes, 1)
    nn.init.normal_(score.weight, std=0.01)
    nn.init.constant_(_bias(score), -float(torch.logit(torch.tensor(1.0 - prior))))
    distance = nn.Conv2d(channels, 4 * classes, 1)
    nn.init.normal_(distance.weight, std=0.01)
    nn.init.constant_(_bias(distance), 1.0)
    return LevelHead(
        score_towers=_towers(channels, levels), box_towers=_towers(channels, levels), score=score, distance=distance
    )


def _towers(channels: int, levels: int) -> list[nn.Module]:
    """Build one separable unit a level, with common convolutions and a normalisation each."""
    depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
    pointwise = nn.Conv2d(channels, channels, 1, bias=False)
    return [
        nn.Sequential(
            ConvUnit(conv=depthwise, norm=nn.BatchNorm2d(channels), activation=nn.Identity()),
            ConvUnit(conv=pointwise, norm=nn.BatchNorm2d(channels), activation=nn.ReLU(inplace=True)),
        )
        for _ in range(levels)
    ]


def _bias(conv: nn.Conv2d) -> Tensor:
    if conv.bias is None:
        raise ValueError("this convolution has no bias: build it with bias=True")
    return conv.bias
